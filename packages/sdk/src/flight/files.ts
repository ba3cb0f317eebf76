/**
 * The files that the flight recorder writes. Synchronous, for it runs in the collector, and without exceptions. A file takes its
 * name when it is complete.
 *
 * Those of triggers are called `flight-YYYYMMDD-HHMMSS-mmm-TRIGGER.json.gz`, the time in UTC. At most `maxFiles` files of such
 * names stay in the directory, whichever process wrote them: what an operator wants bounded is the directory, also when a
 * process starts again and again, or when there are many of them. Nothing of another name is touched, but for temporary files
 * that are left over from a crash.
 */
import { linkSync, mkdirSync, openSync, readdirSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createWriter } from '../create-writer.ts';
import { createTraceFile } from '../trace-file.ts';
import { type TraceOutput, traceOutput } from '../trace-output.ts';
import type { SnapshotOptions } from './replay.ts';
import type { FiredTrigger } from './trigger-watch.ts';
import { flightMark } from './trigger-watch.ts';
import type { FlightWindow } from './window.ts';

/** What is written, and on which clock. */
export interface Snapshot {
  readonly window: Pick<FlightWindow, 'snapshot'>;
  /** Nanoseconds of `process.hrtime` that are time 0 of the recording. */
  readonly origin: bigint;
  /** The facts about the recording: a JSON object as text. */
  readonly recording: string;
}

export interface TriggerFileOptions {
  /** Made if there is none. */
  readonly directory: string;
  /** `.json`, `.json.gz`, `.pftrace` or `.pftrace.gz`. */
  readonly extension: string;
  /** Most files that stay; the oldest are deleted. At least 1. */
  readonly maxFiles: number;
  /** When it is: milliseconds since 1970. */
  readonly now: number;
}

/** A file that the flight recorder has written, or why it has not. */
export interface FlightFileResult {
  readonly file: string;
  readonly bytes: number;
  /** Events that are in it. */
  readonly events: number;
  /** The trigger that fired, as text, and what it was about; undefined for `writeTo`. */
  readonly trigger: string | undefined;
  readonly what: string | undefined;
  /** Why there is no file; undefined if there is. */
  readonly error: string | undefined;
}

const OWN_NAME = /^flight-\d{8}-\d{6}-\d{3}-[\w.-]+\.(json|pftrace)(\.gz)?$/;
const TEMPORARY_NAME = /^\.flight-\d{8}-\d{6}-\d{3}-[\w.-]+\.tmp-\d+$/;
/** Names that are tried: so many processes may share a directory. */
const MOST_TRIES = 1000;
/** No file takes so long: its process has crashed. */
const LEFT_OVER_MS = 600_000;

/** Writes a file with a mark at each moment at which a trigger fired. Blocks until it is complete. */
export function writeTriggerFile(
  snapshot: Snapshot,
  fired: readonly [FiredTrigger, ...FiredTrigger[]],
  options: TriggerFileOptions,
): FlightFileResult {
  const { directory, extension, maxFiles, now } = options;
  const [{ trigger, what }] = fired;
  let file = directory;
  try {
    makeDirectory(directory);
    const nameAt = (millis: number): string =>
      join(directory, unusedName(directory, trigger, extension, millis));
    file = nameAt(now);
    const marks = fired.map(flightMark);
    const result = writeFlightFile(snapshot, file, traceOutput(extension), { marks }, (temporary) =>
      placeNew(temporary, file, () => nameAt(now + 1)),
    );
    deleteOldest(directory, maxFiles, now);
    return { ...result, trigger, what };
  } catch (error) {
    return { file, bytes: 0, events: 0, trigger, what, error: (error as Error).message };
  }
}

/**
 * Writes what the window holds into this file. Blocks until it is complete.
 * @param place gives the complete file its name, and returns that; by default it replaces an old one.
 */
export function writeFlightFile(
  { window, origin, recording }: Snapshot,
  file: string,
  output: TraceOutput,
  options: SnapshotOptions = {},
  place: (temporary: string) => string = (temporary) => {
    renameSync(temporary, file);
    return file;
  },
): FlightFileResult {
  let temporary: string | undefined;
  try {
    const target = statSync(file, { throwIfNoEntry: false });
    // A pipe or a device cannot be replaced.
    const isPlace = target !== undefined && !target.isFile();
    if (!isPlace) temporary = join(dirname(file), `.${basename(file)}.tmp-${process.pid}`);
    const fd = openSync(temporary ?? file, 'w');
    const out = createTraceFile(fd, output.isGzip);
    let bytes = 0;
    const sink = (chunk: Uint8Array): void => {
      bytes += chunk.length;
      out.write(chunk);
    };
    const writer = createWriter(output, { sink, origin });
    const { events } = window.snapshot(writer, { ...options, recording });
    writer.finish();
    out.close();
    if (out.error !== undefined) throw out.error;
    let placed = file;
    if (temporary !== undefined) {
      ({ size: bytes } = statSync(temporary));
      placed = place(temporary);
    }
    return { file: placed, bytes, events, trigger: undefined, what: undefined, error: undefined };
  } catch (error) {
    const leftOver = temporary;
    if (leftOver !== undefined) attempt(() => unlinkSync(leftOver));
    return {
      file,
      bytes: 0,
      events: 0,
      trigger: undefined,
      what: undefined,
      error: (error as Error).message,
    };
  }
}

/** Takes no other process's file, which may have been given this name while ours was written: all may fire in one millisecond. */
function placeNew(temporary: string, file: string, nextName: () => string): string {
  for (let name = file, tries = 1; ; name = nextName(), tries++) {
    try {
      linkSync(temporary, name);
      unlinkSync(temporary);
      return name;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST' && tries < MOST_TRIES) continue;
      // A file system that has no links.
      renameSync(temporary, name);
      return name;
    }
  }
}

/** Not by `recursive`: where the system has no such place (/proc), Node.js would try for ever. */
function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(directory) === directory) throw error;
    makeDirectory(dirname(directory));
    if (statSync(directory, { throwIfNoEntry: false }) === undefined) mkdirSync(directory);
  }
}

function unusedName(directory: string, trigger: string, extension: string, now: number): string {
  const reason = trigger.replace(/[^\w.]+/g, '-').slice(0, 60) || 'trigger';
  for (let millis = now; ; millis++) {
    const [day, time] = new Date(millis).toISOString().split('T') as [string, string];
    const moment = `${day.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-${time.slice(9, 12)}`;
    const name = `flight-${moment}-${reason}${extension}`;
    // Two triggers of one millisecond.
    if (millis > now + 1000 || statSync(join(directory, name), { throwIfNoEntry: false }) === undefined) {
      return name;
    }
  }
}

function deleteOldest(directory: string, maxFiles: number, now: number): void {
  attempt(() => {
    const names = readdirSync(directory);
    // Their order is that of time.
    const own = names.filter((name) => OWN_NAME.test(name)).sort();
    for (const name of own.slice(0, -Math.max(1, maxFiles))) attempt(() => unlinkSync(join(directory, name)));
    for (const name of names.filter((each) => TEMPORARY_NAME.test(each))) {
      const file = join(directory, name);
      attempt(() => {
        if (now - statSync(file).mtimeMs > LEFT_OVER_MS) unlinkSync(file);
      });
    }
  });
}

/** For what another process may do at the same time. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // Nothing depends on it.
  }
}
