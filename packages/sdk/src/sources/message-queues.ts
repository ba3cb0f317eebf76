/**
 * How many messages are on their way, for each direction of each channel, as counters. Both ends count in shared memory, a store
 * each; the other end's count, which lies in another processor's cache, is looked at once a millisecond at most, and when what
 * was shown last may be gone.
 */
import { Control, CounterUnit, QUEUE_INTS, QUEUE_OFFSET, QUEUES, RecordKind } from '../ring.ts';
import { control, nameId, record } from '../thread-recorder.ts';

/** One direction of a channel, as a thread at one of its ends holds it. */
export interface MessageQueue {
  /** Index of its entry, and what it says while it is this queue's. */
  readonly at: number;
  readonly key: number;
  readonly name: string;
  /** When to look again, in milliseconds, and at which count of messages received. */
  nextLook: number;
  emptyAt: number;
}

const LOOK_MS = 1;
/** Queues that get a counter: a program may make a channel for each request. */
const MAX_SHOWN = 100;
/** One message is on its way whenever there is one. */
const LEAST_SHOWN = 2;
/** Fields of an entry, on cache lines of their own: who has it and what was shown last; what was sent; what was received. */
const KEY = 0;
const SHOWN = 1;
/** 1 if it has a counter, -1 if it does not get one any more. */
const HAS_COUNTER = 2;
const SENT = 16;
const RECEIVED = 32;

const table = new Int32Array(control.buffer, QUEUE_OFFSET, QUEUES * QUEUE_INTS);

/**
 * @param key tells the queue from all others; not 0.
 * @param isNew whether nobody has sent or received in it; it takes the entry of a queue that was there before.
 */
export function messageQueue(key: number, name: string, isNew: boolean): MessageQueue {
  const at = (key % QUEUES) * QUEUE_INTS;
  if (isNew) {
    table.fill(0, at, at + QUEUE_INTS);
    Atomics.store(table, at + KEY, key);
  }
  return { at, key, name, nextLook: 0, emptyAt: 0 };
}

/** A message has been sent, as the `count`-th. */
export function countSent(queue: MessageQueue, count: number, time: number): void {
  // hot: bench/messages.mjs
  const { at } = queue;
  if (table[at + KEY] !== queue.key) return;
  table[at + SENT] = count;
  if (time >= queue.nextLook) show(queue, count - table[at + RECEIVED]!, time);
}

/** A message has been received, as the `count`-th. */
export function countReceived(queue: MessageQueue, count: number, time: number): void {
  // hot: bench/messages.mjs
  const { at } = queue;
  if (table[at + KEY] !== queue.key) return;
  table[at + RECEIVED] = count;
  if (time < queue.nextLook && (table[at + SHOWN] === 0 || count < queue.emptyAt)) return;
  const depth = table[at + SENT]! - count;
  queue.emptyAt = count + depth;
  show(queue, depth, time);
}

function show(queue: MessageQueue, depth: number, time: number): void {
  queue.nextLook = time + LOOK_MS;
  const shown = depth < LEAST_SHOWN ? 0 : depth;
  if (table[queue.at + SHOWN] === shown) return;
  if (table[queue.at + HAS_COUNTER] === 0) {
    table[queue.at + HAS_COUNTER] = Atomics.add(control, Control.shownQueues, 1) < MAX_SHOWN ? 1 : -1;
  }
  if (table[queue.at + HAS_COUNTER] !== 1) return;
  table[queue.at + SHOWN] = shown;
  record(RecordKind.counter, nameId(queue.name), CounterUnit.none, time, shown);
}
