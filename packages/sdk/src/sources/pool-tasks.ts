/**
 * Tasks of the worker pools piscina and tinypool: one asynchronous slice from when a task is asked for until a worker gets it,
 * one from then until its result is there. Each is an object of a class inside the pool, which both packages name `TaskInfo`;
 * what is made of it while recording tells when it is posted and when it is over.
 */
import { basename } from 'node:path';
import { Category } from '@ttrace/format/vocabulary';
import { attributesText } from '../attributes.ts';
import type { Restore } from './lock-waits.ts';
import { areWaitsRecorded, beginWait, endWait } from './open-waits.ts';
import type { AnyFunction } from './patch-method.ts';

type Constructor = new (...args: unknown[]) => object;

interface TaskInfo extends Record<'callback' | 'releaseTask', AnyFunction> {
  readonly name?: unknown;
  readonly filename?: unknown;
  readonly abortSignal?: unknown;
  readonly workerInfo?: { readonly worker?: { readonly threadId?: unknown } } | null;
}

/** What is wrapped, so that it is not wrapped again. */
const own = new WeakSet<object>();

/** @param exports of the module inside piscina that has the class; its other modules look it up there each time. */
export function instrumentPiscina(exports: unknown, restores: Restore[]): unknown {
  const holder = exports as { TaskInfo?: unknown };
  const original = holder.TaskInfo;
  const wrapped = recordedTaskInfo(original, 'piscina');
  if (wrapped === original) return exports;
  holder.TaskInfo = wrapped;
  restores.push(() => {
    if (holder.TaskInfo === wrapped) holder.TaskInfo = original;
  });
  return exports;
}

/** @param value the class itself, which tinypool does not export. */
export function instrumentTinypool(value: unknown): unknown {
  return recordedTaskInfo(value, 'tinypool');
}

function recordedTaskInfo(value: unknown, pool: string): unknown {
  if (typeof value !== 'function' || own.has(value)) return value;
  const proxy: Constructor = new Proxy(value as Constructor, {
    construct(target, args, newTarget): object {
      // A proxy as `new.target` gives each object a hidden class of its own: 200 us a task, for V8 optimizes all that sees it in vain.
      const info = Reflect.construct(target, args, newTarget === proxy ? target : newTarget) as object;
      if (areWaitsRecorded()) follow(info as TaskInfo, pool);
      return info;
    },
  });
  own.add(proxy);
  return proxy;
}

function follow(info: TaskInfo, pool: string): void {
  const { callback, releaseTask } = info;
  if (typeof callback !== 'function' || typeof releaseTask !== 'function') return;
  const text = descriptionOf(info);
  let open = beginWait(`${pool} wait`, undefined, text);
  const end = (attributes = ''): void => {
    endWait(open, attributes);
    open = undefined;
  };
  // Called when the task is put into the message to the worker.
  info.releaseTask = function (...args) {
    end();
    open = beginWait(`${pool} run`, undefined, text, Category.region);
    return Reflect.apply(releaseTask, this, args);
  };
  info.callback = function (...args) {
    end(outcomeOf(info, args[0]));
    return Reflect.apply(callback, this, args);
  };
  if (info.abortSignal !== null && info.abortSignal !== undefined)
    onAbort(info, () => end('{"aborted":true}'));
}

/** An aborted task that no worker has is never called back. The pools put what they do then into a property. */
function onAbort(info: TaskInfo, end: () => void): void {
  const key = '_abortListener' in info ? '_abortListener' : 'abortListener';
  let listener: unknown = (info as unknown as Record<string, unknown>)[key];
  Object.defineProperty(info, key, {
    configurable: true,
    enumerable: true,
    get: () => listener,
    set(value: unknown) {
      listener =
        typeof value !== 'function'
          ? value
          : function (this: unknown, ...args: unknown[]): unknown {
              end();
              return Reflect.apply(value, this, args);
            };
    },
  });
}

/** What was described lately: a pool has few kinds of tasks. */
const descriptions = new Map<string, string>();
const MAX_DESCRIPTIONS = 100;

function descriptionOf({ name, filename }: TaskInfo): string {
  // hot: once a task.
  const own = typeof name === 'string' && name !== 'default' ? name : undefined;
  const file = typeof filename === 'string' ? filename : undefined;
  const key = `${file}\n${own}`;
  let text = descriptions.get(key);
  if (text === undefined) {
    text = attributesText({ file: file === undefined ? undefined : basename(file), name: own });
    if (descriptions.size >= MAX_DESCRIPTIONS) descriptions.clear();
    descriptions.set(key, text);
  }
  return text;
}

function outcomeOf({ workerInfo }: TaskInfo, error: unknown): string {
  // hot: once a task.
  const threadId = workerInfo?.worker?.threadId;
  const thread = typeof threadId === 'number' && threadId > 0 ? threadId : undefined;
  if (error !== null && error !== undefined) {
    return attributesText({ thread, error: error instanceof Error ? error.name : 'error' });
  }
  return thread === undefined ? '' : `{"thread":${thread}}`;
}
