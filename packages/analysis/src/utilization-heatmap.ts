/**
 * Where each thread's time went, along the trace: equal bins of time, and for each bin what part of the thread's life in it was in which
 * state. Parts add up to 1 wherever the thread was alive.
 */
import { type Filter, isThreadWanted, stretchOf } from './filter.ts';
import { shareAt, stretchAt, THREAD_STATES, type ThreadTimeline, withTimeline } from './thread-states.ts';
import type { Thread, TraceIndex } from './trace-index.ts';

/** One thread's row of the map. */
export interface HeatmapRow {
  readonly thread: Thread;
  /** Part of the bin in state s of `THREAD_STATES`: `shares[bin * THREAD_STATES.length + s]`, of the time that the thread was alive in it. */
  readonly shares: Float64Array;
  /** Part of each bin in which the thread was alive. */
  readonly alive: Float64Array;
}

export interface Heatmap {
  /** The first bin begins at `start`, in nanoseconds since the first event; each takes `binNanos`. */
  readonly start: number;
  readonly binNanos: number;
  readonly bins: number;
  readonly rows: readonly HeatmapRow[];
}

/** The heat map of the threads and the stretch that a filter names. Linear in the stretches of their timelines and in the bins. */
export function utilizationHeatmap(index: TraceIndex, filter: Filter, bins: number): Heatmap {
  const stretch = stretchOf(index, filter);
  const start = Math.max(index.start, stretch.start);
  const end = Math.min(index.end, stretch.end);
  const binNanos = Math.max(0, end - start) / bins;
  const threads = index.threads.filter(
    (thread) => isThreadWanted(filter, thread) && Math.min(end, thread.end) > Math.max(start, thread.start),
  );
  return {
    start: start - index.start,
    binNanos,
    bins,
    rows: threads.map((thread) => rowOf(index, thread, start, binNanos, bins)),
  };
}

function rowOf(index: TraceIndex, thread: Thread, from: number, binNanos: number, bins: number): HeatmapRow {
  return withTimeline(index, thread, (timeline) => rowOfTimeline(timeline, from, binNanos, bins));
}

function rowOfTimeline(timeline: ThreadTimeline, from: number, binNanos: number, bins: number): HeatmapRow {
  const { thread, starts, states, length } = timeline;
  const count = THREAD_STATES.length;
  const shares = new Float64Array(bins * count);
  const alive = new Float64Array(bins);
  let i = stretchAt(timeline, from);
  for (let bin = 0; bin < bins; bin++) {
    const binStart = from + bin * binNanos;
    const binEnd = from + (bin + 1) * binNanos;
    let total = 0;
    for (; i < length && starts[i]! < binEnd; i++) {
      const time = Math.min(binEnd, starts[i + 1]!) - Math.max(binStart, starts[i]!);
      if (time > 0) {
        const running = time * shareAt(timeline, i);
        shares[bin * count]! += running;
        shares[bin * count + states[i]!]! += time - running;
        total += time;
      }
      if (starts[i + 1]! > binEnd) break;
    }
    if (total === 0) continue;
    alive[bin] = Math.min(1, total / binNanos);
    for (let state = 0; state < count; state++) shares[bin * count + state]! /= total;
  }
  return { thread, shares, alive };
}
