/**
 * Regions by name, and each region by itself with how its thread spent that time: Go's pages of user regions. In a trace of a producer that
 * marks no regions, all slices stand in for them.
 */
import { Category, EventKind, MetadataName } from '@ttrace/format';
import { continuedRegions } from './continued-regions.ts';
import { durationColumns, type WithDurations } from './duration-columns.ts';
import { type Filter, rowFilter } from './filter.ts';
import { histogramOf } from './histogram.ts';
import { stateColumns, type WithStates } from './state-columns.ts';
import type { Table } from './table.ts';
import { taskColumns } from './task-columns.ts';
import { emptyTimes, type StateTimes, timesBetween, withTimeline } from './thread-states.ts';
import type { Thread, TraceIndex } from './trace-index.ts';

/** All regions of one name. */
export interface RegionTypeRow extends WithDurations {
  readonly name: string;
  /** Row of the longest one. */
  readonly longest: number;
  readonly totalNanos: number;
}

/** Regions by name, the longest total first. A region in two slices counts once. Filter: all of it. */
export function regionsTable(index: TraceIndex, filter: Filter = {}): Table<RegionTypeRow> {
  const { title, help, note } = wordsOf(index);
  return {
    id: 'regions',
    title,
    help,
    columns: [
      { id: 'region', title: 'Region', unit: 'text', help: 'Name of the regions.', of: ({ name }) => name },
      ...durationColumns<RegionTypeRow>('regions'),
    ],
    rows: regionTypes(index, wantedRegions(index, filter)),
    spanOf: ({ longest }) => spanOfRegion(index, longest),
    linkOf: ({ name }) => ({ page: 'regions/each', filter: { name } }),
    histogramOf: ({ durations }) => histogramOf(durations),
    ...(note === undefined ? {} : { note }),
  };
}

/** One region. */
export interface RegionRow extends WithStates {
  readonly row: number;
  /** Undefined for a region of an asynchronous function, which no thread has for all of its time. */
  readonly thread: Thread | undefined;
  readonly totalNanos: number;
}

/** Of a longer list only so many are told apart by how their time was spent: the longest ones. */
export const MAX_EACH = 100_000;

/** Regions one by one, the longest first, at most `MAX_EACH` of them. One without an end counts as long as the trace goes on. */
export function eachRegionTable(index: TraceIndex, filter: Filter = {}): Table<RegionRow> {
  const wanted = wantedRegions(index, filter);
  const rows = regionRowsOf(index, longestRows(index, wanted), wanted);
  const { help } = wordsOf(index);
  const more = wanted.rows.length - rows.length;
  return {
    id: 'regions',
    title: 'Each region',
    help: `${help} Here one by one, the longest first; the last columns say how its thread spent the time and add up to the region’s, where it ran on one thread.`,
    columns: [
      {
        id: 'region',
        title: 'Region',
        unit: 'text',
        help: 'Name of the region.',
        of: ({ row }) => index.nameOf(row),
      },
      {
        id: 'startNanos',
        title: 'When',
        unit: 'time',
        help: 'Its begin, since the first event.',
        of: ({ row }) => startOf(index, row, wanted) - index.start,
      },
      {
        id: 'totalNanos',
        title: 'Total',
        unit: 'nanos',
        help: 'From its begin to its end.',
        of: ({ totalNanos }) => totalNanos,
      },
      {
        id: 'thread',
        title: 'Thread',
        unit: 'text',
        help: 'Thread on which it ran; none for an asynchronous one.',
        of: ({ thread }) => thread?.name ?? '',
      },
      ...taskColumns<RegionRow>(index, ({ row }) => index.taskOf(row), 'the task that it belongs to'),
      ...stateColumns(index, rows),
    ],
    rows,
    spanOf: ({ row }) => spanOfRegion(index, row),
    statesOf: ({ times }) => times,
    ...(more > 0 ? { note: `${more} shorter ones are left out: narrow the list.` } : {}),
  };
}

/** The rows that are regions. */
interface WantedRegions {
  readonly rows: Uint32Array;
  /** First slices of regions in two, by the row of the second. */
  readonly continued: ReadonlyMap<number, number>;
}

function wantedRegions(index: TraceIndex, filter: Filter): WantedRegions {
  const { kind, category, start, value } = index.trace.columns;
  const region = index.category(Category.region);
  const all = !marksRegions(index);
  const continued = all ? new Map<number, number>() : continuedRegions(index.trace);
  const parts = new Set(continued.values());
  const { min, max, ...rest } = filter;
  const isWanted = rowFilter(index, filter);
  // A region in two slices is as long as both.
  const isWantedButForLength = rowFilter(index, rest);
  const passes = (row: number): boolean => {
    if (kind[row] !== EventKind.slice || (!all && category[row] !== region) || parts.has(row)) return false;
    const first = continued.get(row);
    if (first === undefined || value[row]! < 0) return isWanted(row);
    const length = index.endOf(row) - start[first]!;
    return length >= (min ?? 0) && length < (max ?? Infinity) && isWantedButForLength(row);
  };
  const rows = new Uint32Array(index.trace.length);
  let count = 0;
  for (let row = 0; row < index.trace.length; row++) if (passes(row)) rows[count++] = row;
  return { rows: rows.subarray(0, count), continued };
}

/** Whether the trace is ttrace's own or uses its vocabulary. */
export function marksRegions(index: TraceIndex): boolean {
  return (
    index.trace.metadata.has(MetadataName.recording) ||
    index.category(Category.region) >= 0 ||
    index.category(Category.task) >= 0
  );
}

function wordsOf(index: TraceIndex): { title: string; help: string; note?: string } {
  if (marksRegions(index)) {
    return {
      title: 'Regions',
      help: 'A region is a stretch of code that the program marks with withRegion. Regions nest: the time of an outer one has that of the inner ones in it.',
    };
  }
  return {
    title: 'Slices by name',
    help: 'All slices of the trace by name. Slices nest: the time of an outer one has that of the inner ones in it.',
    note: 'The producer of this trace marks no regions: these are all its slices.',
  };
}

function regionTypes(index: TraceIndex, wanted: WantedRegions): RegionTypeRow[] {
  const { name, value } = index.trace.columns;
  const groupOf = new Uint32Array(index.trace.strings.size);
  const groups: { name: number; finished: number; unfinished: number; longest: number; length: number }[] =
    [];
  const lengthOf = (row: number): number => index.endOf(row) - startOf(index, row, wanted);
  for (const row of wanted.rows) {
    let at = groupOf[name[row]!]! - 1;
    if (at < 0) {
      at = groups.push({ name: name[row]!, finished: 0, unfinished: 0, longest: row, length: -1 }) - 1;
      groupOf[name[row]!] = at + 1;
    }
    const group = groups[at]!;
    if (value[row]! < 0) group.unfinished++;
    else group.finished++;
    const length = lengthOf(row);
    if (length <= group.length) continue;
    group.longest = row;
    group.length = length;
  }
  const durations = groups.map(({ finished }) => new Float64Array(finished));
  const next = new Uint32Array(groups.length);
  for (const row of wanted.rows) {
    if (value[row]! < 0) continue;
    const at = groupOf[name[row]!]! - 1;
    durations[at]![next[at]!++] = lengthOf(row);
  }
  return groups
    .map((group, at): RegionTypeRow => {
      const sorted = durations[at]!.sort();
      let totalNanos = 0;
      for (const each of sorted) totalNanos += each;
      return {
        name: index.trace.strings.text(group.name),
        durations: sorted,
        unfinished: group.unfinished,
        longest: group.longest,
        totalNanos,
      };
    })
    .sort((a, b) => b.totalNanos - a.totalNanos || (a.name < b.name ? -1 : 1));
}

/** The longest, at most `MAX_EACH`, the longest first; of equal ones the first. */
function longestRows(index: TraceIndex, wanted: WantedRegions): Uint32Array {
  const rows = new Uint32Array(2 * MAX_EACH);
  const lengths = new Float64Array(2 * MAX_EACH);
  let count = 0;
  // None that is no longer than this is among them.
  let least = -Infinity;
  const keepLongest = (): void => {
    least = nthSmallest(lengths.slice(0, count), count - MAX_EACH);
    let room = MAX_EACH;
    for (let at = 0; at < count; at++) if (lengths[at]! > least) room--;
    let kept = 0;
    for (let at = 0; at < count; at++) {
      const length = lengths[at]!;
      if (length < least || (length === least && room-- <= 0)) continue;
      lengths[kept] = length;
      rows[kept++] = rows[at]!;
    }
    count = kept;
  };
  for (const row of wanted.rows) {
    const length = index.endOf(row) - startOf(index, row, wanted);
    if (length <= least) continue;
    lengths[count] = length;
    rows[count++] = row;
    if (count === rows.length) keepLongest();
  }
  if (count > MAX_EACH) keepLongest();
  const order = Array.from({ length: count }, (_, at) => at);
  order.sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  return Uint32Array.from(order, (at) => rows[at]!);
}

/** The value that would be at place `n` if they were sorted, which takes seconds for millions; they are in another order then. */
function nthSmallest(values: Float64Array, n: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >>> 1]!;
    let left = low;
    let right = high;
    while (left <= right) {
      while (values[left]! < pivot) left++;
      while (values[right]! > pivot) right--;
      if (left > right) break;
      const value = values[left]!;
      values[left++] = values[right]!;
      values[right--] = value;
    }
    if (n <= right) high = right;
    else if (n >= left) low = left;
    else break;
  }
  return values[n]!;
}

/** A thread at a time: its timeline is gone when the next one is made. */
function regionRowsOf(index: TraceIndex, rows: Uint32Array, wanted: WantedRegions): RegionRow[] {
  const { track } = index.trace.columns;
  const places = new Map<Thread | undefined, number[]>();
  for (const [place, row] of rows.entries()) {
    const thread = index.threadOf(track[row]!);
    const known = places.get(thread);
    if (known === undefined) places.set(thread, [place]);
    else known.push(place);
  }
  const found = new Array<RegionRow>(rows.length);
  for (const [thread, own] of places) {
    const lay = (timesOf: (start: number, end: number) => StateTimes): void => {
      for (const place of own) {
        const row = rows[place]!;
        const start = startOf(index, row, wanted);
        const end = index.endOf(row);
        found[place] = { row, thread, totalNanos: end - start, times: timesOf(start, end) };
      }
    };
    if (thread === undefined) lay(emptyTimes);
    else withTimeline(index, thread, (timeline) => lay((start, end) => timesBetween(timeline, start, end)));
  }
  return found;
}

function startOf(index: TraceIndex, row: number, { continued }: WantedRegions): number {
  const first = continued.size === 0 ? row : (continued.get(row) ?? row);
  return index.trace.columns.start[first]!;
}

function spanOfRegion(index: TraceIndex, row: number): { start: number; end: number } {
  return { start: index.trace.columns.start[row]! - index.start, end: index.endOf(row) - index.start };
}
