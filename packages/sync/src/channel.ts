/** Messages between threads, in order, with a bound. */
import { waitFor, waitForAsync } from './attempt.ts';
import { ReceiveAttempt, SendAttempt } from './channel-attempts.ts';
import { type MessageFormat, messageFormat, type TypedArrayClass, typeNumber } from './message-format.ts';
import { layOutQueue, MessageQueue, type QueueLayout, queueBytes } from './message-queue.ts';
import { adoptShared, createShared, livesOf, type SharedObject } from './shared-object.ts';
import { SyncError } from './sync-error.ts';
import { Turns } from './turns.ts';

const KIND = 'Channel/1';
const MESSAGE_BYTES = 16_384;

export interface ChannelOptions {
  /** Messages that it holds; the default is 0: a sender waits until its message is taken. */
  readonly capacity?: number;
  /** Reports group by it: keep to tens of distinct names. */
  readonly name?: string;
}

export interface CloneChannelOptions extends ChannelOptions {
  /** Room for one message as `node:v8` serializes it; the default is 16,384. Memory is used when messages come. */
  readonly messageBytes?: number;
}

/**
 * A channel between threads, after Go's `chan`: messages come in the order in which they were sent, each to one receiver. Any
 * number of threads may send and receive. Send it to another thread, in `workerData` or a message, and make it one there by
 * `Channel.from`.
 *
 * Messages are copied by structured clone, without transfer; or, on a channel of `Channel.of`, are typed arrays of one length,
 * which takes a fraction. When it is closed, receivers get what is in it, then `done`, and senders an error.
 *
 * While tracing is on: slices `channel NAME send` and `receive` with an arrow for each message, `channel NAME send wait` and
 * `receive wait`, and a counter of its length.
 */
export class Channel<T> {
  /** What crosses threads: one that is sent arrives as an object with this. */
  readonly shared: SharedObject;
  readonly #queue: MessageQueue;
  readonly #format: MessageFormat<T>;
  readonly #sends = new Turns();
  readonly #receives = new Turns();

  /** @param shared for `from` and `of` alone. */
  constructor(options: CloneChannelOptions = {}, shared: SharedObject = createForClones(options)) {
    this.shared = shared;
    this.#queue = new MessageQueue(shared.memory, shared.name, livesOf(shared));
    this.#format = messageFormat(this.#queue.type);
  }

  /** A channel whose messages are typed arrays of `length` elements: `Channel.of(Float64Array, 4, { capacity: 100 })`. */
  static of<T>(type: TypedArrayClass<T>, length: number, options: ChannelOptions = {}): Channel<T> {
    checkSize('length', length, 1);
    const layout = {
      capacity: options.capacity ?? 0,
      messageBytes: length * type.BYTES_PER_ELEMENT,
      type: typeNumber(type),
    };
    return new Channel<T>({}, create(options.name, layout));
  }

  get name(): string {
    return this.shared.name;
  }

  /** The channel that another thread sent. Throws a `SyncError` with the code `NOT_SHARED` if it is none. */
  static from<T>(shared: unknown): Channel<T> {
    return new Channel<T>({}, adoptShared(KIND, shared));
  }

  /** Messages that it can hold. */
  get capacity(): number {
    return this.#queue.capacity;
  }

  /** Messages that it holds, always 0 without capacity; may be out of date by the time it returns. */
  get length(): number {
    return this.capacity === 0 ? 0 : this.#queue.length;
  }

  /** Whether it has been closed. Messages may be left in it. */
  get isClosed(): boolean {
    return this.#queue.isClosed;
  }

  /**
   * Sends a message; stops the thread until there is room, or, without capacity, until it is taken. Throws a `SyncError`:
   * `CLOSED`, also if it is closed meanwhile; `MESSAGE_TOO_LARGE` and `WRONG_MESSAGE`; and what `node:v8` throws if it cannot be
   * cloned.
   */
  send(message: T): void {
    waitFor(this.#sending(message));
  }

  /** The same without stopping the thread; keeps its event loop alive until then. Those of one thread go in their order. */
  async sendAsync(message: T): Promise<void> {
    const attempt = this.#sending(message);
    await this.#sends.run(() => waitForAsync(attempt));
  }

  /** Sends a message if that takes no waiting; returns whether it did. Without capacity: if a receiver waits. */
  trySend(message: T): boolean {
    const queue = this.#queue;
    if (queue.capacity === 0 && !queue.isClosed && !queue.isAwaited) return false;
    return this.#sending(message).tryOnce();
  }

  /**
   * Takes the oldest message; stops the thread until there is one. `{ done: true }` when the channel is closed and empty, as
   * an iterator says it.
   */
  receive(): IteratorResult<T, undefined> {
    const attempt = new ReceiveAttempt(this.#queue, this.name);
    waitFor(attempt);
    return this.#result(attempt);
  }

  /** The same without stopping the thread; keeps its event loop alive until then. */
  async receiveAsync(): Promise<IteratorResult<T, undefined>> {
    const attempt = new ReceiveAttempt(this.#queue, this.name);
    await this.#receives.run(() => waitForAsync(attempt));
    return this.#result(attempt);
  }

  /** Takes the oldest message if there is one; undefined if there is none. */
  tryReceive(): IteratorResult<T, undefined> | undefined {
    const attempt = new ReceiveAttempt(this.#queue, this.name);
    return attempt.tryOnce() ? this.#result(attempt) : undefined;
  }

  /** No more messages will be sent. Throws a `SyncError` with the code `CLOSED` if it is closed. */
  close(): void {
    const queue = this.#queue;
    queue.lock();
    try {
      if (queue.isClosed) throw new SyncError('CLOSED', `channel ${this.name} is closed already`);
      queue.close();
    } finally {
      queue.unlock();
    }
    queue.wakeSenders(Number.POSITIVE_INFINITY);
    queue.wakeReceivers(Number.POSITIVE_INFINITY);
  }

  /** Takes messages until the channel is closed and empty; stops the thread while there is none. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let next = this.receive(); next.done !== true; next = this.receive()) yield next.value;
  }

  /** Takes messages until the channel is closed and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let next = await this.receiveAsync(); next.done !== true; next = await this.receiveAsync()) {
      yield next.value;
    }
  }

  #sending(message: T): SendAttempt {
    return new SendAttempt(this.#queue, this.name, this.#format.encode(message, this.#queue.messageBytes));
  }

  #result({ taken }: ReceiveAttempt): IteratorResult<T, undefined> {
    if (taken === undefined) return { done: true, value: undefined };
    return { done: false, value: this.#format.decode(taken.bytes) };
  }
}

function createForClones({
  capacity = 0,
  messageBytes = MESSAGE_BYTES,
  name,
}: CloneChannelOptions): SharedObject {
  checkSize('messageBytes', messageBytes, 1);
  return create(name, { capacity, messageBytes, type: 0 });
}

function create(name: string | undefined, layout: QueueLayout): SharedObject {
  checkSize('capacity', layout.capacity, 0);
  const bytes = queueBytes(layout);
  if (bytes >= 2 ** 31) {
    throw new RangeError(
      `capacity and size of a message make ${bytes} bytes, and less than 2^31 are possible`,
    );
  }
  const shared = createShared(KIND, name, bytes);
  layOutQueue(shared.memory, layout);
  return shared;
}

function checkSize(what: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least && value < 2 ** 31) return;
  throw new RangeError(`${what} must be an integer from ${least} to 2^31 - 1, got ${value}`);
}
