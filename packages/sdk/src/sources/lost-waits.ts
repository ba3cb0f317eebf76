/**
 * What the event loop has waited without Node.js having counted it: while V8's CPU profiler runs, each of its signals that meets the
 * loop in its wait begins the count of that wait anew. Half of an idle loop's time is lost so at a sample every 10 ms.
 *
 * What was neither counted as a wait nor spent on a processor was such a wait, as far as a wait can have lasted at most: the loop
 * wakes for a timer of ours. So a call that sleeps, like `execSync`, seems shorter by that at most. Node.js 20 knows only what all
 * threads of the process have spent: there less is found while other threads work.
 */
import { performance } from 'node:perf_hooks';

/** Below this it is not worth looking: a look takes 1 to 4 us. */
const DOUBT_MS = 0.5;

const { nodeTiming } = performance;
const usage = process as unknown as { threadCpuUsage?: () => { user: number; system: number } };

export class LostWaits {
  readonly #longestMs: number;
  readonly #isProfiled: boolean;
  /** Sum of all that has been found. */
  #total = 0;
  /** Since when it is looked for, and what had been counted and spent then, all in milliseconds. */
  #time = 0;
  #idle = 0;
  #spent = 0;

  /** @param longestMs how long the loop waits at most. */
  constructor(isProfiled: boolean, longestMs: number) {
    this.#isProfiled = isProfiled;
    this.#longestMs = longestMs;
  }

  /** Milliseconds lost since the latest `take` or `forget`; what is counted as waited is `idle` by now. */
  peek(time: number, idle: number): number {
    if (!this.#isProfiled || time - this.#time - (idle - this.#idle) < DOUBT_MS) return 0;
    return this.#lost(time, idle, spentMillis());
  }

  /** The same, and what comes now is counted anew. */
  take(time: number, idle: number): number {
    // hot: once a turn.
    if (!this.#isProfiled || time - this.#time - (idle - this.#idle) < DOUBT_MS) return 0;
    const spent = spentMillis();
    const lost = this.#lost(time, idle, spent);
    this.#total += lost;
    this.#restart(time, idle, spent);
    return lost;
  }

  /** Whatever there was until now was no wait of the loop. */
  forget(time: number): void {
    if (this.#isProfiled) this.#restart(time, nodeTiming.idleTime, spentMillis());
  }

  /** Milliseconds of all that were taken. */
  get total(): number {
    return this.#total;
  }

  #lost(time: number, idle: number, spent: number): number {
    const lost = time - this.#time - (idle - this.#idle) - (spent - this.#spent);
    return Math.min(this.#longestMs, Math.max(0, lost));
  }

  #restart(time: number, idle: number, spent: number): void {
    this.#time = time;
    this.#idle = idle;
    this.#spent = spent;
  }
}

/** Of a processor, by this thread if that is known. */
function spentMillis(): number {
  const { user, system } = usage.threadCpuUsage?.() ?? process.cpuUsage();
  return (user + system) / 1000;
}
