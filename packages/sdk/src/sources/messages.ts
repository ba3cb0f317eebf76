/**
 * Messages between threads: a slice where one is sent, as long as its structured clone takes, a slice where it is received, as
 * long as its handler runs, and an arrow between them. The payload is not touched.
 *
 * All messages leave through `MessagePort.prototype.postMessage`, and all but those that `receiveMessageOnPort` fetches come in
 * through a method that Node.js looks up by a registered symbol; both are patched while recording.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { MessageChannel, MessagePort, Worker } from 'node:worker_threads';
import { Category } from '@ttrace/format';
import { RecordKind } from '../ring.ts';
import {
  closeRegion,
  currentTaskId,
  isTakingPart,
  nextId,
  now,
  openRegion,
  recordLate,
  recordWith,
  sourceName,
} from '../thread-recorder.ts';
import { type AnyFunction, patchMethod } from './patch-method.ts';
import {
  countReceived,
  fileTransfer,
  nextSent,
  type PortIdentity,
  pickUpTransfer,
  portIdentity,
} from './port-identity.ts';

// The CommonJS object: assignments to it reach `require` and, after syncBuiltinESMExports, `import` as well.
const workerThreads = createRequire(import.meta.url)(
  'node:worker_threads',
) as typeof import('node:worker_threads');
const ports = workerThreads.MessagePort.prototype;
const DISPATCH = Symbol.for('nodejs.internal.kHybridDispatch');
const RECEIVING = Symbol.for('nodejs.internal.kCurrentlyReceivingPorts');

/** Whether this is a worker that has been recorded from its first message on. */
let isFresh = false;
let isOn = false;
let identities = new WeakMap<object, PortIdentity>();
let sendName = 0;
let receiveName = 0;

/** Says, before the sources start, that this worker has not run anything yet. */
export function markFreshWorker(): void {
  isFresh = true;
}

export function startMessages(): () => void {
  sendName = sourceName(Category.message, 'postMessage');
  receiveName = sourceName(Category.message, 'message');
  identities = new WeakMap();
  isOn = true;
  const parent = workerThreads.parentPort;
  if (isFresh && parent !== null) identify(parent, portIdentity(0, workerThreads.threadId, 1));
  isFresh = false;
  const restores = [
    patchMethod(ports, 'postMessage', postMessage),
    patchMethod(ports, DISPATCH, dispatch),
    patchMethod(workerThreads.BroadcastChannel.prototype, 'postMessage', broadcast),
    patchMethod(workerThreads, 'receiveMessageOnPort', receiveOn),
    patchChannel(workerThreads as unknown as Record<'MessageChannel', typeof MessageChannel>),
    patchChannel(globalThis as unknown as Record<'MessageChannel', typeof MessageChannel>),
  ];
  syncBuiltinESMExports();
  subscribe('worker_threads', onWorker);
  return () => {
    isOn = false;
    unsubscribe('worker_threads', onWorker);
    for (const restore of restores) restore();
    syncBuiltinESMExports();
  };
}

function patchChannel(owner: Record<'MessageChannel', typeof MessageChannel>): () => void {
  const Original = owner.MessageChannel;
  if (typeof Original !== 'function') return () => {};
  const Patched = new Proxy(Original, {
    construct(target, args, newTarget): MessageChannel {
      const channel = Reflect.construct(target, args, newTarget) as MessageChannel;
      if (!isOn) return channel;
      const id = nextId();
      identify(channel.port1, portIdentity(1, id, 0));
      identify(channel.port2, portIdentity(1, id, 1));
      return channel;
    },
  });
  owner.MessageChannel = Patched;
  return () => {
    if (owner.MessageChannel === Patched) owner.MessageChannel = Original;
  };
}

function onWorker(message: unknown): void {
  const { worker } = message as { readonly worker: Worker };
  const key = Object.getOwnPropertySymbols(worker).find(({ description }) => description === 'kPublicPort');
  const port = key === undefined ? undefined : (worker as unknown as Record<symbol, object>)[key];
  if (port !== undefined) identify(port, portIdentity(0, worker.threadId, 0));
}

function identify(port: object, identity: PortIdentity | undefined): void {
  if (identity !== undefined) identities.set(port, identity);
}

function postMessage(original: AnyFunction): AnyFunction {
  return function (...args) {
    // hot: bench/messages.mjs
    const identity = isOn ? identities.get(this as MessagePort) : undefined;
    if (identity === undefined) return Reflect.apply(original, this, args);
    const flow = nextSent(identity);
    if (args.length > 1 && flow !== 0) transferIdentities(args[1], flow);
    const task = currentTaskId();
    const start = now();
    // One that throws is not sent: no slice.
    const result = Reflect.apply(original, this, args);
    identity.sent++;
    recordWith('', flow, 0, RecordKind.region, sendName, task, start, now());
    return result;
  };
}

/** @param options the second argument of postMessage: what to transfer, or options with it. */
function transferIdentities(options: unknown, message: number): void {
  const list = Array.isArray(options) ? options : (options as { transfer?: unknown } | null)?.transfer;
  if (!Array.isArray(list)) return;
  let index = 0;
  for (const item of list as unknown[]) {
    if (!(item instanceof workerThreads.MessagePort)) continue;
    const identity = identities.get(item);
    if (identity !== undefined) fileTransfer(message, index, identity);
    index++;
  }
}

function dispatch(original: AnyFunction): AnyFunction {
  return function (...args) {
    // hot: bench/messages.mjs
    const identity =
      isOn && isTakingPart() && args[1] === 'message' ? identities.get(this as MessagePort) : undefined;
    if (identity === undefined) return Reflect.apply(original, this, args);
    const flow = countReceived(identity);
    const received = (this as Record<symbol, unknown>)[RECEIVING];
    if (received !== undefined) adoptIdentities(received, flow);
    const task = currentTaskId();
    const start = now();
    const depth = openRegion(receiveName, task, start);
    try {
      return Reflect.apply(original, this, args);
    } finally {
      if (isTakingPart()) endMessage(flow, task, start, depth);
    }
  };
}

function endMessage(flow: number, task: number, start: number, depth: number): void {
  if (closeRegion(start, depth)) recordWith('', flow, 1, RecordKind.region, receiveName, task, start, now());
  else recordLate('', receiveName, task, start);
}

function adoptIdentities(received: unknown, message: number): void {
  if (!Array.isArray(received) || message === 0) return;
  let index = 0;
  for (const item of received as unknown[]) {
    if (item instanceof workerThreads.MessagePort) identify(item, pickUpTransfer(message, index++));
  }
}

function receiveOn(original: AnyFunction): AnyFunction {
  return function (...args) {
    const identity = isOn ? identities.get(args[0] as MessagePort) : undefined;
    if (identity === undefined) return Reflect.apply(original, this, args);
    const task = currentTaskId();
    const start = now();
    const result = Reflect.apply(original, this, args);
    if (result === undefined) return result;
    recordWith('', countReceived(identity), 1, RecordKind.region, receiveName, task, start, now());
    return result;
  };
}

/** Who gets a broadcast is not known: slices of those that send it, without arrows. */
function broadcast(original: AnyFunction): AnyFunction {
  return function (...args) {
    if (!isOn) return Reflect.apply(original, this, args);
    const task = currentTaskId();
    const start = now();
    const result = Reflect.apply(original, this, args);
    const name = sourceName(Category.message, 'postMessage (broadcast)');
    recordWith('', 0, 0, RecordKind.region, name, task, start, now());
    return result;
  };
}
