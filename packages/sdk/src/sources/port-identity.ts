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

/** One side of a channel as a thread holds it. */
export interface PortIdentity {
  /** Flow id of the first message from this side, and of the first one to it. */
  readonly outBase: number;
  readonly inBase: number;
  sent: number;
  received: number;
}

/** Messages of one direction that have ids of their own; later ones have no arrows. */
const MAX_MESSAGES = 2 ** 24;
const MAX_CHANNELS = 2 ** 26;
/** Above all ids that tasks and flows draw. */
const FIRST_ID = 2 ** 52;

/** 0 for a worker's channel, 1 for a MessageChannel. */
export type ChannelKind = 0 | 1;

export function portIdentity(kind: ChannelKind, channel: number, side: 0 | 1): PortIdentity | undefined {
  if (channel >= MAX_CHANNELS) return undefined;
  const base = (from: number): number => FIRST_ID + kind * 2 ** 51 + from * 2 ** 50 + channel * MAX_MESSAGES;
  return { outBase: base(side), inBase: base(1 - side), sent: 0, received: 0 };
}

/** Flow id of the next message from this side; 0 when it has none. The caller counts it once it is sent. */
export function nextSent({ outBase, sent }: PortIdentity): number {
  return sent < MAX_MESSAGES ? outBase + sent : 0;
}

/** Counts a message that this side has got; returns its flow id, 0 when it has none. */
export function countReceived(identity: PortIdentity): number {
  const count = identity.received++;
  return count < MAX_MESSAGES ? identity.inBase + count : 0;
}

const transfers = new Float64Array(control.buffer, TRANSFER_OFFSET, TRANSFERS * TRANSFER_FIELDS);

/** Files a port's identity for whoever gets it. @param message flow id of the message that carries it. */
export function fileTransfer(message: number, index: number, identity: PortIdentity): void {
  // The oldest of 128 that were not picked up is overwritten: its port is a stranger to its new thread then.
  const at = ((Atomics.add(control, Control.transfers, 1) >>> 0) % TRANSFERS) * TRANSFER_FIELDS;
  transfers[at] = 0;
  transfers[at + 1] = index;
  transfers[at + 2] = identity.outBase;
  transfers[at + 3] = identity.inBase;
  transfers[at + 4] = identity.sent;
  transfers[at + 5] = identity.received;
  transfers[at] = message;
}

/** Takes out what was filed. */
export function pickUpTransfer(message: number, index: number): PortIdentity | undefined {
  for (let at = 0; at < transfers.length; at += TRANSFER_FIELDS) {
    if (transfers[at] !== message || transfers[at + 1] !== index) continue;
    const identity = {
      outBase: transfers[at + 2]!,
      inBase: transfers[at + 3]!,
      sent: transfers[at + 4]!,
      received: transfers[at + 5]!,
    };
    transfers[at] = 0;
    return identity;
  }
  return undefined;
}
