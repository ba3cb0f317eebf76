/** Columns that several relations share, whose keys are rows of the trace. */
import type { TraceIndex } from '../trace-index.ts';
import { column, optional, type ReadColumn, type RelationValue } from './relation.ts';

type RowReader = ReadColumn<number>['reader'];

const text =
  (id: (index: TraceIndex) => Uint32Array): RowReader =>
  (index) => {
    const ids = id(index);
    const { strings } = index.trace;
    return (row) => strings.text(ids[row]!);
  };

/** By track: made once, looked up once a row. */
function byTrack(of: (index: TraceIndex, track: number) => RelationValue): RowReader {
  return (index) => {
    const values = index.trace.tracks.map((_, track) => of(index, track));
    const { track } = index.trace.columns;
    return (row) => values[track[row]!]!;
  };
}

/** A moment as nanoseconds since the first event. */
export const startReader: RowReader = (index) => {
  const { start } = index.trace.columns;
  return (row) => whole(start[row]! - index.start);
};

/** A moment as nanoseconds since 1970, null where the trace does not tell. */
export const wallReader: RowReader = (index) => {
  const { start } = index.trace.columns;
  const wall = wallClock(index);
  return (row) => wall(start[row]!);
};

/** Turns nanoseconds since the origin into nanoseconds since 1970. */
export function wallClock({ trace: { clock, origin } }: TraceIndex): (time: number) => bigint | null {
  if (clock === undefined) return () => null;
  const wall = BigInt(Math.round(clock.wallMillis * 1e6)) + origin - clock.monotonicNanos;
  return (time) => (Number.isFinite(time) ? wall + BigInt(Math.round(time)) : null);
}

/** A whole number, null for what is none. */
export function whole(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value) : null;
}

export const NAME: ReadColumn<number> = column(
  'name',
  'text',
  'Its name.',
  text(({ trace }) => trace.columns.name),
);

export const CATEGORY: ReadColumn<number> = column(
  'category',
  'text',
  'Its kind: region, gc, wait, message, http, …; of other producers as they call it.',
  text(({ trace }) => trace.columns.category),
);

export const WALL: ReadColumn<number> = optional(
  'wall_ns',
  'int64',
  'The same moment in nanoseconds since 1970, where the trace has a wall clock.',
  wallReader,
);

export const ARGUMENTS: ReadColumn<number> = optional(
  'arguments',
  'json',
  'Its arguments, a JSON object as text.',
  (index) => {
    const { args } = index.trace.columns;
    const { strings } = index.trace;
    return (row) => (args[row] === 0 ? null : strings.bytes(args[row]!));
  },
);

/** Process of a track. */
export const PROCESS: readonly ReadColumn<number>[] = [
  column(
    'pid',
    'int64',
    'Process.',
    byTrack(({ trace }, track) => trace.tracks[track]!.pid),
  ),
  column('process', 'text', 'Name of the process.', byTrack(processName)),
];

function processName({ trace }: TraceIndex, track: number): string {
  const { pid } = trace.tracks[track]!;
  return trace.processes.find((process) => process.pid === pid)?.name ?? '';
}

/** Where it lies: thread and process. */
export const PLACE: readonly ReadColumn<number>[] = [
  column(
    'track',
    'text',
    'Name of its row on the timeline.',
    byTrack(({ trace }, track) => trace.tracks[track]!.name),
  ),
  optional(
    'thread',
    'text',
    'Name of its thread, also of what lies on the thread’s event loop or samples; null for what belongs to none.',
    byTrack((index, track) => index.threadOf(track)?.name ?? null),
  ),
  optional(
    'tid',
    'int64',
    'The thread; (pid, tid) is unique.',
    byTrack((index, track) => index.threadOf(track)?.tid ?? null),
  ),
  ...PROCESS,
];

/** Number of the task that a row belongs to, or is. */
export const TASK: ReadColumn<number> = optional(
  'task_id',
  'int64',
  'The task that it belongs to, or is.',
  (index) => {
    return (row) => index.taskOf(row) || null;
  },
);
