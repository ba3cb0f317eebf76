/** Runs something once in a process, whichever thread comes first. */
import { threadId } from 'node:worker_threads';
import { beginWait, Category, endWait, notify } from '@ttrace/sdk/waits';
import { type Attempt, waitFor, waitForAsync } from './attempt.ts';
import { deadlock, ownerEnded } from './lock-word.ts';
import { adoptShared, createShared, livesOf, type SharedObject } from './shared-object.ts';
import { hasEnded, type ThreadLives } from './thread-lives.ts';
import { leaveArrow } from './wake-arrows.ts';

const KIND = 'Once/1';
/** 0 at first, the runner's id + 1 while it runs, -1 when it is over; and the arrow from who ran it. */
const STATE = 0;
const ARROW = 1;
const NEW = 0;
const OVER = -1;
const ME = threadId + 1;

/**
 * Runs a function once in a process, after Go's `sync.Once`: the first thread that comes runs it, the others wait until it is
 * over. Send it to another thread, in `workerData` or a message, and make it one there by `Once.from`. What the function makes
 * stays in its thread: leave in shared memory what the others need.
 *
 * A function that throws has run. If the thread that ran it ends, whoever waits gets a `SyncError` with the code `OWNER_ENDED`.
 *
 * While tracing is on: slices `once NAME wait` and `once NAME`, and an arrow from the end to whoever waited.
 */
export class Once {
  /** What crosses threads: one that is sent arrives as an object with this. */
  readonly shared: SharedObject;
  readonly #words: Int32Array;
  readonly #threads: ThreadLives;

  /**
   * @param name Reports group by it: keep to tens of distinct names.
   * @param shared for `from` alone.
   */
  constructor(name?: string, shared: SharedObject = createShared(KIND, name, 8)) {
    this.shared = shared;
    this.#words = new Int32Array(shared.memory);
    this.#threads = livesOf(shared);
  }

  get name(): string {
    return this.shared.name;
  }

  /** The one that another thread sent. Throws a `SyncError` with the code `NOT_SHARED` if it is none. */
  static from(shared: unknown): Once {
    const adopted = adoptShared(KIND, shared);
    return new Once(adopted.name, adopted);
  }

  /** Whether it is over. */
  get isOver(): boolean {
    return Atomics.load(this.#words, STATE) === OVER;
  }

  /** Runs `fn`, or stops the thread until the first one's is over; returns whether it ran. An exception passes through. */
  do(fn: () => void): boolean {
    if (typeof fn !== 'function') throw new TypeError('fn must be a function');
    if (this.isOver) return false;
    const attempt = this.#attempt(true);
    waitFor(attempt);
    if (!attempt.isRunner) return false;
    const slice = beginWait(`once ${this.name}`, undefined, '', Category.region);
    try {
      fn();
    } finally {
      endWait(slice);
      this.#end();
    }
    return true;
  }

  /** The same without stopping the thread: it is over when what `fn` returns has settled. Keeps the event loop alive. */
  async doAsync(fn: () => void | Promise<void>): Promise<boolean> {
    if (typeof fn !== 'function') throw new TypeError('fn must be a function');
    if (this.isOver) return false;
    const attempt = this.#attempt(false);
    await waitForAsync(attempt);
    if (!attempt.isRunner) return false;
    const slice = beginWait(`once ${this.name}`, undefined, '', Category.region);
    try {
      await fn();
    } finally {
      endWait(slice);
      this.#end();
    }
    return true;
  }

  #attempt(isStopped: boolean): OverAttempt {
    return new OverAttempt(`once ${this.name} wait`, this.#words, this.#threads, isStopped);
  }

  #end(): void {
    leaveArrow(this.#words, ARROW, `once ${this.name} over`);
    Atomics.store(this.#words, STATE, OVER);
    notify(this.#words, STATE);
  }
}

/** Succeeds for the first as its runner, for the others when it is over. */
class OverAttempt implements Attempt {
  readonly label: string;
  readonly words: Int32Array;
  readonly index = STATE;
  readonly waitingIndex = undefined;
  readonly arrowIndex = ARROW;
  readonly #lives: ThreadLives;
  readonly #isStopped: boolean;
  #isPatienceOver = false;
  isRunner = false;
  expected = 0;

  constructor(label: string, words: Int32Array, lives: ThreadLives, isStopped: boolean) {
    this.label = label;
    this.words = words;
    this.#lives = lives;
    this.#isStopped = isStopped;
  }

  try(): boolean {
    const state = Atomics.compareExchange(this.words, STATE, NEW, ME);
    if (state === NEW) this.isRunner = true;
    if (state === NEW || state === OVER) return true;
    if (state === ME && this.#isStopped) throw deadlock(this.label);
    if (hasEnded(this.#lives, state - 1, this.#isPatienceOver)) {
      // It may have been done with it and then ended since the state was read.
      if (Atomics.load(this.words, STATE) === state) throw ownerEnded(this.label, state - 1);
    }
    this.expected = state;
    return false;
  }

  woken(isTimeout: boolean): void {
    this.#isPatienceOver = isTimeout;
  }
}
