/** What each thread did: events, first to last, how long it was inside any slice and how much of that it waited. Linear in the number of rows. */
import { Category, EventKind, type Trace } from '@ttrace/format';
import { collectionsIn } from './collections.ts';
import { indexOf } from './trace-index.ts';

/** One thread of the trace. Times in nanoseconds since the origin; all 0 for a thread without events. */
export interface ThreadActivity {
  readonly pid: number;
  readonly tid: number;
  /** '' when the file does not name it. */
  readonly name: string;
  /** Index into `Trace.tracks`. */
  readonly track: number;
  readonly events: number;
  readonly firstNanos: number;
  readonly lastNanos: number;
  /** Time in which at least one finished slice was open, but none of a wait; nested slices count once. */
  readonly busyNanos: number;
  /** Time inside slices of waits, such as `Atomics.wait`: the thread had nothing to run. */
  readonly waitingNanos: number;
  /** Time inside garbage collections, busy time as well. */
  readonly gcNanos: number;
  /** Events that the recorder says it dropped here. */
  readonly dropped: number;
}

/** All threads, in the order in which the file names them. */
export function threadActivity(trace: Trace): ThreadActivity[] {
  const { kind, start, value, track, category } = trace.columns;
  const wait = trace.strings.find(Category.wait);
  const collections = collectionsIn(indexOf(trace));
  const count = trace.tracks.length;
  const events = new Uint32Array(count);
  const first = new Float64Array(count).fill(Infinity);
  const last = new Float64Array(count).fill(-Infinity);
  const isThread = Uint8Array.from(trace.tracks, (each) => (each.kind === 'thread' ? 1 : 0));
  for (let row = 0; row < trace.length; row++) {
    const t = track[row]!;
    if (isThread[t] === 0) continue;
    const begin = start[row]!;
    const end = kind[row] === EventKind.slice && value[row]! > 0 ? begin + value[row]! : begin;
    events[t]!++;
    if (begin < first[t]!) first[t] = begin;
    if (end > last[t]!) last[t] = end;
  }
  const { offsets, rows } = indexOf(trace).slices;
  const threads: ThreadActivity[] = [];
  for (const [index, { kind: what, pid, tid, name, dropped }] of trace.tracks.entries()) {
    if (what !== 'thread') continue;
    const all = new Covered();
    const waiting = new Covered();
    const collecting = new Covered();
    for (let at = offsets[index]!; at < offsets[index + 1]!; at++) {
      const row = rows[at]!;
      if (value[row]! < 0) continue;
      const begin = start[row]!;
      const end = begin + value[row]!;
      all.add(begin, end);
      if (category[row] === wait) waiting.add(begin, end);
      else if (collections.has(row)) collecting.add(begin, end);
    }
    const isIdle = !(first[index]! <= last[index]!);
    threads.push({
      pid,
      tid,
      name,
      track: index,
      events: events[index]!,
      firstNanos: isIdle ? 0 : first[index]!,
      lastNanos: isIdle ? 0 : last[index]!,
      busyNanos: all.nanos - waiting.nanos,
      waitingNanos: waiting.nanos,
      gcNanos: collecting.nanos,
      dropped,
    });
  }
  return threads;
}

/** Length of the union of stretches that come by their begin. */
class Covered {
  nanos = 0;
  #until = -Infinity;

  add(begin: number, end: number): void {
    if (end <= this.#until) return;
    this.nanos += end - Math.max(begin, this.#until);
    this.#until = end;
  }
}
