/**
 * Memory as counters: the heap of each thread, and, on the main thread, what the process has resident. Read on a timer of the
 * thread itself, for nobody else can; the timer does not keep the process alive.
 */
import { isMainThread } from 'node:worker_threads';
import { CounterUnit, RecordKind } from '../ring.ts';
import { threadName } from '../thread-name.ts';
import { nameId, now, record } from '../thread-recorder.ts';

const INTERVAL_MS = 250;
// Bound early: test tools replace the timers.
const { setInterval, clearInterval } = globalThis;

export function startMemory(): () => void {
  const thread = threadName();
  const count = (name: string, value: number): void =>
    record(RecordKind.counter, nameId(name), CounterUnit.bytes, now(), value);
  const read = (): void => {
    const { heapUsed, heapTotal, external, arrayBuffers, rss } = process.memoryUsage();
    count(`${thread} heap used`, heapUsed);
    count(`${thread} heap total`, heapTotal);
    count(`${thread} external`, external);
    count(`${thread} array buffers`, arrayBuffers);
    if (isMainThread) count('RSS', rss);
  };
  read();
  const timer = setInterval(read, INTERVAL_MS);
  timer.unref();
  return () => {
    read();
    clearInterval(timer);
  };
}
