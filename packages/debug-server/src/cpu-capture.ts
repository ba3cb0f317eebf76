/**
 * Takes a CPU profile of threads, whatever they are doing. Nothing runs before and nothing after: a program pays only while it is
 * looked at.
 *
 * V8's profiler does not know code that it has optimised in the middle of a loop before the profiler started: it charges it to the
 * caller, for as long as that code is used. So all optimised code is thrown away as the profile begins, which V8 does when
 * precise coverage is switched on, and what is optimised anew is known.
 */
import { TASK_RUNS_KEY } from '@ttrace/sdk/debug';
import type { CpuProfile } from './cpu-samples.ts';
import { pause, within } from './deadline.ts';
import type { InspectedThread, InspectedThreads } from './inspected-threads.ts';

/** Go's rate. */
export const SAMPLES_PER_SECOND = 100;
/** How long threads that are in native calls are waited for: at the begin, for all others wait too, and at the end. */
const START_PATIENCE_MS = 1000;
const PATIENCE_MS = 5000;
/** How often a worker that has just been made is asked whether it runs the program's code yet, and how often at most. */
const BOOT_LOOK_MS = 100;
const BOOT_LOOKS = 20;

/** One thread's part. */
export interface ThreadCapture {
  readonly thread: InspectedThread;
  /** undefined when the thread did not answer, or has ended. */
  readonly profile: CpuProfile | undefined;
  /** Id of the task in which the thread's code was at the end; 0 for none. */
  readonly task: number;
}

/** @param canThrowAway whether optimised code may be thrown away. */
export interface CaptureOptions {
  readonly seconds: number;
  readonly isWanted: (thread: InspectedThread) => boolean;
  readonly canThrowAway: boolean;
  readonly signal: AbortSignal;
}

/** What was captured, and for how long. */
export interface CpuCapture {
  readonly threads: readonly ThreadCapture[];
  readonly durationNanos: number;
}

/** Resolves when the time is over, or the signal aborts; all threads are as before then, or will be when they answer. */
export async function captureCpu(
  threads: InspectedThreads,
  { seconds, isWanted, canThrowAway, signal }: CaptureOptions,
): Promise<CpuCapture> {
  const started: { readonly thread: InspectedThread; readonly start: Promise<unknown> }[] = [];
  let isLate = false;
  let isOver = false;
  const startLate = async (thread: InspectedThread): Promise<void> => {
    for (let looks = 0; looks < BOOT_LOOKS; looks++) {
      await pause(BOOT_LOOK_MS / 1000, signal);
      if (isOver || (await isBooted(thread))) break;
    }
    // What it runs now has been made while it is profiled, or soon will be.
    if (!isOver) await start(thread, false);
  };
  // Those that come later as well.
  const forget = threads.each((thread) => {
    if (!isWanted(thread)) return;
    const begun = isLate ? startLate(thread) : start(thread, canThrowAway);
    // One that ends, or the server, before it has answered is missing from the profile, and nothing else.
    started.push({ thread, start: begun.catch(() => {}) });
  });
  isLate = true;
  await within(Promise.all(started.map(({ start }) => start)), START_PATIENCE_MS);
  const begin = performance.now();
  await pause(seconds, signal);
  const durationNanos = (performance.now() - begin) * 1e6;
  forget();
  isOver = true;
  const patience = signal.aborted ? 0 : PATIENCE_MS;
  return { threads: await Promise.all(started.map(({ thread }) => stop(thread, patience))), durationNanos };
}

/** All at once: a thread takes them in this order. */
function start(thread: InspectedThread, canThrowAway: boolean): Promise<unknown> {
  const interval = 1e6 / SAMPLES_PER_SECOND;
  return Promise.all([
    thread.post('Profiler.enable'),
    thread.post('Profiler.setSamplingInterval', { interval }),
    ...(canThrowAway ? [thread.post('Profiler.startPreciseCoverage', { callCount: true })] : []),
    thread.post('Profiler.start'),
    ...(canThrowAway ? [thread.post('Profiler.stopPreciseCoverage')] : []),
    noteTasks(thread, true),
  ]);
}

/**
 * Whether a worker takes part in the recording, which is the last of what it does before it runs the program's code. A profiler that starts
 * while Node.js starts the worker makes that last several times as long, and `terminate` meets Node's own code.
 */
async function isBooted(thread: InspectedThread): Promise<boolean> {
  return (await evaluate(thread, `Symbol.for('${TASK_RUNS_KEY}') in globalThis`)) === true;
}

async function stop(thread: InspectedThread, patience: number): Promise<ThreadCapture> {
  const task = noteTasks(thread, false);
  const profile = thread.post<{ profile: CpuProfile }>('Profiler.stop');
  // A thread that answers too late is given back all the same.
  const disabled = thread.post('Profiler.disable');
  for (const promise of [task, profile, disabled]) promise.catch(() => {});
  return {
    thread,
    profile: (await within(profile, patience))?.profile,
    task: (await within(task, 0)) ?? 0,
  };
}

/** Returns the id of the task that the thread's code is in. */
async function noteTasks(thread: InspectedThread, isOn: boolean): Promise<number> {
  const task = await evaluate(thread, `globalThis[Symbol.for('${TASK_RUNS_KEY}')]?.(${isOn})`);
  return typeof task === 'number' ? task : 0;
}

async function evaluate(thread: InspectedThread, expression: string): Promise<unknown> {
  const { result } = await thread.post<{ result?: { value?: unknown } }>('Runtime.evaluate', {
    expression,
    returnByValue: true,
    silent: true,
  });
  return result?.value;
}
