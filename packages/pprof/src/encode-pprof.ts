/**
 * Writes pprof's protobuf (github.com/google/pprof, proto/profile.proto), compressed as `go tool pprof` expects it. Each distinct function
 * and place in it stands once. No look-up of symbols is needed afterwards: the one mapping says that all names are there.
 */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import {
  Label,
  Line,
  Location,
  Mapping,
  Function as PprofFunction,
  ValueType as PprofValueType,
  Profile,
  Sample,
  StringTable,
} from 'pprof-format';
import type { StackFrame, StackProfile, StackSample, ValueType } from './stack-profile.ts';

const MAPPING = 1;

/** The gzipped bytes of a pprof file. */
export function encodePprof(profile: StackProfile): Uint8Array {
  const strings = new StringTable();
  const { functions, locations } = encodeFrames(profile.frames, strings);
  const [first] = profile.valueTypes;
  const periodType = profile.periodType ?? first;
  const encoded = new Profile({
    sampleType: profile.valueTypes.map((type) => encodeValueType(type, strings)),
    sample: profile.samples.map((sample) => encodeSample(sample, strings)),
    mapping: [
      new Mapping({
        id: MAPPING,
        filename: strings.dedup(profile.program),
        hasFunctions: true,
        hasFilenames: true,
        hasLineNumbers: true,
      }),
    ],
    location: locations,
    function: functions,
    stringTable: strings,
    timeNanos: profile.timeNanos,
    durationNanos: Math.round(profile.durationNanos),
    ...(periodType === undefined ? {} : { periodType: encodeValueType(periodType, strings) }),
    period: profile.period ?? 1,
    comment: (profile.comments ?? []).map((text) => strings.dedup(text)),
  });
  return gzipSync(encoded.encode());
}

function encodeValueType({ type, unit }: ValueType, strings: StringTable): PprofValueType {
  return new PprofValueType({ type: strings.dedup(type), unit: strings.dedup(unit) });
}

function encodeSample({ stack, values, labels }: StackSample, strings: StringTable): Sample {
  return new Sample({
    locationId: stack.map((frame) => frame + 1),
    value: values.map(Math.round),
    label: Object.entries(labels)
      .filter(([, text]) => text !== '')
      .map(([name, text]) => new Label({ key: strings.dedup(name), str: strings.dedup(text) })),
  });
}

/** One location a frame, with the same number + 1; frames of one function share it. */
function encodeFrames(
  frames: readonly StackFrame[],
  strings: StringTable,
): { functions: PprofFunction[]; locations: Location[] } {
  const functions: PprofFunction[] = [];
  const ids = new Map<string, number>();
  const locations = frames.map((frame, at) => {
    const file = pathOf(frame.file);
    const name = nameOf(frame, file);
    const key = `${name}\n${file}`;
    let id = ids.get(key);
    if (id === undefined) {
      id = functions.length + 1;
      ids.set(key, id);
      const text = strings.dedup(name);
      functions.push(new PprofFunction({ id, name: text, systemName: text, filename: strings.dedup(file) }));
    }
    const line = new Line({ functionId: id, line: frame.line });
    return new Location({ id: at + 1, mappingId: MAPPING, line: [line] });
  });
  return { functions, locations };
}

/** Functions without a name are told apart by their place: pprof adds up what has one name. */
function nameOf({ name, line }: StackFrame, file: string): string {
  if (name !== '(anonymous)' && name !== '') return name;
  return file === '' ? '(anonymous)' : `(anonymous) ${file.slice(file.lastIndexOf('/') + 1)}:${line}`;
}

function pathOf(file: string): string {
  if (!file.startsWith('file://')) return file;
  try {
    return fileURLToPath(file);
  } catch {
    return file;
  }
}
