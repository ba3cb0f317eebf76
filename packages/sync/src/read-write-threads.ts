/**
 * What each thread has of an RWMutex and waits for there, so that nobody is left waiting for a thread that has ended: an entry of
 * four integers, its id + 1 and a count for each `Share`. Only the thread itself writes its counts, and after its end whoever
 * forgets them. Threads beyond 64 find no entry and are not known.
 */
import { threadId } from 'node:worker_threads';
import { hasEnded, type ThreadLives } from './thread-lives.ts';

const THREADS = 64;
const ENTRY_WORDS = 4;
export const THREADS_WORDS: number = THREADS * ENTRY_WORDS;

/** What is counted: where in an entry. */
export const Share = { reads: 1, waitsToRead: 2, waitsToWrite: 3 } as const;
export type Share = (typeof Share)[keyof typeof Share];

const ME = threadId + 1;
const NONE = -1;
const UNKNOWN = -2;

export class ReadWriteThreads {
  readonly #words: Int32Array;
  readonly #lives: ThreadLives;
  /** Index of this thread's entry. */
  #own = UNKNOWN;

  constructor(words: Int32Array, lives: ThreadLives) {
    this.#words = words;
    this.#lives = lives;
  }

  /** This thread has one more; or, by -1, one less: false if it has none. */
  change(share: Share, by: 1 | -1): boolean {
    // hot: bench/sync.mjs
    if (this.#own < 0) {
      if (this.#own === UNKNOWN) this.#own = this.#claim();
      if (this.#own === NONE) return true;
    }
    const words = this.#words;
    const at = this.#own + share;
    const count = words[at]! + by;
    if (count < 0) return false;
    // A plain store: others look when they have waited for long.
    words[at] = count;
    return true;
  }

  /** Whether what this thread has is counted. */
  get isKnown(): boolean {
    return this.#own >= 0;
  }

  /** Whether this thread is known to read. */
  get isReading(): boolean {
    return this.#own >= 0 && this.#words[this.#own + Share.reads]! > 0;
  }

  /** A thread that has ended while it read. */
  endedReader(): number | undefined {
    return this.#ended().find(({ at }) => Atomics.load(this.#words, at + Share.reads) > 0)?.id;
  }

  /** How many waited so in threads that have ended. They are forgotten: the answer is given once. */
  forgetWaiting(share: Share): number {
    return this.#ended().reduce((sum, { at }) => sum + Atomics.exchange(this.#words, at + share, 0), 0);
  }

  #ended(): { readonly at: number; readonly id: number }[] {
    const found = [];
    for (let at = 0; at < THREADS_WORDS; at += ENTRY_WORDS) {
      const owner = Atomics.load(this.#words, at);
      if (owner !== 0 && hasEnded(this.#lives, owner - 1, true)) found.push({ at, id: owner - 1 });
    }
    return found;
  }

  #claim(): number {
    for (let at = 0; at < THREADS_WORDS; at += ENTRY_WORDS) {
      const owner = Atomics.load(this.#words, at);
      if (owner === ME) return at;
      const isFree = owner === 0 || (this.#isEmpty(at) && hasEnded(this.#lives, owner - 1, false));
      if (isFree && Atomics.compareExchange(this.#words, at, owner, ME) === owner) return at;
    }
    return NONE;
  }

  #isEmpty(at: number): boolean {
    return Object.values(Share).every((share) => this.#words[at + share] === 0);
  }
}
