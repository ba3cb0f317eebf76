/** Waits until a number of jobs on other threads are done. */
import { notify, recordingNumber } from '@ttrace/sdk/waits';
import { type Attempt, waitFor, waitForAsync } from './attempt.ts';
import { adoptShared, createShared, type SharedObject } from './shared-object.ts';
import { SyncError } from './sync-error.ts';
import { leaveArrow } from './wake-arrows.ts';

const KIND = 'WaitGroup/1';

// A constant of this module: what is imported is loaded anew at each use.
const onOff = recordingNumber;

/** Jobs that are not done, the arrow from who did the last one, and how many wait. */
const COUNT = 0;
const ARROW = 1;
const WAITING = 2;

/**
 * A count of jobs, after Go's `sync.WaitGroup`: `add` before a job is given away, `done` where it is done, `wait` until none is
 * left. Send it to another thread, in `workerData` or a message, and make it one there by `WaitGroup.from`. It can be used again
 * when the count is 0.
 *
 * A job whose thread ends is not done: listen to the thread's `exit`.
 *
 * While tracing is on: slices `wait group NAME wait`, and an arrow from the last `done` to whoever waited.
 */
export class WaitGroup {
  /** What crosses threads: one that is sent arrives as an object with this. */
  readonly shared: SharedObject;
  readonly #words: Int32Array;

  /**
   * @param name Reports group by it: keep to tens of distinct names.
   * @param shared for `from` alone.
   */
  constructor(name?: string, shared: SharedObject = createShared(KIND, name, 12)) {
    this.shared = shared;
    this.#words = new Int32Array(shared.memory);
  }

  get name(): string {
    return this.shared.name;
  }

  /** The wait group that another thread sent. Throws a `SyncError` with the code `NOT_SHARED` if it is none. */
  static from(shared: unknown): WaitGroup {
    const adopted = adoptShared(KIND, shared);
    return new WaitGroup(adopted.name, adopted);
  }

  /** So many more jobs, or less; at 0 those that wait go on. Throws a `SyncError`, `NEGATIVE_COUNT`, and changes nothing, below 0. */
  add(jobs: number): void {
    const words = this.#words;
    if (!Number.isInteger(jobs)) throw new RangeError(`jobs must be an integer, got ${jobs}`);
    for (;;) {
      const count = Atomics.load(words, COUNT);
      const next = count + jobs;
      if (next < 0) {
        throw new SyncError('NEGATIVE_COUNT', `wait group ${this.name}: done more often than added`);
      }
      if (next >= 2 ** 31) throw new RangeError(`wait group ${this.name}: more than 2^31 - 1 jobs`);
      // Before they can go on.
      if (next === 0 && onOff[0] !== 0) leaveArrow(words, ARROW, `wait group ${this.name} done`);
      if (Atomics.compareExchange(words, COUNT, count, next) !== count) continue;
      if (next === 0 && Atomics.load(words, WAITING) > 0) notify(words, COUNT);
      return;
    }
  }

  /** A job is done. */
  done(): void {
    this.add(-1);
  }

  /** Stops the thread until no job is left. */
  wait(): void {
    if (Atomics.load(this.#words, COUNT) !== 0) waitFor(new ZeroAttempt(this.#label(), this.#words));
  }

  /** Resolves when no job is left; keeps the event loop alive until then. */
  async waitAsync(): Promise<void> {
    if (Atomics.load(this.#words, COUNT) === 0) return;
    await waitForAsync(new ZeroAttempt(this.#label(), this.#words));
  }

  #label(): string {
    return `wait group ${this.name} wait`;
  }
}

class ZeroAttempt implements Attempt {
  readonly label: string;
  readonly words: Int32Array;
  readonly index = COUNT;
  readonly waitingIndex = WAITING;
  readonly arrowIndex = ARROW;
  expected = 0;
  #isCounted = false;
  #isOver = false;

  constructor(label: string, words: Int32Array) {
    this.label = label;
    this.words = words;
  }

  try(): boolean {
    // Counted before it looks, so that who does the last job either sees it or is seen.
    if (!this.#isCounted) Atomics.add(this.words, WAITING, 1);
    this.#isCounted = true;
    this.expected = Atomics.load(this.words, COUNT);
    // Who was woken goes on, though the group may be in use again by now.
    if (this.expected !== 0 && !this.#isOver) return false;
    Atomics.sub(this.words, WAITING, 1);
    return true;
  }

  woken(isTimeout: boolean): void {
    this.#isOver = !isTimeout;
  }
}
