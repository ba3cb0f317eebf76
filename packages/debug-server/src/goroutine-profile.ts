/**
 * The `goroutine` endpoint: what goes on in this process at this moment. Node.js has no goroutines; what comes nearest is the code that
 * each thread runs, tasks and other operations that have begun and not ended, and what the event loops wait for: by kind, or by the stack
 * that began it where that has been noted. Labels say which it is.
 */
import { type DebugSnapshot, isOwnFile as isOfRecorder } from '@ttrace/sdk/debug';
import { pause, within } from './deadline.ts';
import type { RawFrame } from './evaluate.ts';
import type { InspectedThread } from './inspected-threads.ts';
import { beginWork, endWork, type NotedWork, type PendingWork, seeWork } from './pending-work.ts';
import { type BuiltProfile, ProfileBuilder, type ValueTypes } from './profile-builder.ts';
import { place, type SourceFrame } from './source-frames.ts';
import { askState, type ThreadState } from './thread-state.ts';

export const GOROUTINE_TYPES: ValueTypes = [{ type: 'goroutine', unit: 'count' }];
/** A thread that has not answered by then is in a native call. */
const PATIENCE_MS = 1000;
/** How long one is waited for that has something to say of the time before. */
const LONG_PATIENCE_MS = 5000;
/** Where the server's files lie: the stacks of ES modules have addresses. */
const OWN_DIRECTORY = new URL('.', import.meta.url).href;
/** Kinds that async_hooks has other names for, beside that they are written in capitals. */
const ASYNC_KINDS: Readonly<Record<string, string>> = {
  TCPSocketWrap: 'tcpwrap',
  ConnectWrap: 'tcpconnectwrap',
};

/** A thread, and what it does; undefined when it does not answer. */
export interface SeenThread {
  readonly thread: InspectedThread;
  readonly state: ThreadState | undefined;
  /** What it waits for, where the stacks that began it are noted all the time. */
  readonly noted: NotedWork | undefined;
}

/** Asks all threads at once. @param isNoted whether they note all the time what they begin. */
export function seeThreads(threads: readonly InspectedThread[], isNoted: boolean): Promise<SeenThread[]> {
  return Promise.all(
    threads.map(async (thread) => {
      const [state, noted] = await Promise.all([
        within(askState(thread), PATIENCE_MS),
        isNoted ? within(seeWork(thread, 'always'), LONG_PATIENCE_MS) : undefined,
      ]);
      return { thread, state, noted };
    }),
  );
}

/** @param snapshot undefined when nothing is recorded. */
export function goroutineProfile(
  threads: readonly SeenThread[],
  snapshot: DebugSnapshot | undefined,
): BuiltProfile {
  const builder = new ProfileBuilder();
  for (const seen of threads) {
    const { thread, state, noted } = seen;
    const own = { thread: thread.name };
    const known = stateFrames(state).map(({ name, file, line }) => builder.frame(name, file, line));
    // pprof leaves out what has no frame.
    const stack = known.length > 0 ? known : [builder.frame(`(${stateText(state)})`)];
    builder.add(stack, [1], { ...own, type: 'thread', state: stateText(state) });
    for (const [type, count] of pendingKinds(seen)) {
      builder.add([builder.frame(pendingName(type))], [count], { ...own, type: 'resource' });
    }
    addWork(builder, thread, noted);
  }
  for (const { name, category, tasks } of snapshot?.live ?? []) {
    const stack = [name, ...tasks].map((text) => builder.frame(text));
    builder.add(stack, [1], { type: category, task: tasks[0] ?? '' });
  }
  return builder.finish();
}

/**
 * What begins in the next seconds and goes on still at their end, by the stack that began it: pending promises, timers, sockets, … Costs
 * the threads as much as async_hooks do, for that time.
 */
export async function newWork(
  threads: readonly InspectedThread[],
  seconds: number,
  signal: AbortSignal,
): Promise<BuiltProfile> {
  await Promise.all(threads.map((thread) => within(beginWork(thread, 'for seconds'), PATIENCE_MS)));
  await pause(seconds, signal);
  const builder = new ProfileBuilder();
  await Promise.all(
    threads.map(async (thread) => {
      addWork(builder, thread, await within(seeWork(thread, 'for seconds'), LONG_PATIENCE_MS));
      await within(endWork(thread, 'for seconds'), PATIENCE_MS);
    }),
  );
  return builder.finish();
}

function addWork(
  builder: ProfileBuilder,
  { name: thread }: InspectedThread,
  noted: NotedWork | undefined,
): void {
  for (const { type, frames, count } of shownWork(noted)) {
    const stack = frames.map(({ name, file, line }) => builder.frame(name, file, line));
    builder.add([builder.frame(pendingName(type)), ...stack], [count], { thread, type });
  }
}

/** Pending work that began at one place. */
export interface ShownWork {
  readonly type: string;
  readonly frames: readonly SourceFrame[];
  readonly count: number;
}

/** What the first frame of pending work is called. */
export function pendingName(type: string): string {
  return `pending ${type}`;
}

/** What a thread waits for, by kind, as far as it is not known by its stacks: numbers of what keeps the event loop alive. */
export function pendingKinds({ state, noted }: SeenThread): [type: string, count: number][] {
  const known = new Map<string, number>();
  for (const { type, count } of noted?.work ?? []) {
    const kind = type.toLowerCase();
    known.set(kind, (known.get(kind) ?? 0) + count);
  }
  return Object.entries(state?.resources ?? {}).flatMap(([type, count]): [string, number][] => {
    const kind = ASYNC_KINDS[type] ?? type.toLowerCase();
    const rest = count - (known.get(kind) ?? 0);
    return rest > 0 ? [[type, rest]] : [];
  });
}

/** Pending work with the stack that began it, innermost first, as far as that is the program's code; without what ttrace has begun. */
export function shownWork(noted: NotedWork | undefined): ShownWork[] {
  const shown = new Map<string, ShownWork>();
  for (const work of (noted?.work ?? []).filter(isOfProgram)) {
    // How Node.js comes to make a resource, and to run the program's code, is the same for all.
    const first = work.frames.findIndex(isTelling);
    const all = first < 0 ? work.frames : work.frames.slice(first, work.frames.findLastIndex(isTelling) + 1);
    const frames = all.filter(([, file]) => !isOwnFile(file)).map(placed);
    const key = `${work.type} ${JSON.stringify(frames)}`;
    const count = work.count + (shown.get(key)?.count ?? 0);
    shown.set(key, { type: work.type, frames, count });
  }
  return [...shown.values()];
}

function isTelling([, file]: RawFrame): boolean {
  return file !== '' && !file.startsWith('node:internal/') && !isOwnFile(file);
}

/** Our code around the program's makes promises; what else begins in it was asked for by the program, if that called. */
function isOfProgram({ type, frames }: PendingWork): boolean {
  const files = frames.map(([, file]) => file).filter((file) => file !== '' && !file.startsWith('node:'));
  const [innermost] = files;
  if (innermost === undefined || !isOwnFile(innermost)) return true;
  return type !== 'PROMISE' && !files.every(isOwnFile);
}

function isOwnFile(file: string): boolean {
  return file.startsWith(OWN_DIRECTORY) || isOfRecorder(file);
}

/** In the program's own sources. */
export function stateFrames(state: ThreadState | undefined): SourceFrame[] {
  return (state?.frames ?? []).map(placed);
}

function placed([name, file, line, column]: RawFrame): SourceFrame {
  return place(name === '' ? '(anonymous)' : name, file, line, column);
}

/** In Go's manner. */
export function stateText(state: ThreadState | undefined): string {
  if (state === undefined) return 'native call';
  return state.frames.length === 0 ? 'idle' : 'running';
}
