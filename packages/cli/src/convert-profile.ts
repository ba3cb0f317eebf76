/** Writes a trace in the format of a profile viewer. */
import {
  firefoxFile,
  foldedLines,
  indexOf,
  PROFILES,
  type Profile,
  type ProfileFile,
  type ProfileType,
  profileOf,
  speedscopeFile,
} from '@ttrace/analysis';
import type { ByteSink, Trace } from '@ttrace/format';
import { encodePprof } from '@ttrace/pprof';
import { writeAtomically } from './atomic-file.ts';
import { Failure } from './failure.ts';
import type { ProfileOutput } from './profile-output.ts';
import { startProgress } from './progress.ts';

/** Order in which the profiles of a trace are tried when none is asked for. */
const PREFERRED: readonly ProfileType[] = ['cpu', 'block', 'mutex', 'message'];

/** What was written. */
export interface ConvertedProfile {
  readonly bytes: number;
  /** Sentence on what the file holds and lacks; '' when there is nothing to say. */
  readonly note: string;
}

/**
 * Writes a file, which is whole or is not there.
 * @param type of the formats that hold one profile; by default the first of `cpu`, `block`, `mutex`, `message` that the trace has.
 * @throws Failure when it cannot be written or there is nothing to write.
 */
export async function convertProfile(
  trace: Trace,
  file: string,
  { format, isGzip }: ProfileOutput,
  { name, type }: { readonly name: string; readonly type: ProfileType | undefined },
): Promise<ConvertedProfile> {
  const index = indexOf(trace);
  const write = async (texts: Iterable<string | Uint8Array>, note: string): Promise<ConvertedProfile> => ({
    bytes: await writeTexts(file, isGzip, texts),
    note,
  });
  if (format === 'speedscope' || format === 'firefox') {
    const { text, omitted }: ProfileFile =
      format === 'speedscope' ? speedscopeFile(index, name) : firefoxFile(index, name);
    return write(text, omitted.length === 0 ? '' : `without ${omitted.join(', ')}`);
  }
  const profile = chosenProfile(trace, type);
  const { title } = PROFILES.find((each) => each.type === profile.type)!;
  if (format === 'pprof') return write([encodePprof(profile)], title);
  return write(lines(foldedLines(profile)), title);
}

function chosenProfile(trace: Trace, type: ProfileType | undefined): Profile {
  const types = type === undefined ? PREFERRED : [type];
  for (const each of types) {
    const profile = profileOf(indexOf(trace), each);
    if (profile.samples.length > 0) return profile;
  }
  const what =
    type === undefined ? 'neither samples nor blocks, waits or messages' : `nothing for --type ${type}`;
  throw new Failure(`the trace has ${what}: record with ttrace run --sources samples`);
}

function* lines(list: readonly string[]): Generator<string, void, undefined> {
  for (const line of list) yield `${line}\n`;
}

async function writeTexts(
  file: string,
  isGzip: boolean,
  texts: Iterable<string | Uint8Array>,
): Promise<number> {
  const progress = startProgress(`Writing ${file}`, 0);
  const encoder = new TextEncoder();
  let encoded = 0;
  function* fill(sink: ByteSink): Generator<void, void, undefined> {
    for (const text of texts) {
      const bytes = typeof text === 'string' ? encoder.encode(text) : text;
      sink(bytes);
      encoded += bytes.length;
      progress.update(encoded);
      yield;
    }
  }
  try {
    return await writeAtomically(file, isGzip, fill);
  } finally {
    progress.clear();
  }
}
