/** Slices in which a thread runs nothing: collections and waits. Of most threads they are a small part, which can be looked at alone. */
import { Category, EventKind } from '@ttrace/format';
import { collectionsIn } from './collections.ts';
import type { TraceIndex } from './trace-index.ts';

/** Collections and waits on a track, with what lies in them. @param slices all of its slices, those that contain others first. */
export function stopsIn(index: TraceIndex, track: number, slices: Uint32Array): Uint32Array {
  const { start, value } = index.trace.columns;
  const found: number[] = [];
  let place = 0;
  let until = -Infinity;
  for (const stop of stopsOn(index, track)) {
    // It lasts as long as what it lies in.
    if (value[stop]! < 0) return slices;
    if (start[stop]! >= until) {
      place = firstFrom(slices, start, place, start[stop]!);
      while (place < slices.length && slices[place] !== stop) place++;
    }
    until = Math.max(until, index.endOf(stop));
    while (place < slices.length && start[slices[place]!]! < until) found.push(slices[place++]!);
  }
  return Uint32Array.from(found);
}

/** The first place from `from` on whose slice begins at a time or later: mostly it is near. */
function firstFrom(rows: Uint32Array, start: Float64Array, from: number, time: number): number {
  let low = from;
  let step = 1;
  while (low + step < rows.length && start[rows[low + step]!]! < time) {
    low += step;
    step *= 2;
  }
  let high = Math.min(rows.length, low + step);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (start[rows[middle]!]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Collections and waits on a track, in the order of their begin. */
export function stopsOn(index: TraceIndex, track: number): readonly number[] {
  return index.once(stopsByTrack).get(track) ?? [];
}

function stopsByTrack(index: TraceIndex): Map<number, number[]> {
  const { kind, start, track, value } = index.trace.columns;
  const stops = new Map<number, number[]>();
  for (const found of [collectionsIn(index).rows, index.rowsOf(Category.wait)]) {
    for (const row of found) {
      if (kind[row] !== EventKind.slice || !Number.isFinite(start[row]! + value[row]!)) continue;
      const rows = stops.get(track[row]!);
      if (rows === undefined) stops.set(track[row]!, [row]);
      else rows.push(row);
    }
  }
  for (const rows of stops.values())
    rows.sort((a, b) => start[a]! - start[b]! || index.endOf(b) - index.endOf(a));
  return stops;
}
