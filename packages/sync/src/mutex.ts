/** A lock that one thread has at a time. */
import {
  areWaitsRecorded,
  beginWait,
  Category,
  endWait,
  type OpenWait,
  recordingNumber,
} from '@ttrace/sdk/waits';
import { waitFor, waitForAsync } from './attempt.ts';
import {
  isAwaited,
  LOCK_ARROW,
  LOCK_WORDS,
  LockAttempt,
  letGo,
  OWN_LOCK,
  takeOver,
  tryTake,
} from './lock-word.ts';
import { adoptShared, createShared, livesOf, type SharedObject } from './shared-object.ts';
import type { ThreadLives } from './thread-lives.ts';
import { Turns } from './turns.ts';
import { untilOver } from './until-over.ts';
import { leaveArrow } from './wake-arrows.ts';

const KIND = 'Mutex/1';

// Constants of this module: what is imported is loaded anew at each use.
const onOff = recordingNumber;
const FREE = 0;
const ME = OWN_LOCK;

/**
 * A mutual exclusion lock between threads, after Go's `sync.Mutex`. Send it to another thread, in `workerData` or a message,
 * and make it one there by `Mutex.from`.
 *
 * It belongs to the thread that locked it, and is not reentrant. Whoever waits gets it in bounded time; those that come while
 * it is free get it first. A thread that ends while it has it leaves it locked: whoever wants it then gets a `SyncError`
 * with the code `OWNER_ENDED`, at once or within 0.2 s, until somebody takes it over.
 *
 * While tracing is on: slices `lock NAME wait` and `lock NAME`, and an arrow from the unlock to whoever waited.
 */
export class Mutex {
  /** What crosses threads: one that is sent arrives as an object with this. */
  readonly shared: SharedObject;
  readonly #words: Int32Array;
  readonly #threads: ThreadLives;
  readonly #turns = new Turns();
  /** The slice for the time that this thread has it. */
  #held: OpenWait | undefined;

  /**
   * @param name Reports group by it: keep to tens of distinct names.
   * @param shared for `from` alone.
   */
  constructor(name?: string, shared: SharedObject = createShared(KIND, name, LOCK_WORDS * 4)) {
    this.shared = shared;
    this.#words = new Int32Array(shared.memory);
    this.#threads = livesOf(shared);
  }

  get name(): string {
    return this.shared.name;
  }

  /** The mutex that another thread sent. Throws a `SyncError` with the code `NOT_SHARED` if it is none. */
  static from(shared: unknown): Mutex {
    const adopted = adoptShared(KIND, shared);
    return new Mutex(adopted.name, adopted);
  }

  /**
   * Locks it; stops the thread until then. Meant for workers: on the main thread nothing else runs meanwhile. Throws a
   * `SyncError` if the thread has it already (`DEADLOCK`), and if the thread that had it has ended (`OWNER_ENDED`).
   */
  lock(): void {
    // hot: bench/sync.mjs
    if (Atomics.compareExchange(this.#words, 0, FREE, ME) !== FREE) waitFor(this.#attempt(true));
    if (onOff[0] !== 0) this.#hold();
  }

  /** Locks it if it is free; returns whether it was. */
  tryLock(): boolean {
    // hot
    if (!tryTake(this.#words, 0)) return false;
    if (onOff[0] !== 0) this.#hold();
    return true;
  }

  /**
   * Locks it without stopping the thread; keeps its event loop alive until then. Requests of one thread get it in their order.
   * Rejected with a `SyncError` if the thread that had it has ended (`OWNER_ENDED`).
   */
  async lockAsync(): Promise<void> {
    if (!this.#turns.isFree || !tryTake(this.#words, 0))
      await this.#turns.run(() => waitForAsync(this.#attempt(false)));
    if (onOff[0] !== 0) this.#hold();
  }

  /**
   * Unlocks it. Throws a `SyncError`, and changes nothing, if it is not locked (`NOT_LOCKED`) or another thread's (`NOT_OWNER`).
   */
  unlock(): void {
    // hot: bench/sync.mjs
    const words = this.#words;
    if (onOff[0] !== 0) this.#letOthersKnow();
    if (Atomics.compareExchange(words, 0, ME, FREE) !== ME) letGo(words, 0, this.name);
  }

  /**
   * Runs `fn` while it has the lock and returns what `fn` returns; an exception passes through. If that is a Promise the lock is
   * let go when it settles. Locks as `lock` does.
   */
  withLock<T>(fn: () => T): T {
    this.lock();
    return untilOver(fn, () => this.unlock());
  }

  /** The same without stopping the thread: locks as `lockAsync` does. */
  async withLockAsync<T>(fn: () => T | Promise<T>): Promise<T> {
    await this.lockAsync();
    try {
      return await fn();
    } finally {
      this.unlock();
    }
  }

  /**
   * Locks it although a thread that has ended had it, for who knows how to mend what it protects. False, and nothing is locked,
   * if no thread that has ended has it.
   */
  takeOver(): boolean {
    const isTaken = takeOver(this.#words, 0, this.#threads);
    if (isTaken && onOff[0] !== 0) this.#hold();
    return isTaken;
  }

  #label(): string {
    return `lock ${this.name}`;
  }

  #attempt(isStopped: boolean): LockAttempt {
    return new LockAttempt(`${this.#label()} wait`, this.#words, 0, this.#threads, isStopped);
  }

  #hold(): void {
    if (areWaitsRecorded()) this.#held = beginWait(this.#label(), undefined, '', Category.region);
  }

  #letOthersKnow(): void {
    endWait(this.#held);
    this.#held = undefined;
    if (isAwaited(this.#words, 0)) leaveArrow(this.#words, LOCK_ARROW, `${this.#label()} unlock`);
  }
}
