/**
 * Waits for a lock of async-mutex and for a resource of generic-pool. What is free is given at once and not recorded. Seen
 * inside the packages, where a request is queued and where it is answered: the promise that the program gets is not touched,
 * so that rejections which nobody handles are still told, and nothing runs a microtask later.
 */

import { beginWait, endWait } from './open-waits.ts';
import { type AnyFunction, type Patch, patchMethod } from './patch-method.ts';

/** Takes back one patch. */
export type Restore = () => void;

/** Somebody who waits, in the queue of either package. */
interface Request {
  readonly priority?: unknown;
  resolve: AnyFunction;
  reject: AnyFunction;
}

/** What of an async-mutex semaphore is looked at: `_queue` in versions 0.3 and 0.5, `_weightedQueues` in 0.4. */
interface Semaphore {
  readonly _queue?: readonly Request[];
  readonly _weightedQueues?: readonly (readonly Request[])[];
}

/** Semaphores that are inside a mutex. */
const insideMutexes = new WeakSet<object>();

/** @param exports of async-mutex */
export function instrumentAsyncMutex(exports: unknown, restores: Restore[]): unknown {
  const { Mutex, Semaphore } = exports as Record<string, { readonly prototype?: object } | undefined>;
  if (Mutex?.prototype === undefined || Semaphore?.prototype === undefined) return exports;
  restores.push(
    patchMethod(Semaphore.prototype, 'acquire', acquireSemaphore),
    // Both go through the semaphore inside.
    patchMethod(Mutex.prototype, 'acquire', markSemaphore),
    patchMethod(Mutex.prototype, 'runExclusive', markSemaphore),
  );
  return exports;
}

function markSemaphore(original: AnyFunction, patch: Patch): AnyFunction {
  return function (...args) {
    const inside = patch.isOn
      ? (this as { readonly _semaphore?: unknown } | undefined)?._semaphore
      : undefined;
    if (typeof inside === 'object' && inside !== null) insideMutexes.add(inside);
    return Reflect.apply(original, this, args);
  };
}

function acquireSemaphore(original: AnyFunction, patch: Patch): AnyFunction {
  return function (...args) {
    if (!patch.isOn) return Reflect.apply(original, this, args);
    const before = queueOf(this, args[0])?.length ?? 0;
    const promise = Reflect.apply(original, this, args);
    const queue = queueOf(this, args[0]);
    if (queue !== undefined && queue.length > before) {
      // Behind those of its own priority, before those of lower ones. Versions without priorities append.
      const request = queue.findLast(({ priority }) => priority === undefined || priority === (args[1] ?? 0));
      watch(request, insideMutexes.has(this as object) ? 'mutex wait' : 'semaphore wait');
    }
    return promise;
  };
}

function queueOf(semaphore: unknown, weight: unknown): readonly Request[] | undefined {
  const { _queue, _weightedQueues } = (semaphore ?? {}) as Semaphore;
  const queue = _queue ?? _weightedQueues?.[(typeof weight === 'number' ? weight : 1) - 1];
  return Array.isArray(queue) ? queue : undefined;
}

/** Request that was queued last. */
let queued: unknown;

/** @param exports of generic-pool */
export function instrumentGenericPool(exports: unknown, restores: Restore[]): unknown {
  const { Pool, PriorityQueue } = exports as Record<string, { readonly prototype?: object } | undefined>;
  if (Pool?.prototype === undefined || PriorityQueue?.prototype === undefined) return exports;
  restores.push(
    patchMethod(PriorityQueue.prototype, 'enqueue', (original, patch) => {
      return function (...args) {
        if (patch.isOn) queued = args[0];
        return Reflect.apply(original, this, args);
      };
    }),
    patchMethod(Pool.prototype, 'acquire', acquireResource),
  );
  return exports;
}

function acquireResource(original: AnyFunction, patch: Patch): AnyFunction {
  return function (...args) {
    queued = undefined;
    const promise = Reflect.apply(original, this, args);
    const request = queued as (Request & { readonly state?: unknown }) | undefined;
    queued = undefined;
    if (patch.isOn && request?.state === 'PENDING') watch(request, 'pool acquire');
    return promise;
  };
}

/** Records how long a request waits for its answer. */
function watch(request: Request | undefined, name: string): void {
  if (typeof request?.resolve !== 'function' || typeof request.reject !== 'function') return;
  const open = beginWait(name);
  if (open === undefined) return;
  const { resolve, reject } = request;
  request.resolve = function (...args) {
    endWait(open);
    return Reflect.apply(resolve, this, args);
  };
  request.reject = function (...args) {
    endWait(open, '{"rejected":true}');
    return Reflect.apply(reject, this, args);
  };
}
