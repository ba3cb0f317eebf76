/** Those who want to send or to receive on a channel. They are counted while they wait, under the queue's lock. */
import { areWaitsRecorded, Category, countQueue, newFlow, now, recordFlowSlice } from '@ttrace/sdk/waits';
import type { Attempt } from './attempt.ts';
import {
  type MessageQueue,
  RECEIVE_GATE,
  RECEIVERS,
  SEND_GATE,
  SENDERS,
  type Taken,
} from './message-queue.ts';
import { SyncError } from './sync-error.ts';

export class SendAttempt implements Attempt {
  readonly words: Int32Array;
  readonly index: number = SEND_GATE;
  readonly waitingIndex: number = SENDERS;
  readonly arrowIndex = undefined;
  readonly #queue: MessageQueue;
  readonly #name: string;
  readonly #bytes: Uint8Array;
  #isCounted = false;
  /** How many messages will have been taken when this one has, where that must be waited for. */
  #ticket: number | undefined;
  #isPatient = true;
  expected = 0;

  constructor(queue: MessageQueue, name: string, bytes: Uint8Array) {
    this.words = queue.words;
    this.#queue = queue;
    this.#name = name;
    this.#bytes = bytes;
  }

  get label(): string {
    return `channel ${this.#name} send wait`;
  }

  try(): boolean {
    const queue = this.#queue;
    const isTraced = areWaitsRecorded();
    const start = isTraced ? now() : 0;
    const flow = isTraced && this.#ticket === undefined ? newFlow() : 0;
    let isPut = false;
    let isOver: boolean;
    queue.lock();
    try {
      if (this.#ticket === undefined) {
        this.#checkOpen();
        isPut = queue.put(this.#bytes, flow);
        if (isPut && queue.capacity === 0) this.#ticket = (queue.taken + 1) | 0;
        isOver = isPut && (queue.capacity > 0 || !this.#isPatient);
      } else {
        isOver = ((queue.taken - this.#ticket) | 0) >= 0;
        if (!isOver) this.#checkOpen();
      }
      this.#count(!isOver && this.#isPatient);
      this.expected = this.words[SEND_GATE]!;
    } finally {
      queue.unlock();
    }
    if (isPut) {
      queue.wakeReceivers(1);
      if (isTraced) recordMessage(this.#name, queue.length, flow, 'out', start);
    }
    return isOver;
  }

  /** Tries, and does not mean to wait. */
  tryOnce(): boolean {
    this.#isPatient = false;
    return this.try();
  }

  woken(): void {}

  #checkOpen(): void {
    if (!this.#queue.isClosed) return;
    this.#count(false);
    throw new SyncError('CLOSED', `channel ${this.#name} is closed: the message was not sent`);
  }

  #count(isWaiting: boolean): void {
    this.#isCounted = countIn(this, this.#isCounted, isWaiting);
  }
}

export class ReceiveAttempt implements Attempt {
  readonly words: Int32Array;
  readonly index: number = RECEIVE_GATE;
  readonly waitingIndex: number = RECEIVERS;
  readonly arrowIndex = undefined;
  readonly #queue: MessageQueue;
  readonly #name: string;
  #isCounted = false;
  #isPatient = true;
  expected = 0;
  /** The message; undefined if the channel is closed and empty. */
  taken: Taken | undefined;

  constructor(queue: MessageQueue, name: string) {
    this.words = queue.words;
    this.#queue = queue;
    this.#name = name;
  }

  get label(): string {
    return `channel ${this.#name} receive wait`;
  }

  try(): boolean {
    const queue = this.#queue;
    const isTraced = areWaitsRecorded();
    let start = 0;
    queue.lock();
    try {
      // After its sending has begun, whichever came first.
      if (isTraced) start = now();
      this.taken = queue.take();
      const isOver = this.taken !== undefined || queue.isClosed;
      this.#isCounted = countIn(this, this.#isCounted, !isOver && this.#isPatient);
      this.expected = this.words[RECEIVE_GATE]!;
      if (!isOver) return false;
    } finally {
      queue.unlock();
    }
    if (this.taken === undefined) return true;
    // Without capacity the one whose message it was must go on, whichever it is.
    queue.wakeSenders(queue.capacity === 0 ? Number.POSITIVE_INFINITY : 1);
    if (isTraced) recordMessage(this.#name, queue.length, this.taken.flow, 'in', start);
    return true;
  }

  /** Tries, and does not mean to wait. */
  tryOnce(): boolean {
    this.#isPatient = false;
    return this.try();
  }

  woken(): void {}
}

/** Whether it is one of those that wait. */
function countIn({ words, waitingIndex }: SendAttempt | ReceiveAttempt, was: boolean, is: boolean): boolean {
  if (was !== is) words[waitingIndex]! += is ? 1 : -1;
  return is;
}

function recordMessage(
  name: string,
  length: number,
  flow: number,
  direction: 'out' | 'in',
  start: number,
): void {
  const what = direction === 'out' ? 'send' : 'receive';
  recordFlowSlice(Category.message, `channel ${name} ${what}`, flow, direction, start);
  countQueue(`channel ${name} length`, length);
}
