/**
 * Durations of slices grouped by name: count, total, mean and exact percentiles. Linear but for one numeric sort a name.
 *
 * Percentiles are nearest-rank: the p-th is the smallest duration that at least p % of the finished slices do not exceed.
 * It is always one that occurred; of a single slice all percentiles are its duration.
 */
import { Category, EventKind, type Trace } from '@ttrace/format';
import { continuedRegions } from './continued-regions.ts';
import { indexOf } from './trace-index.ts';

/** What happened under one name. Times in nanoseconds; all 0 when no slice of that name has finished. */
export interface NameStats {
  readonly name: string;
  /** All slices, with and without an end. */
  readonly count: number;
  /** Of these, how many have no end. Their time is unknown and counts nowhere. */
  readonly unfinished: number;
  readonly totalNanos: number;
  readonly meanNanos: number;
  readonly p50Nanos: number;
  readonly p95Nanos: number;
  readonly p99Nanos: number;
  readonly maxNanos: number;
}

/**
 * Groups slices by name, the longest total first, of equal ones by name. A region in two slices counts once, as both together.
 * @param category takes slices of that category only; undefined takes all slices.
 */
export function statsByName(trace: Trace, category: string | undefined): NameStats[] {
  const continued = category === Category.region ? continuedRegions(trace) : new Map<number, number>();
  const groups = groupByName(trace, category, continued);
  const stats: NameStats[] = [];
  for (let group = 0; group < groups.names.length; group++) {
    const durations = groups.durations.subarray(groups.offsets[group], groups.offsets[group + 1]);
    stats.push(
      statsOf(trace.strings.text(groups.names[group]!), durations.sort(), groups.unfinished[group]!),
    );
  }
  return stats.sort(longestFirst);
}

/** The longest total first, of equal ones by name. */
export function longestFirst(a: NameStats, b: NameStats): number {
  return b.totalNanos - a.totalNanos || (a.name < b.name ? -1 : 1);
}

/** The p-th percentile of sorted values, nearest rank; 0 of none. */
export function percentile(sorted: Float64Array, p: number): number {
  if (sorted.length === 0) return 0;
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)]!;
}

interface Groups {
  /** String ids. */
  readonly names: readonly number[];
  readonly unfinished: readonly number[];
  /** Durations of group g are durations[offsets[g]] … durations[offsets[g + 1] - 1]. */
  readonly offsets: Uint32Array;
  readonly durations: Float64Array;
}

function groupByName(
  trace: Trace,
  wanted: string | undefined,
  continued: ReadonlyMap<number, number>,
): Groups {
  const { kind, value, name, category } = trace.columns;
  const rare = wanted === undefined ? undefined : indexOf(trace).rareRowsOf(wanted);
  const length = rare?.length ?? trace.length;
  const id = wanted === undefined ? -1 : trace.strings.find(wanted);
  const parts = new Set(continued.values());
  /** The slice at a place among all rows that may be one; -1 where there is none. */
  const sliceAt = (place: number): number => {
    const row = rare === undefined ? place : rare[place]!;
    const isWanted = kind[row] === EventKind.slice && (id < 0 || category[row] === id);
    return isWanted && (parts.size === 0 || !parts.has(row)) ? row : -1;
  };
  // Group + 1 of each string, so that a fresh array needs no filling.
  const groupOf = new Uint32Array(trace.strings.size);
  const names: number[] = [];
  const finished: number[] = [];
  const unfinished: number[] = [];
  for (let place = 0; place < length; place++) {
    const row = sliceAt(place);
    if (row < 0) continue;
    let group = groupOf[name[row]!]! - 1;
    if (group < 0) {
      group = names.push(name[row]!) - 1;
      groupOf[name[row]!] = names.length;
      finished.push(0);
      unfinished.push(0);
    }
    if (value[row]! >= 0) finished[group]!++;
    else unfinished[group]!++;
  }
  const offsets = new Uint32Array(names.length + 1);
  for (let group = 0; group < names.length; group++) offsets[group + 1] = offsets[group]! + finished[group]!;
  const next = offsets.slice();
  const durations = new Float64Array(offsets[names.length]!);
  for (let place = 0; place < length; place++) {
    const row = sliceAt(place);
    if (row < 0 || value[row]! < 0) continue;
    const first = parts.size === 0 ? undefined : continued.get(row);
    const before = first === undefined ? 0 : value[first]!;
    durations[next[groupOf[name[row]!]! - 1]!++] = before + value[row]!;
  }
  return { names, unfinished, offsets, durations };
}

/** Of one name. @param sorted durations of those that have finished. */
export function statsOf(name: string, sorted: Float64Array, unfinished: number): NameStats {
  let total = 0;
  for (const duration of sorted) total += duration;
  return {
    name,
    count: sorted.length + unfinished,
    unfinished,
    totalNanos: total,
    meanNanos: sorted.length === 0 ? 0 : total / sorted.length,
    p50Nanos: percentile(sorted, 50),
    p95Nanos: percentile(sorted, 95),
    p99Nanos: percentile(sorted, 99),
    maxNanos: sorted.length === 0 ? 0 : sorted[sorted.length - 1]!,
  };
}
