/**
 * Regions that the recorder wrote in two slices. One whose function runs for long before it first awaits has its begin in the
 * file already, on the thread's track; what comes after that lies on a track of its own, from the nanosecond at which the first
 * slice ends, under the same name.
 */
import { Category, EventKind, type Trace } from '@ttrace/format';

/** The first slices' rows, by the rows of those that continue them. */
export function continuedRegions(trace: Trace): ReadonlyMap<number, number> {
  const { kind, category, name, track, start, value } = trace.columns;
  const region = trace.strings.find(Category.region);
  const continued = new Map<number, number>();
  if (region === -1) return continued;
  const isAsync = asyncRegionTracks(trace);
  if (isAsync === undefined) return continued;
  /** Asynchronous regions by their start; of several with one start the last. */
  const byStart = new Map<number, number>();
  for (let row = 0; row < trace.length; row++) {
    if (kind[row] === EventKind.slice && category[row] === region && isAsync[track[row]!] === 1) {
      byStart.set(start[row]!, row);
    }
  }
  if (byStart.size === 0) return continued;
  for (let row = 0; row < trace.length; row++) {
    if (kind[row] !== EventKind.slice || category[row] !== region || isAsync[track[row]!] === 1) continue;
    const next = byStart.get(start[row]! + value[row]!);
    if (next !== undefined && name[next] === name[row] && value[row]! > 0) continued.set(next, row);
  }
  return continued;
}

/** By track, 1 where asynchronous regions may lie; undefined where there is no such track. */
export function asyncRegionTracks({ tracks }: Trace): Uint8Array | undefined {
  const may = new Uint8Array(tracks.length);
  let count = 0;
  for (let at = 0; at < tracks.length; at++) {
    const { kind, category } = tracks[at]!;
    // Not all formats say it of a track.
    if (kind !== 'async' || (category !== '' && category !== Category.region)) continue;
    may[at] = 1;
    count++;
  }
  return count === 0 ? undefined : may;
}
