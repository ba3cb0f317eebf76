/**
 * Writes event arguments (the text of a JSON object) as Perfetto debug annotations, nested as deep as the text is.
 * The slow path of PerfettoWriter; the argument `task` of an event without others is written by hand there.
 *
 * Protobuf has no null and cannot tell an empty object from an empty array, so these three use older fields that say it.
 */
import { Annotation, Event, Nested, NestedType } from './perfetto-fields.ts';
import { writeFlatAnnotations } from './perfetto-flat-annotations.ts';
import type { SequenceWriter } from './perfetto-sequence-writer.ts';
import type { ProtobufOutput } from './protobuf-output.ts';

/** Name of the annotation that holds arguments which are not the text of a JSON object. */
const UNPARSED = 'args';

/** Writes all members of `args` into the open track event. Never throws: other text becomes one string. */
export function writeAnnotations(out: ProtobufOutput, sequence: SequenceWriter, args: string): void {
  const known = sequence.knownArgs.find(args);
  if (known !== undefined) {
    out.append(known);
    return;
  }
  const start = out.at;
  if (!writeFlatAnnotations(out, sequence, args)) encode(out, sequence, args);
  if (sequence.knownArgs.isRepeated(args)) sequence.knownArgs.keep(args, out.bytes.slice(start, out.at));
}

function encode(out: ProtobufOutput, sequence: SequenceWriter, args: string): void {
  let parsed: unknown;
  try {
    parsed = JSON.parse(args);
  } catch {
    parsed = undefined;
  }
  const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
  const members = isObject ? Object.entries(parsed as object) : [[UNPARSED, args] as const];
  for (const [name, value] of members) writeNamed(out, sequence, Event.debugAnnotations, name, value);
}

function writeNamed(
  out: ProtobufOutput,
  sequence: SequenceWriter,
  field: number,
  name: string,
  value: unknown,
): void {
  const start = out.open(field);
  const iid = sequence.annotation(name);
  if (iid === 0) out.text(Annotation.name, name);
  else out.uint(Annotation.nameIid, iid);
  writeValue(out, sequence, value);
  out.close(start);
}

function writeValue(out: ProtobufOutput, sequence: SequenceWriter, value: unknown): void {
  if (typeof value === 'string') out.text(Annotation.string, value);
  else if (typeof value === 'boolean') out.uint(Annotation.bool, value ? 1 : 0);
  else if (typeof value === 'number') writeNumber(out, value);
  else if (Array.isArray(value)) writeArray(out, sequence, value);
  else if (typeof value === 'object' && value !== null) writeDictionary(out, sequence, value);
  // An annotation without a value: Perfetto v51 and newer abort at `null` as legacy JSON.
  else out.close(out.open(Annotation.nested));
}

function writeNumber(out: ProtobufOutput, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) out.double(Annotation.double, value);
  else out.uint(Annotation.int, value);
}

function writeArray(out: ProtobufOutput, sequence: SequenceWriter, values: readonly unknown[]): void {
  if (values.length === 0) writeEmpty(out, NestedType.array);
  for (const value of values) {
    const start = out.open(Annotation.arrayValues);
    writeValue(out, sequence, value);
    out.close(start);
  }
}

function writeDictionary(out: ProtobufOutput, sequence: SequenceWriter, value: object): void {
  const members = Object.entries(value);
  if (members.length === 0) writeEmpty(out, NestedType.dict);
  for (const [name, member] of members) writeNamed(out, sequence, Annotation.dictEntries, name, member);
}

function writeEmpty(out: ProtobufOutput, type: number): void {
  const start = out.open(Annotation.nested);
  out.uint(Nested.type, type);
  out.close(start);
}
