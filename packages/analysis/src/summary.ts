/**
 * What a trace holds, at a glance: the answer of `ttrace summary`, of the viewer's home page and of its JSON. Pure, and
 * linear in the number of rows but for sorting durations.
 *
 * Every field is plain data that JSON can carry; times are nanoseconds and say so in their names.
 */
import { Category, EventKind, MetadataName, type Trace, timeRange } from '@ttrace/format';
import { flowRows } from './arrows.ts';
import { type BlockStats, blockStats } from './blocks.ts';
import { type CounterStats, counterStats } from './counter-stats.ts';
import { waitStats } from './memory-words.ts';
import { type NameStats, statsByName } from './name-stats.ts';
import { type ThreadActivity, threadActivity } from './thread-activity.ts';
import { indexOf } from './trace-index.ts';
import { type FiredTrigger, firedTriggers } from './triggers.ts';

/** How many events there are of something. */
export interface EventCount {
  readonly name: string;
  readonly count: number;
}

/** What `summarize` finds. */
export interface Summary {
  readonly format: Trace['format'];
  readonly processes: readonly { readonly pid: number; readonly name: string }[];
  readonly threads: readonly ThreadActivity[];
  /** Tracks that are no thread's, such as those of tasks. */
  readonly asyncTracks: number;
  /** First begin and last end over all events, in nanoseconds since the origin. */
  readonly startNanos: number;
  readonly endNanos: number;
  readonly durationNanos: number;
  /** The wall clock at `startNanos` as ISO 8601 in UTC, when the producer relates its clock to the wall clock. */
  readonly startedAt: string | undefined;
  readonly events: number;
  /** Events by kind (`EventKind`'s words), the most first. */
  readonly kinds: readonly EventCount[];
  /** Events by category, '' for none, the most first. */
  readonly categories: readonly EventCount[];
  /** Why the flight recorder wrote the file, if it did. */
  readonly triggers: readonly FiredTrigger[];
  /** What blocked event loops, the longest total first. */
  readonly blocks: readonly BlockStats[];
  readonly tasks: readonly NameStats[];
  /** Regions; in a trace of another producer, which marks none, all slices. */
  readonly regions: readonly NameStats[];
  /** What `regions` holds. */
  readonly regionsAre: 'regions' | 'slices';
  /** Waits for other threads, locks and pools; those for words of shared memory by word. */
  readonly waits: readonly NameStats[];
  readonly counters: readonly CounterStats[];
  /** Arrows between slices: how many there are and how many have both ends. */
  readonly flows: { readonly count: number; readonly complete: number };
  /** Events that the recorder says it dropped, over all threads. */
  readonly dropped: number;
  /** What of the file could not be read; undefined when all of it was. */
  readonly lost: LostPart | undefined;
}

/** Why and where reading stopped. */
export interface LostPart {
  readonly code: string;
  readonly reason: string;
  /** Byte of the decompressed file at which the good part ends. */
  readonly offset: number;
  /** 0 to 1: part of the bytes read that lies after the good part. What a cut off file lacks is not known. */
  readonly share: number;
}

const KINDS = Object.entries(EventKind).map(([name, kind]) => ({ name, kind }));

/** Summarizes a trace. 5 million events take less than 2 seconds. */
export function summarize(trace: Trace): Summary {
  const { start, end } = timeRange(trace);
  const threads = threadActivity(trace);
  const hasRegions = marksRegions(trace);
  return {
    format: trace.format,
    processes: trace.processes.map(({ pid, name }) => ({ pid, name })),
    threads,
    asyncTracks: trace.tracks.filter(({ kind }) => kind === 'async').length,
    startNanos: start,
    endNanos: end,
    durationNanos: end - start,
    startedAt: wallTime(trace, start),
    events: trace.length,
    kinds: countKinds(trace),
    categories: countCategories(trace),
    triggers: firedTriggers(trace),
    blocks: blockStats(trace),
    tasks: statsByName(trace, Category.task),
    regions: statsByName(trace, hasRegions ? Category.region : undefined),
    waits: waitStats(indexOf(trace)),
    regionsAre: hasRegions ? 'regions' : 'slices',
    counters: counterStats(trace),
    flows: countFlows(trace),
    dropped: trace.tracks.reduce((sum, { dropped }) => sum + dropped, 0),
    lost: lostPart(trace),
  };
}

/** Whether the trace is ttrace's own or uses its vocabulary. */
function marksRegions(trace: Trace): boolean {
  if (trace.metadata.has(MetadataName.recording)) return true;
  const { kind, category } = trace.columns;
  const region = trace.strings.find(Category.region);
  const task = trace.strings.find(Category.task);
  for (let row = 0; row < trace.length; row++) {
    if (kind[row] === EventKind.slice && (category[row] === region || category[row] === task)) return true;
  }
  return false;
}

/** The wall clock at a moment of the trace as ISO 8601 in UTC, where the producer relates its clock to it. */
export function wallTime({ clock, origin }: Trace, start: number): string | undefined {
  if (clock === undefined) return undefined;
  const sinceSnapshot = Number(origin - clock.monotonicNanos) + start;
  const date = new Date(clock.wallMillis + sinceSnapshot / 1e6);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function countKinds({ columns, length }: Trace): EventCount[] {
  const counts = new Uint32Array(KINDS.length);
  for (let row = 0; row < length; row++) counts[columns.kind[row]!]!++;
  return mostFirst(KINDS.map(({ name, kind }) => ({ name, count: counts[kind]! })));
}

function countCategories({ columns, length, strings }: Trace): EventCount[] {
  const counts = new Map<number, number>();
  const { category } = columns;
  // Neighbours mostly share a category: a run is counted at once.
  for (let row = 0; row < length; ) {
    const id = category[row]!;
    const from = row;
    while (row < length && category[row] === id) row++;
    counts.set(id, (counts.get(id) ?? 0) + row - from);
  }
  return mostFirst([...counts].map(([id, count]) => ({ name: strings.text(id), count })));
}

function mostFirst(counts: EventCount[]): EventCount[] {
  return counts
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}

function countFlows(trace: Trace): Summary['flows'] {
  const { kind, value } = trace.columns;
  const rows = flowRows(trace);
  // Flows are numbered from 1 on. Bit 1: is there, bit 2: has a start, bit 4: has an end.
  const ends = new Uint8Array(rows.reduce((most, row) => Math.max(most, value[row]!), 0) + 1);
  for (const row of rows) {
    ends[value[row]!]! |=
      1 | (kind[row] === EventKind.flowOut ? 2 : 0) | (kind[row] === EventKind.flowIn ? 4 : 0);
  }
  let count = 0;
  let complete = 0;
  for (const bits of ends) {
    if (bits > 0) count++;
    if (bits === 7) complete++;
  }
  return { count, complete };
}

function lostPart({ error, bytesRead }: Trace): LostPart | undefined {
  if (error === undefined) return undefined;
  const share = bytesRead > 0 ? Math.max(0, 1 - error.offset / bytesRead) : 0;
  return { code: error.code, reason: error.message, offset: error.offset, share };
}
