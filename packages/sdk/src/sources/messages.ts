/**
 * Messages between threads: a slice where one is sent, as long as its structured clone takes, a slice where it is received, as
 * long as its handler runs, and an arrow between them. The payload is not touched.
 *
 * All messages leave through `MessagePort.prototype.postMessage`, and all but those that `receiveMessageOnPort` fetches come in
 * through a method that Node.js looks up by a registered symbol; both are patched while recording.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { MessageChannel, MessagePort, Worker, WorkerOptions } from 'node:worker_threads';
import { Category } from '@ttrace/format/vocabulary';
import { callObserver } from '../call-observer.ts';
import { newWorkerOptions } from '../thread-name.ts';
import {
  closeRegion,
  currentTaskId,
  isTakingPart,
  nextId,
  now,
  openRegionAt,
  recordLate,
  recordRegionWithFlow,
  sourceName,
} from '../thread-recorder.ts';
import { broadcastFetched, startBroadcasts } from './broadcasts.ts';
import { countReceived, countSent } from './message-queues.ts';
import { withoutOwnFrames } from './own-frames.ts';
import { type AnyFunction, patchClass, patchMethod } from './patch-method.ts';
import {
  fileTransfer,
  forgetPorts,
  identify,
  identityOf,
  nextReceived,
  nextSent,
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
let sendName = 0;
let receiveName = 0;

/** Says, before the sources start, that this worker has not run anything yet. */
export function markFreshWorker(): void {
  isFresh = true;
}

export function startMessages(): () => void {
  sendName = sourceName(Category.message, 'postMessage');
  receiveName = sourceName(Category.message, 'message');
  forgetPorts();
  isOn = true;
  const parent = workerThreads.parentPort;
  if (isFresh && parent !== null) {
    identify(parent, portIdentity(0, workerThreads.threadId, 1, false));
    adoptWorkerData();
  }
  isFresh = false;
  const restores = [
    startBroadcasts(),
    patchMethod(ports, 'postMessage', postMessage),
    patchMethod(ports, DISPATCH, dispatch),
    patchMethod(workerThreads, 'receiveMessageOnPort', receiveOn),
    patchClass(workerThreads, 'MessageChannel', makeChannel),
    patchClass(globalThis, 'MessageChannel', makeChannel),
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

function makeChannel(construct: () => object): object {
  const channel = construct() as MessageChannel;
  if (!isOn) return channel;
  const id = nextId();
  identify(channel.port1, portIdentity(1, id, 0, true));
  identify(channel.port2, portIdentity(1, id, 1, false));
  return channel;
}

function onWorker(message: unknown): void {
  const { worker } = message as { readonly worker: Worker };
  const key = Object.getOwnPropertySymbols(worker).find(({ description }) => description === 'kPublicPort');
  const port = key === undefined ? undefined : (worker as unknown as Record<symbol, object>)[key];
  if (port !== undefined) identify(port, portIdentity(0, worker.threadId, 0, true));
  fileWorkerData(worker.threadId);
}

/** Ports in a new worker's `workerData` keep their identities. */
function fileWorkerData(threadId: number): void {
  const { workerData: data, transferList } = (newWorkerOptions() ?? {}) as WorkerOptions;
  if (!Array.isArray(transferList) || transferList.length === 0) return;
  portsIn(data).forEach((port, index) => {
    const identity = identityOf(port);
    if (identity !== undefined) fileTransfer(-threadId, index, identity);
  });
}

function adoptWorkerData(): void {
  const { threadId, workerData: data } = workerThreads;
  portsIn(data).forEach((port, index) => {
    identify(port, pickUpTransfer(-threadId, index));
  });
}

/**
 * Ports in plain objects and arrays, in an order that is the same before and after cloning. What cloning would call, such as
 * getters, is left alone.
 */
function portsIn(data: unknown, depth = 4): MessagePort[] {
  if (data instanceof workerThreads.MessagePort) return [data];
  const isPlain = Array.isArray(data) || Object.getPrototypeOf(data ?? 0) === Object.prototype;
  if (!isPlain || depth === 0) return [];
  const members = Object.values(Object.getOwnPropertyDescriptors(data as object));
  return members.slice(0, 100).flatMap(({ value }) => portsIn(value, depth - 1));
}

function postMessage(original: AnyFunction): AnyFunction {
  return function (...args) {
    // hot: bench/messages.mjs
    try {
      const identity = isOn ? identityOf(this) : undefined;
      if (identity === undefined) return Reflect.apply(original, this, args);
      const flow = nextSent(identity);
      if (args.length > 1 && flow !== 0) transferIdentities(args[1], flow);
      // Before the receiver may have it.
      if (flow !== 0) callObserver()?.sent(flow);
      const task = currentTaskId();
      const start = now();
      // One that throws is not sent: no slice. By `call` V8 calls what is native without asking again what `this` is: 20 ns.
      const result = args.length === 1 ? original.call(this, args[0]) : Reflect.apply(original, this, args);
      countSent(identity.out, ++identity.sent, start);
      recordRegionWithFlow(flow, 0, sendName, task, start, now());
      return result;
    } catch (error) {
      throw withoutOwnFrames(error);
    }
  };
}

/** @param options the second argument of postMessage: what to transfer, or options with it. */
function transferIdentities(options: unknown, message: number): void {
  const list = Array.isArray(options) ? options : (options as { transfer?: unknown } | null)?.transfer;
  if (!Array.isArray(list)) return;
  let index = 0;
  for (const item of list as unknown[]) {
    if (!(item instanceof workerThreads.MessagePort)) continue;
    const identity = identityOf(item);
    if (identity !== undefined) fileTransfer(message, index, identity);
    index++;
  }
}

function dispatch(original: AnyFunction): AnyFunction {
  return function (...args) {
    // hot: bench/messages.mjs
    const identity = isOn && isTakingPart() && args[1] === 'message' ? identityOf(this) : undefined;
    if (identity === undefined) return Reflect.apply(original, this, args);
    const flow = nextReceived(identity);
    const received = (this as Record<symbol, unknown>)[RECEIVING];
    if (received !== undefined) adoptIdentities(received, flow);
    const task = currentTaskId();
    const start = now();
    countReceived(identity.in, identity.received, start);
    const depth = openRegionAt(flow, receiveName, task, start);
    const observer = flow === 0 ? undefined : callObserver();
    try {
      if (observer !== undefined) return observer.received(flow, () => Reflect.apply(original, this, args));
      return args.length === 3
        ? original.call(this, args[0], args[1], args[2])
        : Reflect.apply(original, this, args);
    } finally {
      if (isTakingPart()) endMessage(flow, task, start, depth);
    }
  };
}

function endMessage(flow: number, task: number, start: number, depth: number): void {
  if (closeRegion(start, depth)) recordRegionWithFlow(flow, 1, receiveName, task, start, now());
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
    try {
      if (!isOn) return Reflect.apply(original, this, args);
      const identity = identityOf(args[0]);
      const task = currentTaskId();
      const start = now();
      const result = args.length === 1 ? original.call(this, args[0]) : Reflect.apply(original, this, args);
      if (result === undefined) return result;
      let flow: number | undefined;
      if (identity !== undefined) {
        flow = nextReceived(identity);
        countReceived(identity.in, identity.received, start);
      } else flow = broadcastFetched(args[0]);
      if (flow !== undefined) recordRegionWithFlow(flow, 1, receiveName, task, start, now());
      return result;
    } catch (error) {
      throw withoutOwnFrames(error);
    }
  };
}
