/**
 * Web Locks (`worker_threads.locks`, `navigator.locks`; Node.js 24 and newer): how long a request waited, and how long a lock
 * was held. What is free is granted at once and did not wait.
 *
 * Node.js publishes requests, grants and ends, but not which belong together, and those of an aborted request look like those
 * of the next one. So `request` is patched while recording; that a request is being made is still known from its channel.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import * as workerThreads from 'node:worker_threads';
import { Category } from '@ttrace/format/vocabulary';
import { attributesText } from '../attributes.ts';
import { beginWait, endWait, type OpenWait } from './open-waits.ts';
import { type AnyFunction, type Patch, patchMethod } from './patch-method.ts';

const START = 'locks.request.start';

interface LockOptions {
  readonly mode?: unknown;
  readonly signal?: AbortSignal;
}

/** Whether the request that is being made has passed its checks, and waits. */
let isStarted = false;

function onStart(): void {
  isStarted = true;
}

export function startWebLocks(): () => void {
  const { locks } = workerThreads as unknown as { readonly locks?: object };
  if (locks === undefined) return () => {};
  subscribe(START, onStart);
  const restore = patchMethod(Object.getPrototypeOf(locks) as object, 'request', patchedRequest);
  return () => {
    unsubscribe(START, onStart);
    restore();
  };
}

function patchedRequest(original: AnyFunction, patch: Patch): AnyFunction {
  return function (...args) {
    const at = args[2] === undefined ? 1 : 2;
    const callback = args[at];
    if (!patch.isOn || typeof args[0] !== 'string' || typeof callback !== 'function') {
      return Reflect.apply(original, this, args);
    }
    const request = new Request(args[0], at === 1 ? undefined : (args[1] as LockOptions | null));
    const patched = [...args];
    patched[at] = function (this: unknown, ...own: unknown[]): unknown {
      request.answered(own[0] !== null);
      return request.hold(() => Reflect.apply(callback, this, own));
    };
    isStarted = false;
    const promise = Reflect.apply(original, this, patched);
    if (isStarted) request.wait();
    return promise;
  };
}

/** One request, from when it is made until its lock is let go. */
class Request {
  readonly #name: string;
  readonly #text: string;
  readonly #signal: AbortSignal | undefined;
  #isAnswered = false;
  #waiting: OpenWait | undefined;
  #held: OpenWait | undefined;

  constructor(name: string, options: LockOptions | null | undefined) {
    this.#name = name.length > 100 ? `${name.slice(0, 100)}…` : name;
    this.#text = attributesText({ mode: options?.mode === 'shared' ? 'shared' : 'exclusive' });
    this.#signal = options?.signal instanceof AbortSignal ? options.signal : undefined;
  }

  /** It was not answered at once. */
  wait(): void {
    if (this.#isAnswered) return;
    this.#waiting = beginWait(`lock ${this.#name} wait`, undefined, this.#text);
    // Whoever aborts is not told of it by the callback.
    this.#signal?.addEventListener('abort', this.#abort, { once: true });
  }

  readonly #abort = (): void => endWait(this.#waiting, '{"aborted":true}');

  answered(isGranted: boolean): void {
    this.#isAnswered = true;
    endWait(this.#waiting);
    this.#signal?.removeEventListener('abort', this.#abort);
    if (isGranted) this.#held = beginWait(`lock ${this.#name}`, undefined, this.#text, Category.region);
  }

  /** Runs what holds the lock. Node.js handles a rejection of what it returns, so that looking at it hides nothing. */
  hold(callback: () => unknown): unknown {
    const end = (): void => endWait(this.#held);
    let result: unknown;
    try {
      result = callback();
    } catch (error) {
      end();
      throw error;
    }
    if (result instanceof Promise) result.then(end, end);
    else end();
    return result;
  }
}
