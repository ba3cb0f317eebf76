/** What is wrong with memory, as the recorder reads it of each thread four times a second. */
import { EventKind } from '@ttrace/format';
import type { Found, Rule } from '../finding.ts';
import { bytesText, counted, shareText, timeText } from '../quantity.ts';
import { threadKey, threadLabel } from '../thread-names.ts';
import type { Thread, TraceIndex } from '../trace-index.ts';
import { worstCase } from '../worst-case.ts';

/** So much more within a second, and so much of what there was before: what is collected at once adds less, however fast it is made. */
const BURST_BYTES = 100 * 2 ** 20;
const BURST_SHARE = 0.5;
const SECOND = 1e9;

export const allocationBurst: Rule = {
  id: 'allocation-burst',
  help: `A thread's memory, its heap and what lies outside of it such as buffers, that grew by ${bytesText(BURST_BYTES)} and more within a second, and by ${shareText(BURST_SHARE)} and more of what it was.`,
  find: (index) =>
    index.threads.flatMap((thread) => {
      const bursts = burstsIn(readingsOf(index, thread));
      const [first] = bursts;
      if (first === undefined) return [];
      const worst = bursts.reduce((a, b) => (b.bytes > a.bytes ? b : a), first);
      return [
        {
          rule: 'allocation-burst',
          severity: 'low',
          count: bursts.length,
          costNanos: 0,
          sentence: `The memory of ${threadLabel(index, thread)} grew by ${bytesText(worst.bytes)} within ${timeText(worst.end - worst.start)}, from ${bytesText(worst.before)}${worst.external > 0 ? `; ${bytesText(worst.external)} of that are outside of its heap, as buffers are` : ''}${bursts.length === 1 ? '' : `; ${counted(bursts.length, 'time')} in all`}.`,
          advice:
            'Look at what runs then: read and write large data as a stream or in pages, and use buffers and arrays again that live as long as all of it.',
          worst: worstCase(index, { start: worst.start, end: worst.end, thread: threadLabel(index, thread) }),
          link: {
            page: 'gc',
            filter: {
              thread: threadKey(index, thread),
              from: worst.start - index.start,
              to: worst.end - index.start,
            },
          },
        } satisfies Found,
      ];
    }),
};

/** A thread's memory at a moment, in bytes. */
interface Reading {
  readonly time: number;
  readonly heap: number;
  readonly external: number;
}

interface Burst {
  readonly start: number;
  readonly end: number;
  readonly before: number;
  readonly bytes: number;
  /** Of these, outside of the heap. */
  readonly external: number;
}

/** Growth of a second or less that do not overlap; of two readings that are further apart, as around a block, a second's part must be enough. */
function burstsIn(readings: readonly Reading[]): Burst[] {
  const bursts: Burst[] = [];
  for (let from = 0; from + 1 < readings.length; from++) {
    const { time, heap, external } = readings[from]!;
    const before = heap + external;
    let most = from;
    for (let to = from + 1; to < readings.length; to++) {
      if (to > from + 1 && readings[to]!.time - time > SECOND) break;
      if (sizeOf(readings[to]!) > sizeOf(readings[most]!)) most = to;
    }
    const end = readings[most]!;
    const bytes = sizeOf(end) - before;
    const perSecond = bytes / Math.max(1, (end.time - time) / SECOND);
    if (perSecond < BURST_BYTES || bytes < BURST_SHARE * before) continue;
    bursts.push({
      start: time,
      end: end.time,
      before,
      bytes,
      external: Math.max(0, end.external - external),
    });
    from = most - 1;
  }
  return bursts;
}

function sizeOf({ heap, external }: Reading): number {
  return heap + external;
}

function readingsOf(index: TraceIndex, { pid, track }: Thread): readonly Reading[] {
  return index.once(allReadings).get(`${pid} ${index.trace.tracks[track]!.name}`) ?? [];
}

const MEMORY = /^(.*) (heap used|external)$/;

/** By process and thread, in order of time. The heap is read just before what lies outside of it, which has array buffers in it. */
function allReadings({ trace }: TraceIndex): ReadonlyMap<string, readonly Reading[]> {
  const { kind, start, value, track } = trace.columns;
  const counters = trace.tracks.map(({ kind: what, pid, name }) => {
    const match = what === 'counter' ? MEMORY.exec(name) : null;
    return match === null ? undefined : { key: `${pid} ${match[1]}`, isHeap: match[2] === 'heap used' };
  });
  const samples = new Map<string, { time: number; value: number; isHeap: boolean }[]>();
  for (let row = 0; row < trace.length; row++) {
    const counter = kind[row] === EventKind.counter ? counters[track[row]!] : undefined;
    if (counter === undefined) continue;
    const all = samples.get(counter.key) ?? [];
    samples.set(counter.key, all);
    all.push({ time: start[row]!, value: value[row]!, isHeap: counter.isHeap });
  }
  return new Map(
    [...samples].map(([key, all]) => {
      const readings: Reading[] = [];
      let heap = 0;
      for (const { time, value: bytes, isHeap } of all.sort((a, b) => a.time - b.time)) {
        if (isHeap) heap = bytes;
        else readings.push({ time, heap, external: bytes });
      }
      return [key, readings];
    }),
  );
}
