/**
 * The messages of a channel in shared memory: a ring of slots of one size, under a lock that is only held to copy a message in
 * or out, and two gates, numbers that change when senders or receivers may try again.
 *
 * Without capacity there is one slot: a message lies in it until a receiver has taken it, and its sender waits as long.
 */
import { notify } from '@ttrace/sdk/waits';
import { waitFor } from './attempt.ts';
import { LOCK_WORDS, LockAttempt, letGo, tryTake } from './lock-word.ts';
import type { ThreadLives } from './thread-lives.ts';

/** Indexes of the integers before the slots; the lock's come first. */
const CLOSED = LOCK_WORDS;
const LENGTH = LOCK_WORDS + 1;
/** Messages taken out so far, modulo 2^32; that of the oldest slot. */
const TAKEN = LOCK_WORDS + 2;
const OLDEST = LOCK_WORDS + 3;
/** How many wait. */
export const SENDERS: number = LOCK_WORDS + 4;
export const RECEIVERS: number = LOCK_WORDS + 5;
export const SEND_GATE: number = LOCK_WORDS + 6;
export const RECEIVE_GATE: number = LOCK_WORDS + 7;
const CAPACITY = LOCK_WORDS + 8;
const MESSAGE_BYTES = LOCK_WORDS + 9;
const TYPE = LOCK_WORDS + 10;
const HEADER_WORDS = 16;
/** Before each message: its length in bytes, and the flow of its sending. */
const SLOT_WORDS = 2;

export interface QueueLayout {
  readonly capacity: number;
  /** Room for one message. */
  readonly messageBytes: number;
  /** What messages are: a number of message-format.ts. */
  readonly type: number;
}

export function queueBytes({ capacity, messageBytes }: QueueLayout): number {
  return HEADER_WORDS * 4 + Math.max(1, capacity) * slotBytes(messageBytes);
}

export function layOutQueue(memory: SharedArrayBuffer, layout: QueueLayout): void {
  const words = new Int32Array(memory, 0, HEADER_WORDS);
  words[CAPACITY] = layout.capacity;
  words[MESSAGE_BYTES] = layout.messageBytes;
  words[TYPE] = layout.type;
}

function slotBytes(messageBytes: number): number {
  return SLOT_WORDS * 4 + Math.ceil(messageBytes / 4) * 4;
}

/** A message that was taken. */
export interface Taken {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly flow: number;
}

export class MessageQueue {
  readonly words: Int32Array;
  readonly capacity: number;
  readonly messageBytes: number;
  readonly type: number;
  readonly #name: string;
  readonly #lives: ThreadLives;
  readonly #memory: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #slots: number;
  readonly #slotBytes: number;

  constructor(memory: SharedArrayBuffer, name: string, lives: ThreadLives) {
    this.words = new Int32Array(memory, 0, HEADER_WORDS);
    this.capacity = this.words[CAPACITY]!;
    this.messageBytes = this.words[MESSAGE_BYTES]!;
    this.type = this.words[TYPE]!;
    this.#name = name;
    this.#lives = lives;
    this.#memory = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory);
    this.#slots = Math.max(1, this.capacity);
    this.#slotBytes = slotBytes(this.messageBytes);
  }

  /** Messages in it; without capacity, those that are offered. */
  get length(): number {
    return Atomics.load(this.words, LENGTH);
  }

  get isClosed(): boolean {
    return Atomics.load(this.words, CLOSED) === 1;
  }

  /** Whether a receiver waits for a message that nobody has sent. */
  get isAwaited(): boolean {
    return Atomics.load(this.words, RECEIVERS) > this.length;
  }

  /** Number of the message that is put in next, or of the oldest one: `taken` passes it when it is taken. */
  get taken(): number {
    return Atomics.load(this.words, TAKEN);
  }

  lock(): void {
    // hot: bench/sync.mjs
    if (tryTake(this.words, 0)) return;
    waitFor(new LockAttempt(`channel ${this.#name} lock wait`, this.words, 0, this.#lives, true));
  }

  unlock(): void {
    // hot
    letGo(this.words, 0, `channel ${this.#name}`);
  }

  /** Puts a message in, if there is room. The caller has the lock, and calls `wakeReceivers` after it. */
  put(bytes: Uint8Array, flow: number): boolean {
    const { words } = this;
    if (words[LENGTH]! >= this.#slots) return false;
    const at = this.#slotAt(words[OLDEST]! + words[LENGTH]!);
    this.#memory[at >> 2] = bytes.length;
    this.#memory[(at >> 2) + 1] = flow;
    this.#bytes.set(bytes, at + SLOT_WORDS * 4);
    words[LENGTH]!++;
    if (words[RECEIVERS]! > 0) words[RECEIVE_GATE]!++;
    return true;
  }

  /** Takes the oldest message out. The caller has the lock, and calls `wakeSenders` after it. */
  take(): Taken | undefined {
    const { words } = this;
    if (words[LENGTH]! === 0) return undefined;
    const at = this.#slotAt(words[OLDEST]!);
    const length = this.#memory[at >> 2]!;
    const flow = this.#memory[(at >> 2) + 1]! >>> 0;
    const start = at + SLOT_WORDS * 4;
    const bytes = new Uint8Array(length);
    bytes.set(this.#bytes.subarray(start, start + length));
    words[TAKEN]!++;
    words[OLDEST] = (words[OLDEST]! + 1) % this.#slots;
    words[LENGTH]!--;
    if (words[SENDERS]! > 0) words[SEND_GATE]!++;
    return { bytes, flow };
  }

  /** No more messages. What a sender still offers is taken back. The caller has the lock, and wakes all after it. */
  close(): void {
    const { words } = this;
    words[CLOSED] = 1;
    if (this.capacity === 0) words[LENGTH] = 0;
    words[SEND_GATE]!++;
    words[RECEIVE_GATE]!++;
  }

  wakeReceivers(most: number): void {
    // hot
    if (Atomics.load(this.words, RECEIVERS) > 0) notify(this.words, RECEIVE_GATE, most);
  }

  wakeSenders(most: number): void {
    // hot
    if (Atomics.load(this.words, SENDERS) > 0) notify(this.words, SEND_GATE, most);
  }

  #slotAt(index: number): number {
    return HEADER_WORDS * 4 + (index % this.#slots) * this.#slotBytes;
  }
}
