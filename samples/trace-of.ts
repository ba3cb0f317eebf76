/** For the tests of samples: runs one, and finds things in its trace. */
import { spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EventKind, readTrace, type Trace, validateTrace } from '@ttrace/format';

/** A finished slice. Times in nanoseconds since the origin. */
export interface Slice {
  readonly name: string;
  readonly category: string;
  /** Name of its thread or row. */
  readonly row: string;
  /** Whether that row is not a thread's own, as those of asynchronous functions are. */
  readonly isAsync: boolean;
  readonly start: number;
  readonly end: number;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface SampleTrace {
  readonly trace: Trace;
  readonly stdout: string;
  readonly slices: readonly Slice[];
  /** Names of all files that it left beside the trace. */
  readonly files: readonly string[];
}

/**
 * Runs a built sample.
 * @throws Error when it fails, says something on stderr, drops events, or its trace has anything wrong.
 */
export async function traceOf(name: string): Promise<SampleTrace> {
  const directory = mkdtempSync(join(tmpdir(), `ttrace-${name}-`));
  try {
    const file = join(directory, 'trace.json');
    const program = fileURLToPath(new URL(`dist/${name}/main.js`, import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, file], { encoding: 'utf8' });
    if (status !== 0 || stderr !== '') throw new Error(`${name} ended with ${status}: ${stderr}`);
    const trace = await readTrace(createReadStream(file));
    const wrong = validateTrace(trace).filter(({ severity }) => severity === 'error');
    if (wrong.length > 0) throw new Error(`${name}: ${JSON.stringify(wrong[0])}`);
    const dropped = trace.tracks.reduce((sum, track) => sum + track.dropped, 0);
    if (dropped > 0) throw new Error(`${name} dropped ${dropped} events`);
    return { trace, stdout, slices: joinContinued(finishedSlices(trace)), files: readdirSync(directory) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function finishedSlices(trace: Trace): Slice[] {
  const { kind, name, category, track, start, value, args } = trace.columns;
  const slices: Slice[] = [];
  for (let row = 0; row < trace.length; row++) {
    if (kind[row] !== EventKind.slice || value[row]! < 0) continue;
    const text = trace.strings.text(args[row]!);
    slices.push({
      name: trace.strings.text(name[row]!),
      category: trace.strings.text(category[row]!),
      row: trace.tracks[track[row]!]!.name,
      isAsync: trace.tracks[track[row]!]!.kind === 'async',
      start: start[row]!,
      end: start[row]! + value[row]!,
      args: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    });
  }
  return slices;
}

/**
 * A region of an asynchronous function that was stopped for long before it first awaits, as on a busy machine, is written in two
 * slices, the second from the nanosecond on at which the first ends. Here it is one.
 */
function joinContinued(slices: readonly Slice[]): Slice[] {
  const regions = slices.filter(({ category }) => category === 'region');
  const key = (name: string, time: number): string => `${time} ${name}`;
  const byStart = new Map(
    regions.filter(({ isAsync }) => isAsync).map((slice) => [key(slice.name, slice.start), slice]),
  );
  const nextOf = new Map<Slice, Slice>();
  for (const slice of regions) {
    const next = byStart.get(key(slice.name, slice.end));
    if (!slice.isAsync && next !== undefined) nextOf.set(slice, next);
  }
  const continuing = new Set(nextOf.values());
  return slices
    .filter((slice) => !continuing.has(slice))
    .map((slice) => ({ ...slice, end: nextOf.get(slice)?.end ?? slice.end }));
}

/** Slices of this category and name; within another, if one is given. */
export function slicesOf(sample: SampleTrace, category: string, name: string, during?: Slice): Slice[] {
  return sample.slices.filter((slice) => {
    if (slice.category !== category || slice.name !== name) return false;
    return during === undefined || (slice.start >= during.start && slice.end <= during.end);
  });
}

/** The task of this name. @throws Error when there is none, or more than one. */
export function taskOf(sample: SampleTrace, name: string): Slice {
  const found = slicesOf(sample, 'task', name);
  if (found.length !== 1) throw new Error(`${found.length} tasks '${name}'`);
  return found[0]!;
}

/** Length of all of them together, in nanoseconds. */
export function total(slices: readonly Slice[]): number {
  return slices.reduce((sum, { start, end }) => sum + end - start, 0);
}
