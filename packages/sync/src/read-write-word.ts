/**
 * A lock of many readers or one writer in shared memory, without a trace: what RWMutex is made with.
 *
 * The state is the number of readers, or minus the writer's thread id + 1. A writer that waits keeps new readers out; when one
 * lets go, those readers that wait are admitted before the next writer, so that neither side starves. Who waits sleeps on its
 * side's gate, a number that changes when it may try again.
 */
import { threadId } from 'node:worker_threads';
import { notify } from '@ttrace/sdk/waits';
import type { Attempt } from './attempt.ts';
import { deadlock, ownerEnded } from './lock-word.ts';
import { type ReadWriteThreads, Share } from './read-write-threads.ts';
import { SyncError } from './sync-error.ts';
import { hasEnded, type ThreadLives } from './thread-lives.ts';

const STATE = 0;
const READERS_WAITING = 1;
const WRITERS_WAITING = 2;
/** Readers that may come in although writers wait. */
const ADMITTED = 3;
const READ_GATE = 4;
const WRITE_GATE = 5;
export const READ_WRITE_ARROW = 6;
/** Integers that it takes. */
export const READ_WRITE_WORDS = 8;
const WRITER = -(threadId + 1);
const KEEPS_ORDER = process.arch === 'x64' || process.arch === 'ia32';

/** @param isCounted whether it is one of those that wait. */
export function tryRead(words: Int32Array, isCounted: boolean): boolean {
  for (;;) {
    // What it sees here is made sure of by the exchange below.
    const state = words[STATE]!;
    if (state < 0) return false;
    // Those that are admitted are as many as were counted.
    const mayPass = isCounted && admit(words);
    if (!mayPass && words[WRITERS_WAITING]! > 0) return false;
    if (Atomics.compareExchange(words, STATE, state, state + 1) === state) return true;
    if (mayPass) Atomics.add(words, ADMITTED, 1);
  }
}

function admit(words: Int32Array): boolean {
  for (;;) {
    const admitted = Atomics.load(words, ADMITTED);
    if (admitted <= 0) return false;
    if (Atomics.compareExchange(words, ADMITTED, admitted, admitted - 1) === admitted) return true;
  }
}

export function tryWrite(words: Int32Array): boolean {
  // A plain look, 5 ns less than `Atomics.load`: at worst a writer comes before readers that have just been admitted.
  return words[ADMITTED]! <= 0 && Atomics.compareExchange(words, STATE, 0, WRITER) === 0;
}

/**
 * One reader less.
 * @param isKnown whether this thread is known to read; else nobody may.
 */
export function endRead(words: Int32Array, lock: { readonly name: string }, isKnown: boolean): void {
  // hot: bench/sync.mjs
  if (isKnown) {
    if (Atomics.sub(words, STATE, 1) === 1) open(words, WRITERS_WAITING, WRITE_GATE, 1);
    return;
  }
  for (;;) {
    const state = Atomics.load(words, STATE);
    if (state <= 0) throw notReader(lock.name);
    if (Atomics.compareExchange(words, STATE, state, state - 1) !== state) continue;
    if (state === 1) open(words, WRITERS_WAITING, WRITE_GATE, 1);
    return;
  }
}

export function endWrite(words: Int32Array, lock: { readonly name: string }): void {
  // hot: bench/sync.mjs
  const readers = words[READERS_WAITING]!;
  // Admitted while none of them can get in yet, so that each of them uses its admission.
  if (readers > 0 && Atomics.load(words, STATE) === WRITER) Atomics.store(words, ADMITTED, readers);
  const state = Atomics.compareExchange(words, STATE, WRITER, 0);
  if (state !== WRITER) throw notWriter(state, lock.name);
  open(words, READERS_WAITING, READ_GATE, Number.POSITIVE_INFINITY);
  if (readers <= 0) open(words, WRITERS_WAITING, WRITE_GATE, 1);
}

/** What to say of an end of reading that nobody has begun. */
export function notReader(name: string): SyncError {
  return new SyncError('NOT_LOCKED', `${name} is not locked for reading by this thread`);
}

function notWriter(state: number, name: string): SyncError {
  if (state >= 0) return new SyncError('NOT_LOCKED', `${name} is not locked for writing`);
  const owner = -state - 1;
  return new SyncError(
    'NOT_OWNER',
    `${name} is locked by thread ${owner}, not by this one, ${threadId}`,
    owner,
  );
}

/** Whether somebody sleeps until this thread lets go. */
export function isReadWriteAwaited(words: Int32Array): boolean {
  return Atomics.load(words, READERS_WAITING) > 0 || Atomics.load(words, WRITERS_WAITING) > 0;
}

/**
 * Who waits counts itself and then looks at the state; who has changed the state then looks at the count: one of them must see
 * the other. On x86 a locked instruction such as that change is a fence, and a plain load does, at 5 ns less.
 */
function lookAfterStore(words: Int32Array, index: number): number {
  return KEEPS_ORDER ? words[index]! : Atomics.load(words, index);
}

function open(words: Int32Array, waiting: number, gate: number, most: number): void {
  if (lookAfterStore(words, waiting) <= 0) return;
  Atomics.add(words, gate, 1);
  notify(words, gate, most);
}

/** One that wants to read or to write. */
export class ReadWriteAttempt implements Attempt {
  readonly label: string;
  readonly words: Int32Array;
  readonly index: number;
  readonly arrowIndex: number = READ_WRITE_ARROW;
  readonly waitingIndex: number;
  readonly #threads: ReadWriteThreads;
  readonly #lives: ThreadLives;
  readonly #isStopped: boolean;
  #isCounted = false;
  #isPatienceOver = false;
  expected = 0;

  /** @param isStopped whether its thread waits for nothing else meanwhile, so that waiting for itself is a deadlock. */
  constructor(
    label: string,
    words: Int32Array,
    isWriter: boolean,
    threads: ReadWriteThreads,
    lives: ThreadLives,
    isStopped: boolean,
  ) {
    this.label = label;
    this.words = words;
    this.index = isWriter ? WRITE_GATE : READ_GATE;
    this.waitingIndex = isWriter ? WRITERS_WAITING : READERS_WAITING;
    this.#threads = threads;
    this.#lives = lives;
    this.#isStopped = isStopped;
  }

  try(): boolean {
    const { words, index } = this;
    const isWriter = index === WRITE_GATE;
    this.expected = Atomics.load(words, index);
    if (!this.#isCounted) {
      // Counted before it looks, so that who lets go either sees it or is seen.
      this.#isCounted = true;
      Atomics.add(words, this.waitingIndex, 1);
      this.#threads.change(this.#share, 1);
    }
    if (isWriter ? tryWrite(words) : tryRead(words, true)) {
      this.#leave();
      return true;
    }
    this.#checkOwners(isWriter);
    return false;
  }

  woken(isTimeout: boolean): void {
    this.#isPatienceOver = isTimeout;
    if (!isTimeout) return;
    // They have had their time to come in.
    if (this.index === WRITE_GATE) Atomics.store(this.words, ADMITTED, 0);
    Atomics.sub(this.words, READERS_WAITING, this.#threads.forgetWaiting(Share.waitsToRead));
    Atomics.sub(this.words, WRITERS_WAITING, this.#threads.forgetWaiting(Share.waitsToWrite));
  }

  #checkOwners(isWriter: boolean): void {
    const state = Atomics.load(this.words, STATE);
    const isOwn = state === WRITER || (isWriter && state > 0 && this.#threads.isReading);
    if (isOwn && this.#isStopped) this.#fail(deadlock(this.label));
    if (state < 0 && hasEnded(this.#lives, -state - 1, this.#isPatienceOver)) {
      // It may have let go and then ended since the state was read.
      if (Atomics.load(this.words, STATE) === state) this.#fail(ownerEnded(this.label, -state - 1));
    }
    if (state <= 0 || !this.#isPatienceOver) return;
    const ended = this.#threads.endedReader();
    if (ended !== undefined) this.#fail(ownerEnded(this.label, ended));
  }

  #fail(error: SyncError): never {
    this.#leave();
    // Readers that it kept out may come in.
    if (this.index === WRITE_GATE) open(this.words, READERS_WAITING, READ_GATE, Number.POSITIVE_INFINITY);
    throw error;
  }

  get #share(): Share {
    return this.index === WRITE_GATE ? Share.waitsToWrite : Share.waitsToRead;
  }

  #leave(): void {
    this.#threads.change(this.#share, -1);
    Atomics.sub(this.words, this.waitingIndex, 1);
  }
}
