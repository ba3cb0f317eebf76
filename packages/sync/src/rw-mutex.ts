/** A lock that many readers have at a time, or one writer. */
import {
  areWaitsRecorded,
  beginWait,
  Category,
  endWait,
  type OpenWait,
  recordingNumber,
} from '@ttrace/sdk/waits';
import { waitFor, waitForAsync } from './attempt.ts';
import { ReadWriteThreads, Share, THREADS_WORDS } from './read-write-threads.ts';
import {
  endRead,
  endWrite,
  isReadWriteAwaited,
  notReader,
  READ_WRITE_ARROW,
  READ_WRITE_WORDS,
  ReadWriteAttempt,
  tryRead,
  tryWrite,
} from './read-write-word.ts';
import { adoptShared, createShared, livesOf, type SharedObject } from './shared-object.ts';
import type { ThreadLives } from './thread-lives.ts';
import { untilOver } from './until-over.ts';
import { leaveArrow } from './wake-arrows.ts';

const KIND = 'RWMutex/1';

// A constant of this module: what is imported is loaded anew at each use.
const onOff = recordingNumber;

/**
 * A lock between threads, after Go's `sync.RWMutex`: many may read at once, or one write. Send it to another thread, in
 * `workerData` or a message, and make it one there by `RWMutex.from`.
 *
 * A writer that waits keeps new readers out, and those readers that wait come before the next writer: neither starves. For that
 * reason a thread must not lock it for reading twice at once. A thread that ends while it has it leaves it locked: whoever
 * wants it gets a `SyncError` with the code `OWNER_ENDED`, at once or within 0.2 s; of readers, and of those that wait, the first 64 threads are known.
 *
 * While tracing is on: slices `lock NAME wait` and `lock NAME`, or `read lock NAME wait` and `read lock NAME`, and an arrow from
 * who let go last to whoever waited.
 */
export class RWMutex {
  /** What crosses threads: one that is sent arrives as an object with this. */
  readonly shared: SharedObject;
  readonly #words: Int32Array;
  readonly #lives: ThreadLives;
  readonly #threads: ReadWriteThreads;
  #writing: OpenWait | undefined;
  /** Slices for the times that this thread reads. */
  readonly #reading: (OpenWait | undefined)[] = [];

  /**
   * @param name Reports group by it: keep to tens of distinct names.
   * @param shared for `from` alone.
   */
  constructor(
    name?: string,
    shared: SharedObject = createShared(KIND, name, (READ_WRITE_WORDS + THREADS_WORDS) * 4),
  ) {
    this.shared = shared;
    this.#words = new Int32Array(shared.memory, 0, READ_WRITE_WORDS);
    this.#lives = livesOf(shared);
    this.#threads = new ReadWriteThreads(new Int32Array(shared.memory, READ_WRITE_WORDS * 4), this.#lives);
  }

  get name(): string {
    return this.shared.name;
  }

  /** The lock that another thread sent. Throws a `SyncError` with the code `NOT_SHARED` if it is none. */
  static from(shared: unknown): RWMutex {
    const adopted = adoptShared(KIND, shared);
    return new RWMutex(adopted.name, adopted);
  }

  /** Locks it for writing; stops the thread until then. Throws a `SyncError`: `DEADLOCK` or `OWNER_ENDED`. */
  lock(): void {
    // hot: bench/sync.mjs
    if (!tryWrite(this.#words)) waitFor(this.#attempt(true, true));
    if (onOff[0] !== 0) this.#wrote();
  }

  /** Locks it for writing if it is free; returns whether it was. */
  tryLock(): boolean {
    const isTaken = tryWrite(this.#words);
    if (isTaken) this.#wrote();
    return isTaken;
  }

  /** Locks it for writing without stopping the thread; keeps its event loop alive until then. Rejected with `OWNER_ENDED`. */
  async lockAsync(): Promise<void> {
    if (!tryWrite(this.#words)) await waitForAsync(this.#attempt(true, false));
    this.#wrote();
  }

  /** Ends writing. Throws a `SyncError` if it is not locked so (`NOT_LOCKED`), or by another thread (`NOT_OWNER`). */
  unlock(): void {
    // hot: bench/sync.mjs
    if (onOff[0] !== 0) {
      endWait(this.#writing);
      this.#writing = undefined;
      this.#letOthersKnow();
    }
    endWrite(this.#words, this.shared);
  }

  /** Locks it for reading; stops the thread until then. Throws a `SyncError`: `DEADLOCK` or `OWNER_ENDED`. */
  rLock(): void {
    if (!tryRead(this.#words, false)) waitFor(this.#attempt(false, true));
    this.#read();
  }

  /** Locks it for reading if nobody writes or waits to; returns whether it did. */
  tryRLock(): boolean {
    const isTaken = tryRead(this.#words, false);
    if (isTaken) this.#read();
    return isTaken;
  }

  /** Locks it for reading without stopping the thread; keeps its event loop alive until then. Rejected with `OWNER_ENDED`. */
  async rLockAsync(): Promise<void> {
    if (!tryRead(this.#words, false)) await waitForAsync(this.#attempt(false, false));
    this.#read();
  }

  /** Ends reading, once. Throws a `SyncError` with the code `NOT_LOCKED` if this thread does not read. */
  rUnlock(): void {
    if (!this.#threads.change(Share.reads, -1)) throw notReader(this.name);
    if (onOff[0] !== 0 && areWaitsRecorded()) {
      endWait(this.#reading.pop());
      this.#letOthersKnow();
    }
    endRead(this.#words, this.shared, this.#threads.isKnown);
  }

  /** Runs `fn` while it writes and returns what `fn` returns; if that is a Promise, until it settles. Locks as `lock` does. */
  withLock<T>(fn: () => T): T {
    this.lock();
    return untilOver(fn, () => this.unlock());
  }

  /** Runs `fn` while it reads and returns what `fn` returns; if that is a Promise, until it settles. Locks as `rLock` does. */
  withRLock<T>(fn: () => T): T {
    this.rLock();
    return untilOver(fn, () => this.rUnlock());
  }

  #name(isWriter: boolean): string {
    return `${isWriter ? 'lock' : 'read lock'} ${this.name}`;
  }

  #attempt(isWriter: boolean, isStopped: boolean): ReadWriteAttempt {
    const label = `${this.#name(isWriter)} wait`;
    return new ReadWriteAttempt(label, this.#words, isWriter, this.#threads, this.#lives, isStopped);
  }

  #wrote(): void {
    if (onOff[0] !== 0) this.#writing = beginWait(this.#name(true), undefined, '', Category.region);
  }

  #read(): void {
    // hot: bench/sync.mjs
    this.#threads.change(Share.reads, 1);
    if (onOff[0] !== 0 && areWaitsRecorded()) {
      this.#reading.push(beginWait(this.#name(false), undefined, '', Category.region));
    }
  }

  #letOthersKnow(): void {
    if (areWaitsRecorded() && isReadWriteAwaited(this.#words)) {
      leaveArrow(this.#words, READ_WRITE_ARROW, `lock ${this.name} unlock`);
    }
  }
}
