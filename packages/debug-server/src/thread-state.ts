/**
 * What a thread is doing now, asked in the middle of its code. The functions here are sent to the thread as text, so each of them
 * is complete in itself and leaves everything as it was.
 */
import type { InspectedThread } from './inspected-threads.ts';

/** A frame: function, file or address, line and column from 1; '' and 0 where there is none. */
type RawFrame = readonly [name: string, file: string, line: number, column: number];

/** Pending asynchronous operations of one kind, begun at one place. */
export interface PendingWork {
  /** As async_hooks calls it, such as `PROMISE` or `Timeout`. */
  readonly type: string;
  /** Innermost first. */
  readonly frames: readonly RawFrame[];
  readonly count: number;
}

/** One thread, at one moment. */
export interface ThreadState {
  /** What runs, innermost first; empty while the thread waits for events. */
  readonly frames: readonly RawFrame[];
  /** What keeps the thread alive, by kind. */
  readonly resources: Readonly<Record<string, number>>;
}

/** @throws Error when the thread has ended, or its answer makes no sense. */
export async function askState(thread: InspectedThread): Promise<ThreadState> {
  return JSON.parse(await evaluate(thread, `(${describeThread})()`)) as ThreadState;
}

/** From now on new asynchronous operations are noted. */
export async function beginWork(thread: InspectedThread): Promise<void> {
  await evaluate(thread, `(${noteWork})()`);
}

/** What of them goes on still; nothing is noted any more. */
export async function endWork(thread: InspectedThread): Promise<PendingWork[]> {
  return JSON.parse(await evaluate(thread, `(${takeWork})()`)) as PendingWork[];
}

async function evaluate(thread: InspectedThread, expression: string): Promise<string> {
  const answer = await thread.post<{ result?: { value?: unknown } }>('Runtime.evaluate', {
    expression,
    returnByValue: true,
    silent: true,
  });
  const value = answer.result?.value;
  if (typeof value !== 'string') throw new Error(`${thread.name} gave no answer that makes sense`);
  return value;
}

function describeThread(): string {
  const hooks = Error as unknown as { stackTraceLimit: number; prepareStackTrace?: unknown };
  const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  const limit = hooks.stackTraceLimit;
  let frames: unknown = [];
  try {
    hooks.stackTraceLimit = 100;
    hooks.prepareStackTrace = (_: unknown, sites: readonly NodeJS.CallSite[]) =>
      sites.map((site) => {
        const type = site.isToplevel() ? '' : (site.getTypeName() ?? '');
        const method = site.getMethodName();
        const plain = site.getFunctionName() ?? method ?? '';
        // A function that an object only calls, such as a timer, is not its method.
        const isMethod = plain === method && type !== '' && type !== 'Object';
        const name = isMethod ? `${type}.${plain}` : plain;
        return [name, site.getFileName() ?? '', site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0];
      });
    frames = (new Error().stack as unknown as unknown[]).slice(2);
  } catch {
    // Frozen by the program.
  } finally {
    hooks.stackTraceLimit = limit;
    if (own === undefined) delete hooks.prepareStackTrace;
    else Object.defineProperty(Error, 'prepareStackTrace', own);
  }
  const resources: Record<string, number> = {};
  const { getActiveResourcesInfo } = process as unknown as { getActiveResourcesInfo?: () => string[] };
  for (const type of getActiveResourcesInfo?.() ?? []) resources[type] = (resources[type] ?? 0) + 1;
  return JSON.stringify({ frames, resources });
}

function noteWork(): string {
  const key = Symbol.for('ttrace/async-work');
  const host = globalThis as unknown as Record<symbol, { stop(): void } | undefined>;
  host[key]?.stop();
  const most = 100_000;
  const begun = new Map<number, { readonly type: string; readonly at: { stack?: unknown } }>();
  const hooks = Error as unknown as {
    stackTraceLimit: number;
    captureStackTrace(target: object, above?: unknown): void;
  };
  const forget = (id: number): void => {
    begun.delete(id);
  };
  const init = (id: number, type: string): void => {
    if (begun.size >= most) return;
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
  const work = { begun, stop: () => hook.disable() };
  Object.defineProperty(host, key, { value: work, configurable: true });
  hook.enable();
  return 'on';
}

function takeWork(): string {
  const key = Symbol.for('ttrace/async-work');
  const host = globalThis as unknown as Record<symbol, unknown>;
  type Work = {
    readonly begun: Map<number, { readonly type: string; readonly at: { stack?: unknown } }>;
    stop(): void;
  };
  const work = host[key] as Work | undefined;
  if (work === undefined) return '[]';
  work.stop();
  delete host[key];
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
    for (const { type, at } of work.begun.values()) {
      const frames = Array.isArray(at.stack) ? (at.stack as unknown[]) : [];
      const place = `${type} ${JSON.stringify(frames)}`;
      const known = found.get(place);
      if (known === undefined) found.set(place, { type, frames, count: 1 });
      else known.count++;
    }
  } finally {
    if (own === undefined) delete hooks.prepareStackTrace;
    else Object.defineProperty(Error, 'prepareStackTrace', own);
  }
  return JSON.stringify([...found.values()]);
}
