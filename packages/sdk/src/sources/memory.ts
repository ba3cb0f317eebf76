/**
 * Memory as counters: the heap of each thread, and, on the main thread, what the process has resident. Read on a timer of the
 * thread itself, for nobody else can; the timer does not keep the process alive.
 *
 * A figure is written when it differs by a hundredth from what was written last, and at the end. A thread in which none does is read more
 * rarely: what this costs is most of what a thread that does nothing costs.
 */
import { isMainThread } from 'node:worker_threads';
import { CounterUnit, RecordKind } from '../ring.ts';
import { threadName } from '../thread-name.ts';
import { nameId, now, record } from '../thread-recorder.ts';

const INTERVAL_MS = 250;
const MAX_INTERVAL_MS = 1000;
const LEAST_CHANGE = 0.01;
// Bound early: test tools replace the timers.
const { setTimeout, clearTimeout } = globalThis;

export function startMemory(): () => void {
  const thread = threadName();
  const written = new Map<string, number>();
  /** @returns whether any figure was written. */
  const read = (leastChange: number): boolean => {
    const usage = memoryUsage();
    if (usage === undefined) return false;
    const { heapUsed, heapTotal, external, arrayBuffers, rss } = usage;
    let hasChanged = false;
    const count = (name: string, value: number): void => {
      const last = written.get(name);
      if (last !== undefined && Math.abs(value - last) <= last * leastChange) return;
      written.set(name, value);
      record(RecordKind.counter, nameId(name), CounterUnit.bytes, now(), value);
      hasChanged = true;
    };
    count(`${thread} heap used`, heapUsed);
    count(`${thread} heap total`, heapTotal);
    count(`${thread} external`, external);
    count(`${thread} array buffers`, arrayBuffers);
    if (isMainThread) count('RSS', rss);
    return hasChanged;
  };
  let interval = INTERVAL_MS;
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    timer = setTimeout(() => {
      interval = read(LEAST_CHANGE) ? INTERVAL_MS : Math.min(interval * 2, MAX_INTERVAL_MS);
      wait();
    }, interval);
    timer.unref();
  };
  read(-1);
  wait();
  return () => {
    read(-1);
    clearTimeout(timer);
  };
}

/** undefined where the system has no file descriptor left, with which Linux tells what is resident. */
function memoryUsage(): NodeJS.MemoryUsage | undefined {
  try {
    return process.memoryUsage();
  } catch {
    return undefined;
  }
}
