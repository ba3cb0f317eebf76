/**
 * The `goroutine` endpoint: what goes on in this process at this moment. Node.js has no goroutines; what comes nearest is the code that
 * each thread runs, tasks and other operations that have begun and not ended, and what the event loops wait for. Labels say which it is.
 */
import type { DebugSnapshot } from '@ttrace/sdk/debug';
import { pause, within } from './deadline.ts';
import type { InspectedThread } from './inspected-threads.ts';
import { type BuiltProfile, ProfileBuilder, type ValueTypes } from './profile-builder.ts';
import { place } from './source-frames.ts';
import { askState, beginWork, endWork, type PendingWork, type ThreadState } from './thread-state.ts';

export const GOROUTINE_TYPES: ValueTypes = [{ type: 'goroutine', unit: 'count' }];
/** A thread that has not answered by then is in a native call. */
const PATIENCE_MS = 1000;
/** How long one is waited for that has something to say of the time before. */
const LONG_PATIENCE_MS = 5000;

/** A thread, and what it does; undefined when it does not answer. */
export interface SeenThread {
  readonly thread: InspectedThread;
  readonly state: ThreadState | undefined;
}

/** Asks all threads at once. */
export function seeThreads(threads: readonly InspectedThread[]): Promise<SeenThread[]> {
  return Promise.all(
    threads.map(async (thread) => ({ thread, state: await within(askState(thread), PATIENCE_MS) })),
  );
}

/** @param snapshot undefined when nothing is recorded. */
export function goroutineProfile(
  threads: readonly SeenThread[],
  snapshot: DebugSnapshot | undefined,
): BuiltProfile {
  const builder = new ProfileBuilder();
  for (const { thread, state } of threads) {
    const own = { thread: thread.name };
    const known = stateFrames(state).map(({ name, file, line }) => builder.frame(name, file, line));
    // pprof leaves out what has no frame.
    const stack = known.length > 0 ? known : [builder.frame(`(${stateText(state)})`)];
    builder.add(stack, [1], { ...own, type: 'thread', state: stateText(state) });
    for (const [type, count] of Object.entries(state?.resources ?? {})) {
      builder.add([builder.frame(type)], [count], { ...own, type: 'resource' });
    }
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
  await Promise.all(threads.map((thread) => within(beginWork(thread), PATIENCE_MS)));
  await pause(seconds, signal);
  const builder = new ProfileBuilder();
  await Promise.all(
    threads.map(async (thread) => {
      for (const work of (await within(endWork(thread), LONG_PATIENCE_MS)) ?? [])
        addWork(builder, thread, work);
    }),
  );
  return builder.finish();
}

function addWork(
  builder: ProfileBuilder,
  { name: thread }: InspectedThread,
  { type, frames, count }: PendingWork,
): void {
  // How Node.js comes to make a resource is the same for all of its kind.
  const first = frames.findIndex(([, file]) => !file.startsWith('node:internal/'));
  const shown = first < 0 ? frames : frames.slice(first);
  const stack = shown.map(([name, file, line, column]) => {
    const at = place(name === '' ? '(anonymous)' : name, file, line, column);
    return builder.frame(at.name, at.file, at.line);
  });
  builder.add([builder.frame(type), ...stack], [count], { thread, type });
}

/** In the program's own sources. */
export function stateFrames(state: ThreadState | undefined): ReturnType<typeof place>[] {
  return (state?.frames ?? []).map(([name, file, line, column]) =>
    place(name === '' ? '(anonymous)' : name, file, line, column),
  );
}

/** In Go's manner. */
export function stateText(state: ThreadState | undefined): string {
  if (state === undefined) return 'native call';
  return state.frames.length === 0 ? 'idle' : 'running';
}
