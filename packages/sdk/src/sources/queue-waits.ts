/**
 * Waits of jobs in the queues of p-limit and fastq. Both are functions that make a queue, so what the program makes while
 * recording is wrapped; a job that starts at once leaves nothing.
 */
import { now } from '../thread-recorder.ts';
import { areWaitsRecorded, beginWait, endWait, type OpenWait } from './open-waits.ts';
import type { AnyFunction } from './patch-method.ts';

/** What p-limit makes. */
interface Limit extends AnyFunction {
  readonly activeCount: number;
  readonly pendingCount: number;
  /** Version 6.2 and newer. */
  readonly concurrency?: number;
  readonly clearQueue?: () => void;
  /** Version 7 and newer. */
  readonly map?: (items: unknown, job: unknown) => unknown;
}

/** What is wrapped, so that it is not wrapped again. */
const own = new WeakSet<object>();

/** @param exports of p-limit: a function, or a namespace that cannot be changed. */
export function instrumentPLimit(exports: unknown): unknown {
  return wrapped(exports, (original) => ({
    apply(_target, self, args: unknown[]) {
      const limit = Reflect.apply(original, self, args) as Limit;
      return areWaitsRecorded() ? recordedLimit(limit, args[0]) : limit;
    },
    // Version 2 has itself as its default export.
    get(target, key, receiver) {
      const value: unknown = Reflect.get(target, key);
      return value === original ? receiver : value;
    },
  }));
}

/** @param exports of fastq */
export function instrumentFastq(exports: unknown): unknown {
  return wrapped(exports, (original) => {
    const promise = wrapped((original as { readonly promise?: unknown }).promise, fastqHandler);
    return {
      ...fastqHandler(original),
      get: (target, key) => (key === 'promise' ? promise : Reflect.get(target, key)),
    };
  });
}

function wrapped(value: unknown, handler: (original: AnyFunction) => ProxyHandler<AnyFunction>): unknown {
  if (typeof value !== 'function' || own.has(value)) return value;
  const proxy = new Proxy(value as AnyFunction, handler(value as AnyFunction));
  own.add(proxy);
  return proxy;
}

function recordedLimit(limit: Limit, option: unknown): unknown {
  if (typeof limit !== 'function') return limit;
  const given =
    typeof option === 'object' ? (option as { concurrency?: number } | null)?.concurrency : option;
  const freeSlots = (): number => Number(limit.concurrency ?? given) - limit.activeCount - limit.pendingCount;
  const waiting = new Set<OpenWait | undefined>();
  const limited = (job: unknown, ...args: unknown[]): unknown => {
    if (!areWaitsRecorded() || typeof job !== 'function' || freeSlots() > 0) return limit(job, ...args);
    const open = beginWait('p-limit wait');
    waiting.add(open);
    return limit(
      (...own: unknown[]) => {
        waiting.delete(open);
        endWait(open);
        return job(...own);
      },
      ...args,
    );
  };
  const properties = Object.getOwnPropertyDescriptors(limit as object) as PropertyDescriptorMap;
  // All are asked for at once, and begin on the inside: what waits is known when it starts.
  if (properties.map !== undefined) properties.map.value = recordedMap(limit, freeSlots);
  if (typeof properties.clearQueue?.value === 'function') {
    const { value: clearQueue } = properties.clearQueue;
    properties.clearQueue.value = () => {
      for (const open of waiting) endWait(open, '{"cleared":true}');
      waiting.clear();
      return clearQueue();
    };
  }
  return Object.defineProperties(limited, properties);
}

function recordedMap(limit: Limit, freeSlots: () => number) {
  return (items: unknown, job: unknown): unknown => {
    if (!areWaitsRecorded() || typeof job !== 'function') return limit.map?.(items, job);
    const free = freeSlots();
    const asked = now();
    let started = 0;
    return limit.map?.(items, (...args: unknown[]) => {
      if (started++ >= free && areWaitsRecorded()) endWait(beginWait('p-limit wait', asked));
      return job(...args);
    });
  };
}

/** What fastq makes. */
interface Fastq extends Record<'push' | 'unshift' | 'running', AnyFunction> {
  readonly concurrency: number;
  readonly paused: boolean;
  kill?: AnyFunction;
  killAndDrain?: AnyFunction;
  abort?: AnyFunction;
}

/** A job that is in fastq's queue. */
interface Waiting {
  readonly value: unknown;
  readonly open: OpenWait | undefined;
}

function fastqHandler(original: AnyFunction): ProxyHandler<AnyFunction> {
  return {
    apply(_target, self, args: unknown[]) {
      const at = typeof args[0] === 'function' ? 0 : 1;
      const worker = args[at];
      if (!areWaitsRecorded() || typeof worker !== 'function') return Reflect.apply(original, self, args);
      const line = new WaitingLine();
      const wrappedArgs = [...args];
      wrappedArgs[at] = function (this: unknown, ...own: unknown[]): unknown {
        line.started(own[0]);
        return Reflect.apply(worker, this, own);
      };
      const queue = Reflect.apply(original, self, wrappedArgs) as unknown as Fastq;
      for (const name of ['push', 'unshift'] as const) queue[name] = line.recordedPush(queue, name);
      for (const name of ['kill', 'killAndDrain', 'abort'] as const) {
        const end = queue[name];
        if (end === undefined) continue;
        queue[name] = function (...own) {
          line.forget();
          return Reflect.apply(end, this, own);
        };
      }
      return queue;
    },
  };
}

/**
 * The jobs that wait in a queue of fastq, in its order: it does not say which of them starts. Where the two do not agree, as
 * after jobs that were queued while nothing was recorded, all are forgotten.
 */
class WaitingLine {
  #line: Waiting[] = [];
  /** Index of the first; those before have started. */
  #first = 0;
  /** Whether the job that is being pushed starts at once. */
  #isDirect = false;

  recordedPush(queue: Fastq, name: 'push' | 'unshift'): AnyFunction {
    const line = this;
    const push = queue[name];
    return function (...args) {
      if (!areWaitsRecorded()) line.forget();
      else if (Number(queue.running()) < queue.concurrency && !queue.paused) line.#isDirect = true;
      else line.#add({ value: args[0], open: beginWait('fastq wait') }, name === 'unshift');
      return Reflect.apply(push, this, args);
    };
  }

  /** The worker is called. */
  started(value: unknown): void {
    if (this.#isDirect) {
      this.#isDirect = false;
      return;
    }
    const first = this.#line[this.#first];
    if (first === undefined) return;
    if (!Object.is(first.value, value)) {
      this.forget();
      return;
    }
    endWait(first.open);
    this.#first++;
    // Array.shift moves all that are behind: too slow for long queues.
    if (this.#first * 2 > this.#line.length) {
      this.#line = this.#line.slice(this.#first);
      this.#first = 0;
    }
  }

  forget(): void {
    this.#isDirect = false;
    for (let i = this.#first; i < this.#line.length; i++) endWait(this.#line[i]!.open, '{"forgotten":true}');
    this.#line = [];
    this.#first = 0;
  }

  #add(waiting: Waiting, isFirst: boolean): void {
    if (!isFirst) this.#line.push(waiting);
    else if (this.#first > 0) this.#line[--this.#first] = waiting;
    else this.#line.unshift(waiting);
  }
}
