/**
 * A lock in shared memory, without a trace: what Mutex and Channel are made with.
 *
 * Its word is 0 when it is free, else `owner << 1`, and 1 more if others may be asleep; the owner is the thread's id + 1. Who
 * comes while it is free takes it, before those that must wake up first: that is several times as fast as handing it over.
 * One that has slept and been overtaken for more than a millisecond is starving; while there is one, a lock that is let go
 * becomes `RESERVED`, which only those take that have slept, and V8 wakes them in the order in which they came.
 */
import { threadId } from 'node:worker_threads';
import { notify } from '@ttrace/sdk/waits';
import type { Attempt } from './attempt.ts';
import { SyncError } from './sync-error.ts';
import { hasEnded, type ThreadLives } from './thread-lives.ts';

/** Integers that it takes: word, how many wait, how many of them starve, arrow from who let it go last. */
export const LOCK_WORDS = 4;
const WAITING = 1;
const STARVING = 2;
export const LOCK_ARROW = 3;

const FREE = 0;
const RESERVED = 1;
const SLEEPERS = 1;
/** This thread as an owner. */
const ME: number = (threadId + 1) << 1;

export { ME as OWN_LOCK };

const STARVING_MS = 1;
const { performance } = globalThis;
const clock: () => number = performance.now.bind(performance);

/** Takes it if it is free. */
export function tryTake(words: Int32Array, at: number): boolean {
  // hot: bench/sync.mjs
  return Atomics.compareExchange(words, at, FREE, ME) === FREE;
}

/**
 * Lets it go.
 * @param label what it is called if it is not this thread's, which is an error.
 */
export function letGo(words: Int32Array, at: number, label: string): void {
  // hot: bench/sync.mjs
  const state = Atomics.compareExchange(words, at, ME, FREE);
  if (state === ME) return;
  if (state === (ME | SLEEPERS)) wakeNext(words, at);
  else throw notOwned(ownerOf(state), label);
}

function notOwned(owner: number | undefined, label: string): SyncError {
  if (owner === undefined) return new SyncError('NOT_LOCKED', `${label} is not locked`);
  const message = `${label} is locked by thread ${owner}, not by this one, ${threadId}`;
  return new SyncError('NOT_OWNER', message, owner);
}

/** Whether this thread has it, and others may be asleep. */
export function isAwaited(words: Int32Array, at: number): boolean {
  return Atomics.load(words, at) === (ME | SLEEPERS);
}

/** Takes it from a thread that has ended; false if none has. */
export function takeOver(words: Int32Array, at: number, lives: ThreadLives): boolean {
  const state = Atomics.load(words, at);
  const owner = ownerOf(state);
  if (owner === undefined || !hasEnded(lives, owner, true)) return false;
  return Atomics.compareExchange(words, at, state, ME | SLEEPERS) === state;
}

function ownerOf(state: number): number | undefined {
  return state <= RESERVED ? undefined : (state >> 1) - 1;
}

function wakeNext(words: Int32Array, at: number): void {
  if (Atomics.load(words, at + STARVING) <= 0) {
    Atomics.store(words, at, FREE);
    notify(words, at, 1);
    return;
  }
  Atomics.store(words, at, RESERVED);
  if (notify(words, at, 1) > 0) return;
  // Those that starved have ended.
  Atomics.store(words, at + STARVING, 0);
  if (Atomics.compareExchange(words, at, RESERVED, FREE) === RESERVED) notify(words, at, 1);
}

/** What to say of a lock that nobody will let go any more. */
export function ownerEnded(label: string, owner: number): SyncError {
  const message = `${label}: thread ${owner}, which had it, has ended; what it protects may be half changed`;
  return new SyncError('OWNER_ENDED', message, owner);
}

/** What to say of a thread that would stop to wait for itself. */
export function deadlock(label: string): SyncError {
  return new SyncError('DEADLOCK', `${label}: this thread has it, and would wait for itself`, threadId);
}

/** One that wants the lock. */
export class LockAttempt implements Attempt {
  readonly label: string;
  readonly words: Int32Array;
  readonly index: number;
  readonly waitingIndex: number;
  readonly arrowIndex: number;
  readonly #lives: ThreadLives;
  readonly #start = clock();
  readonly #isOwnError: boolean;
  #isCounted = false;
  #hasSlept = false;
  #isStarving = false;
  #isPatienceOver = false;
  expected = 0;

  /** @param isOwnError whether waiting for what this thread has is a deadlock: it is not where it goes on meanwhile. */
  constructor(label: string, words: Int32Array, at: number, lives: ThreadLives, isOwnError: boolean) {
    this.label = label;
    this.words = words;
    this.index = at;
    this.waitingIndex = at + WAITING;
    this.arrowIndex = at + LOCK_ARROW;
    this.#lives = lives;
    this.#isOwnError = isOwnError;
  }

  try(): boolean {
    const { words, index } = this;
    if (!this.#isCounted) {
      this.#isCounted = true;
      Atomics.add(words, index + WAITING, 1);
    }
    for (;;) {
      const state = Atomics.load(words, index);
      if (state === FREE || (state === RESERVED && this.#hasSlept)) {
        // Those that are counted from here on say by themselves that they are asleep.
        const taken = Atomics.load(words, index + WAITING) > 1 ? ME | SLEEPERS : ME;
        if (Atomics.compareExchange(words, index, state, taken) !== state) continue;
        this.#leave();
        return true;
      }
      if (state !== RESERVED) this.#checkOwner(ownerOf(state)!);
      const expected = state | SLEEPERS;
      if (state !== expected && Atomics.compareExchange(words, index, state, expected) !== state) continue;
      if (this.#hasSlept && !this.#isStarving && clock() - this.#start > STARVING_MS) {
        this.#isStarving = true;
        Atomics.add(words, index + STARVING, 1);
      }
      this.expected = expected;
      return false;
    }
  }

  woken(isTimeout: boolean): void {
    this.#hasSlept = true;
    this.#isPatienceOver = isTimeout;
  }

  #checkOwner(owner: number): void {
    if (owner === threadId && this.#isOwnError) {
      this.#leave();
      throw deadlock(this.label);
    }
    if (!hasEnded(this.#lives, owner, this.#isPatienceOver)) return;
    // It may have let go and then ended since its name was read here; now it can do neither any more.
    if (ownerOf(Atomics.load(this.words, this.index)) !== owner) return;
    this.#leave();
    throw ownerEnded(this.label, owner);
  }

  #leave(): void {
    Atomics.sub(this.words, this.index + WAITING, 1);
    if (this.#isStarving) Atomics.sub(this.words, this.index + STARVING, 1);
    this.#isStarving = false;
  }
}
