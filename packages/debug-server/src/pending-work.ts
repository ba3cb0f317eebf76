/**
 * What asynchronous work of a thread has begun and goes on still, by the stack that began it, from when it is told to note that. Costs the
 * thread as much as async_hooks do (bench/pending.mjs). The functions that note are sent to the thread as text, so each of them is
 * complete in itself.
 */
import { evaluateIn, type RawFrame } from './evaluate.ts';
import type { InspectedThread } from './inspected-threads.ts';

/** Pending asynchronous operations of one kind, begun at one place. */
export interface PendingWork {
  /** As async_hooks calls it, such as `PROMISE` or `Timeout`. */
  readonly type: string;
  /** Innermost first. */
  readonly frames: readonly RawFrame[];
  readonly count: number;
}

/** What a thread has noted. */
export interface NotedWork {
  readonly work: readonly PendingWork[];
  /** How many operations were begun while as many as are noted at most were pending. */
  readonly missed: number;
}

/** Who wants to know: one that looks for some seconds, and one that does for as long as the server runs, do not disturb each other. */
export type Purpose = 'for seconds' | 'always';

/** From now on new operations are noted. */
export async function beginWork(thread: InspectedThread, purpose: Purpose): Promise<void> {
  await evaluateIn(thread, `(${noteWork})(${JSON.stringify(purpose)})`);
}

/** What goes on of those that were noted; undefined where nothing is. */
export async function seeWork(thread: InspectedThread, purpose: Purpose): Promise<NotedWork | undefined> {
  const text = await evaluateIn(thread, `(${tellWork})(${JSON.stringify(purpose)})`);
  return text === '' ? undefined : (JSON.parse(text) as NotedWork);
}

/** Nothing is noted any more. */
export async function endWork(thread: InspectedThread, purpose: Purpose): Promise<void> {
  await evaluateIn(thread, `(${forgetWork})(${JSON.stringify(purpose)})`);
}

/** Begins to note in the thread that calls it; returns a word, for whoever evaluates it. */
export function noteWork(purpose: string): string {
  const key = Symbol.for(`ttrace/pending ${purpose}`);
  const host = globalThis as unknown as Record<symbol, { stop(): void } | undefined>;
  host[key]?.stop();
  const most = 100_000;
  const begun = new Map<number, { readonly type: string; readonly at: { stack?: unknown } }>();
  const work = { begun, missed: 0, stop: () => hook.disable() };
  const hooks = Error as unknown as {
    stackTraceLimit: number;
    captureStackTrace(target: object, above?: unknown): void;
  };
  const forget = (id: number): void => {
    begun.delete(id);
  };
  const init = (id: number, type: string): void => {
    if (begun.size >= most) {
      work.missed++;
      return;
    }
    const at = {};
    const limit = hooks.stackTraceLimit;
    hooks.stackTraceLimit = 24;
    hooks.captureStackTrace(at, init);
    hooks.stackTraceLimit = limit;
    begun.set(id, { type, at });
  };
  const { createHook } = process.getBuiltinModule('node:async_hooks');
  // What was called back is over, but for what comes back again and again.
  const hook = createHook({ init, destroy: forget, promiseResolve: forget });
  Object.defineProperty(host, key, { value: work, configurable: true });
  hook.enable();
  return 'on';
}

/** Ends that in the thread that calls it. Harmless where nothing is noted. */
export function forgetWork(purpose: string): string {
  const key = Symbol.for(`ttrace/pending ${purpose}`);
  const host = globalThis as unknown as Record<symbol, { stop(): void } | undefined>;
  host[key]?.stop();
  delete host[key];
  return 'off';
}

function tellWork(purpose: string): string {
  type Noted = {
    readonly begun: Map<number, { readonly type: string; readonly at: { stack?: unknown; text?: string } }>;
    readonly missed: number;
  };
  const noted = (globalThis as unknown as Record<symbol, Noted>)[Symbol.for(`ttrace/pending ${purpose}`)];
  if (noted === undefined) return '';
  const hooks = Error as unknown as { prepareStackTrace?: unknown };
  const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  const found = new Map<string, { type: string; frames: unknown; count: number }>();
  try {
    hooks.prepareStackTrace = (_: unknown, sites: readonly NodeJS.CallSite[]) =>
      sites.map((site) => [
        site.getFunctionName() ?? site.getMethodName() ?? '',
        site.getFileName() ?? '',
        site.getLineNumber() ?? 0,
        site.getColumnNumber() ?? 0,
      ]);
    for (const { type, at } of noted.begun.values()) {
      const frames = Array.isArray(at.stack) ? (at.stack as unknown[]) : [];
      at.text ??= JSON.stringify(frames);
      const place = `${type} ${at.text}`;
      const known = found.get(place);
      if (known === undefined) found.set(place, { type, frames, count: 1 });
      else known.count++;
    }
  } finally {
    if (own === undefined) delete hooks.prepareStackTrace;
    else Object.defineProperty(Error, 'prepareStackTrace', own);
  }
  return JSON.stringify({ work: [...found.values()], missed: noted.missed });
}
