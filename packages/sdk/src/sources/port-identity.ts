/**
 * Who is at the two ends of a message, told without a word in the message: both ends know the channel, and count alike. A
 * channel is a worker's (its thread id) or a MessageChannel's (an id of its own); each side of it counts what it has sent and
 * received since its first message. What is not known from its first message on has no identity: no arrow rather than a
 * wrong one.
 *
 * A port that is handed to another thread takes its identity along through shared memory, filed under the message that
 * carries it: ring.ts has the place.
 */
import { Control, TRANSFER_FIELDS, TRANSFER_OFFSET, TRANSFERS } from '../ring.ts';
import { control } from '../thread-recorder.ts';
import { type MessageQueue, messageQueue } from './message-queues.ts';

/** One side of a channel as a thread holds it. */
export interface PortIdentity {
  readonly kind: ChannelKind;
  readonly channel: number;
  readonly side: 0 | 1;
  /** Flow id of the first message from this side, and of the first one to it. */
  readonly outBase: number;
  readonly inBase: number;
  sent: number;
  received: number;
  /** What is on its way from and to this side. */
  readonly out: MessageQueue;
  readonly in: MessageQueue;
  /** The start of the source that it was given in; none later knows it. */
  readonly run: number;
}

/** Messages of one direction that have ids of their own; later ones have no arrows. */
const MAX_MESSAGES = 2 ** 24;
const MAX_CHANNELS = 2 ** 26;
/** Above all ids that tasks and flows draw. */
const FIRST_ID = 2 ** 52;

/** 0 for a worker's channel, 1 for a MessageChannel. */
export type ChannelKind = 0 | 1;

/** @param isNew whether nobody has used the channel yet. */
export function portIdentity(
  kind: ChannelKind,
  channel: number,
  side: 0 | 1,
  isNew: boolean,
): PortIdentity | undefined {
  if (channel >= MAX_CHANNELS) return undefined;
  const base = (from: number): number => FIRST_ID + kind * 2 ** 51 + from * 2 ** 50 + channel * MAX_MESSAGES;
  // A literal: an object put together by spreading is slower to read, 50 ns a message.
  return {
    kind,
    channel,
    side,
    outBase: base(side),
    inBase: base(1 - side),
    sent: 0,
    received: 0,
    out: queueOf(kind, channel, side, isNew),
    in: queueOf(kind, channel, 1 - side, isNew),
    run,
  };
}

/** The messages from one side. */
function queueOf(kind: ChannelKind, channel: number, from: number, isNew: boolean): MessageQueue {
  const name =
    kind === 0
      ? `messages ${from === 0 ? 'to' : 'from'} worker ${channel}`
      : `messages in channel ${channel}, ${from === 0 ? '1 to 2' : '2 to 1'}`;
  return messageQueue((channel * 2 + kind) * 2 + from, name, isNew);
}

let run = 0;

/** Forgets who all ports are. */
export function forgetPorts(): void {
  run++;
}

/** Gives back what it is called with, so that a class that extends it puts its private field there. */
function given(port: object): object {
  return port;
}

/** A port's identity as a private field of the port, which no program sees: 2 ns to read, where a WeakMap takes 20 in a running program. */
class IdentifiedPort extends (given as unknown as new (port: object) => object) {
  #identity: PortIdentity | undefined;

  static read(port: object): PortIdentity | undefined {
    return #identity in port ? port.#identity : undefined;
  }

  static write(port: object, identity: PortIdentity): void {
    const identified = #identity in port ? port : new IdentifiedPort(port);
    identified.#identity = identity;
  }
}

/** Says who a port is. */
export function identify(port: object, identity: PortIdentity | undefined): void {
  if (identity !== undefined) IdentifiedPort.write(port, identity);
}

/** Who a port is, if that is known. @param port anything: callers pass on what programs give them. */
export function identityOf(port: unknown): PortIdentity | undefined {
  // hot: bench/messages.mjs
  if (typeof port !== 'object' || port === null) return undefined;
  const identity = IdentifiedPort.read(port);
  return identity !== undefined && identity.run === run ? identity : undefined;
}

/** Flow id of the next message from this side; 0 when it has none. The caller counts it once it is sent. */
export function nextSent({ outBase, sent }: PortIdentity): number {
  return sent < MAX_MESSAGES ? outBase + sent : 0;
}

/** Flow id of a sender's broadcast; 0 when it has none. */
export function flowOfBroadcast(sender: number, count: number): number {
  if (sender >= MAX_CHANNELS || count >= MAX_MESSAGES) return 0;
  return FIRST_ID + 2 ** 51 + sender * MAX_MESSAGES + count;
}

/** Counts a message that this side has got; returns its flow id, 0 when it has none. */
export function nextReceived(identity: PortIdentity): number {
  const count = identity.received++;
  return count < MAX_MESSAGES ? identity.inBase + count : 0;
}

const transfers = new Float64Array(control.buffer, TRANSFER_OFFSET, TRANSFERS * TRANSFER_FIELDS);

/** Files a port's identity for whoever gets it. @param message flow id of the message that carries it, or -threadId for `workerData`. */
export function fileTransfer(message: number, index: number, identity: PortIdentity): void {
  // The oldest of 128 that were not picked up is overwritten: its port is a stranger to its new thread then.
  const at = ((Atomics.add(control, Control.transfers, 1) >>> 0) % TRANSFERS) * TRANSFER_FIELDS;
  transfers[at] = 0;
  transfers[at + 1] = index;
  transfers[at + 2] = identity.kind * 2 + identity.side;
  transfers[at + 3] = identity.channel;
  transfers[at + 4] = identity.sent;
  transfers[at + 5] = identity.received;
  transfers[at] = message;
}

/** Takes out what was filed. */
export function pickUpTransfer(message: number, index: number): PortIdentity | undefined {
  for (let at = 0; at < transfers.length; at += TRANSFER_FIELDS) {
    if (transfers[at] !== message || transfers[at + 1] !== index) continue;
    const [what, channel] = [transfers[at + 2]!, transfers[at + 3]!];
    const identity = portIdentity(what < 2 ? 0 : 1, channel, what % 2 === 0 ? 0 : 1, false);
    if (identity === undefined) return undefined;
    identity.sent = transfers[at + 4]!;
    identity.received = transfers[at + 5]!;
    transfers[at] = 0;
    return identity;
  }
  return undefined;
}
