/**
 * Broadcasts: a slice where one is sent, and one where each of its receivers handles it, with an arrow to it where it is certain
 * whose it is. That is where one BroadcastChannel of a name sends and the others receive, as is usual: then a receiver needs to
 * know only which message was its first, and counts. With a second sender the order among the senders is not known, and from
 * then on there are no arrows for that name.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { BroadcastChannel } from 'node:worker_threads';
import { Category } from '@ttrace/format/vocabulary';
import { BROADCAST_INTS, BROADCAST_OFFSET, BROADCASTS } from '../ring.ts';
import {
  closeRegion,
  control,
  currentTaskId,
  isTakingPart,
  nextId,
  now,
  openRegionAt,
  recordLate,
  recordRegionWithFlow,
  sourceName,
} from '../thread-recorder.ts';
import { withoutOwnFrames } from './own-frames.ts';
import { type AnyFunction, patchClass, patchMethod } from './patch-method.ts';
import { flowOfBroadcast } from './port-identity.ts';

const workerThreads = createRequire(import.meta.url)(
  'node:worker_threads',
) as typeof import('node:worker_threads');

/** A BroadcastChannel that this thread has made while recording. */
interface Member {
  /** Index of its name's entry; -1 when there is no room for it. */
  readonly entry: number;
  /** Messages that had been sent before it was there; -1 when that is not certain. */
  readonly joinedAt: number;
  received: number;
}

/** Fields of an entry: hash of the name; who sends; twice the messages sent, odd while one is being sent. */
const NAME = 0;
const SENDER = 1;
const SENT = 2;
const SEVERAL = -1;

const table = new Int32Array(control.buffer, BROADCAST_OFFSET, BROADCASTS * BROADCAST_INTS);
let members = new WeakMap<object, Member>();
/** Numbers of those that send. */
let senders = new WeakMap<object, number>();
let isOn = false;
let sendName = 0;
let receiveName = 0;

export function startBroadcasts(): () => void {
  members = new WeakMap();
  senders = new WeakMap();
  sendName = sourceName(Category.message, 'postMessage (broadcast)');
  receiveName = sourceName(Category.message, 'message (broadcast)');
  isOn = true;
  const { prototype } = workerThreads.BroadcastChannel;
  const restores = [
    patchMethod(prototype, 'postMessage', postMessage),
    patchMethod(prototype, 'dispatchEvent', dispatchEvent),
    patchClass(workerThreads, 'BroadcastChannel', makeChannel),
    patchClass(globalThis, 'BroadcastChannel', makeChannel),
  ];
  syncBuiltinESMExports();
  return () => {
    isOn = false;
    for (const restore of restores) restore();
    syncBuiltinESMExports();
  };
}

function makeChannel(construct: () => object, args: readonly unknown[]): object {
  const entry = isOn && args.length > 0 ? entryOf(args[0]) : -1;
  const before = sentIn(entry);
  const channel = construct();
  if (entry < 0) return channel;
  const isCertain = before % 2 === 0 && sentIn(entry) === before;
  members.set(channel, { entry, joinedAt: isCertain ? before / 2 : -1, received: 0 });
  return channel;
}

function sentIn(entry: number): number {
  return entry < 0 ? 0 : Atomics.load(table, entry + SENT);
}

/** Finds or takes the entry of a name; -1 when all are taken. */
function entryOf(name: unknown): number {
  let text: string;
  try {
    text = `${name as string}`;
  } catch {
    return -1;
  }
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  if (hash === 0) hash = 1;
  for (let i = 0; i < BROADCASTS; i++) {
    const entry = (((hash >>> 0) + i) % BROADCASTS) * BROADCAST_INTS;
    const found = Atomics.compareExchange(table, entry + NAME, 0, hash);
    if (found === 0 || found === hash) return entry;
  }
  return -1;
}

function entryOfChannel(channel: unknown): number {
  try {
    return entryOf((channel as BroadcastChannel).name);
  } catch {
    // No BroadcastChannel: the original says so.
    return -1;
  }
}

function postMessage(original: AnyFunction): AnyFunction {
  return function (...args) {
    if (!isOn || !isTakingPart()) return Reflect.apply(original, this, args);
    const entry = entryOfChannel(this);
    const flow = entry < 0 ? 0 : nextFlow(this as object, entry);
    const task = currentTaskId();
    const start = now();
    if (entry >= 0) Atomics.add(table, entry + SENT, 1);
    let isSent = false;
    try {
      const result = Reflect.apply(original, this, args);
      isSent = true;
      return result;
    } catch (error) {
      throw withoutOwnFrames(error);
    } finally {
      if (entry >= 0) Atomics.add(table, entry + SENT, isSent ? 1 : -1);
      if (isSent) recordRegionWithFlow(flow, 0, sendName, task, start, now());
    }
  };
}

/** Flow of the next message of a sender, 0 when it is not the only one of its name. */
function nextFlow(channel: object, entry: number): number {
  let sender = senders.get(channel);
  if (sender === undefined) {
    sender = nextId();
    senders.set(channel, sender);
    if (Atomics.compareExchange(table, entry + SENDER, 0, sender) !== 0)
      Atomics.store(table, entry + SENDER, SEVERAL);
  }
  return Atomics.load(table, entry + SENDER) === sender ? flowOfBroadcast(sender, sentIn(entry) >>> 1) : 0;
}

/** Flow of a message that has come. */
function flowTo(channel: object): number {
  const member = members.get(channel);
  if (member === undefined) return 0;
  const count = member.received++;
  const sender = Atomics.load(table, member.entry + SENDER);
  return sender > 0 && member.joinedAt >= 0 ? flowOfBroadcast(sender, member.joinedAt + count) : 0;
}

function dispatchEvent(original: AnyFunction): AnyFunction {
  return function (...args) {
    const type = isOn && isTakingPart() ? (args[0] as Event | undefined)?.type : undefined;
    if (type !== 'message') return Reflect.apply(original, this, args);
    const flow = flowTo(this as object);
    const task = currentTaskId();
    const start = now();
    const depth = openRegionAt(flow, receiveName, task, start);
    try {
      return Reflect.apply(original, this, args);
    } finally {
      if (isTakingPart()) {
        if (closeRegion(start, depth)) recordRegionWithFlow(flow, 1, receiveName, task, start, now());
        else recordLate('', receiveName, task, start);
      }
    }
  };
}

/** A message that is fetched by `receiveMessageOnPort`. @returns undefined where it is no BroadcastChannel that is known. */
export function broadcastFetched(channel: unknown): number | undefined {
  if (!isOn || typeof channel !== 'object' || channel === null || !members.has(channel)) return undefined;
  return flowTo(channel);
}
