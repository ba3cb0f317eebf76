/** So many permits that threads share. */
import { areWaitsRecorded, countQueue, notify, recordingNumber } from '@ttrace/sdk/waits';
import { type Attempt, waitFor, waitForAsync } from './attempt.ts';
import { adoptShared, createShared, type SharedObject } from './shared-object.ts';
import { SyncError } from './sync-error.ts';
import { leaveArrow } from './wake-arrows.ts';

const KIND = 'Semaphore/1';

// A constant of this module: what is imported is loaded anew at each use.
const onOff = recordingNumber;

/** What there is, who waits, how many there are in all, and the arrow from who released last. */
const PERMITS = 0;
const WAITING = 1;
const ALL = 2;
const ARROW = 3;

/**
 * A counting semaphore between threads. Send it to another thread, in `workerData` or a message, and make it one there by
 * `Semaphore.from`.
 *
 * A permit belongs to nobody: any thread may release it, and one that ends with it does not give it back.
 *
 * While tracing is on: slices `semaphore NAME wait`, an arrow from the release to whoever waited, and a counter of the permits
 * in use.
 */
export class Semaphore {
  /** What crosses threads: one that is sent arrives as an object with this. */
  readonly shared: SharedObject;
  readonly #words: Int32Array;

  /**
   * @param permits at least 1, less than 2^31.
   * @param name Reports group by it: keep to tens of distinct names.
   * @param shared for `from` alone.
   */
  constructor(permits: number, name?: string, shared: SharedObject = create(permits, name)) {
    this.shared = shared;
    this.#words = new Int32Array(shared.memory);
  }

  get name(): string {
    return this.shared.name;
  }

  /** The semaphore that another thread sent. Throws a `SyncError` with the code `NOT_SHARED` if it is none. */
  static from(shared: unknown): Semaphore {
    const adopted = adoptShared(KIND, shared);
    return new Semaphore(1, adopted.name, adopted);
  }

  /** Takes a permit; stops the thread until there is one. */
  acquire(): void {
    if (!takePermit(this.#words)) waitFor(new PermitAttempt(`semaphore ${this.name} wait`, this.#words));
    if (onOff[0] !== 0) this.#count();
  }

  /** Takes a permit if there is one; returns whether there was. */
  tryAcquire(): boolean {
    const isTaken = takePermit(this.#words);
    if (isTaken && onOff[0] !== 0) this.#count();
    return isTaken;
  }

  /** Takes a permit without stopping the thread; keeps its event loop alive until then. */
  async acquireAsync(): Promise<void> {
    if (!takePermit(this.#words)) {
      await waitForAsync(new PermitAttempt(`semaphore ${this.name} wait`, this.#words));
    }
    if (onOff[0] !== 0) this.#count();
  }

  /** Gives a permit back. Throws a `SyncError` with the code `TOO_MANY_RELEASES` if all are there. */
  release(): void {
    const words = this.#words;
    for (;;) {
      const permits = Atomics.load(words, PERMITS);
      if (permits >= words[ALL]!) {
        throw new SyncError('TOO_MANY_RELEASES', `semaphore ${this.name}: all of its permits are there`);
      }
      if (Atomics.compareExchange(words, PERMITS, permits, permits + 1) === permits) break;
    }
    if (onOff[0] !== 0) this.#count();
    if (Atomics.load(words, WAITING) <= 0) return;
    leaveArrow(words, ARROW, `semaphore ${this.name} release`);
    notify(words, PERMITS, 1);
  }

  /** Runs `fn` with a permit, which is given back when what it returns has settled; an exception passes through. */
  async withPermit<T>(fn: () => T | Promise<T>): Promise<T> {
    await this.acquireAsync();
    try {
      return await fn();
    } finally {
      this.release();
    }
  }

  #count(): void {
    if (areWaitsRecorded()) {
      countQueue(`semaphore ${this.name} in use`, this.#words[ALL]! - Atomics.load(this.#words, PERMITS));
    }
  }
}

function create(permits: number, name: string | undefined): SharedObject {
  if (!Number.isInteger(permits) || permits < 1 || permits >= 2 ** 31) {
    throw new RangeError(`permits must be an integer from 1 to 2^31 - 1, got ${permits}`);
  }
  const shared = createShared(KIND, name, 16);
  new Int32Array(shared.memory).set([permits, 0, permits, 0]);
  return shared;
}

function takePermit(words: Int32Array): boolean {
  for (;;) {
    const permits = Atomics.load(words, PERMITS);
    if (permits === 0) return false;
    if (Atomics.compareExchange(words, PERMITS, permits, permits - 1) === permits) return true;
  }
}

class PermitAttempt implements Attempt {
  readonly label: string;
  readonly words: Int32Array;
  readonly index = PERMITS;
  readonly waitingIndex = WAITING;
  readonly arrowIndex = ARROW;
  readonly expected = 0;
  #isCounted = false;

  constructor(label: string, words: Int32Array) {
    this.label = label;
    this.words = words;
  }

  try(): boolean {
    const { words } = this;
    if (!this.#isCounted) {
      this.#isCounted = true;
      Atomics.add(words, WAITING, 1);
    }
    if (!takePermit(words)) return false;
    Atomics.sub(words, WAITING, 1);
    return true;
  }

  woken(): void {}
}
