/**
 * Starts the runtime sources in a thread that takes part in a recording, and stops them with it, so that nothing is patched
 * before and nothing after. One a thread.
 *
 * Workers learn of a recording's end, and of the next one's start, by a wait on shared memory that neither keeps a thread
 * alive nor costs anything until then.
 */
import { isMainThread } from 'node:worker_threads';
import { startTaskRunHook } from './debug/task-run-hook.ts';
import { Control } from './ring.ts';
import { SOURCE_NAMES, type SourceName } from './source-options.ts';
import { startConsole } from './sources/console.ts';
import { startErrors } from './sources/errors.ts';
import { startEventLoop } from './sources/event-loop.ts';
import { startGc } from './sources/gc.ts';
import { startHttp } from './sources/http.ts';
import { startMemory } from './sources/memory.ts';
import { startMessages } from './sources/messages.ts';
import { startProcesses } from './sources/processes.ts';
import { startSamples } from './sources/samples.ts';
import { startSockets } from './sources/sockets.ts';
import { startTests } from './sources/tests.ts';
import { startThreadPool } from './sources/thread-pool.ts';
import { startTiming } from './sources/timing.ts';
import { startWaits } from './sources/waits.ts';
import { startWorkers } from './sources/workers.ts';
import { activeRecording, beginLastWords, control, endLastWords, whenEnrolled } from './thread-recorder.ts';

/** Begins to record in this thread; the result takes everything back, and is called once. Neither throws. */
export type StartSource = () => () => void;

const STARTS: Readonly<Record<SourceName, StartSource>> = {
  loop: startEventLoop,
  gc: startGc,
  memory: startMemory,
  messages: startMessages,
  waits: startWaits,
  http: startHttp,
  sockets: startSockets,
  workers: startWorkers,
  processes: startProcesses,
  errors: startErrors,
  samples: startSamples,
  console: startConsole,
  timing: startTiming,
  pool: startThreadPool,
  tests: startTests,
};

/** Takes back what this thread has started, latest first. */
let stops: (() => void)[] = [];
/** Recording that the sources were started for. */
let startedFor = 0;

whenEnrolled(() => {
  if (startedFor !== 0) stopSources();
  startedFor = control[Control.recording]!;
  const mask = control[Control.sources]!;
  for (const [index, name] of SOURCE_NAMES.entries()) {
    if ((mask & (1 << index)) === 0) continue;
    try {
      stops.push(STARTS[name]());
    } catch {
      // A runtime without what it needs: the others go on.
    }
  }
  stops.push(startTaskRunHook());
  if (!isMainThread) watch();
});

/** Who has something to say before this thread's part of a recording ends. */
const lastWords = new Set<() => void>();

/**
 * Sets who is called at the end of each recording, while this thread can still record: in the main thread before the end, in a worker
 * after it, where the collector waits a while for those that have said with `noteUnwritten` that they have something to write. In a worker
 * also before its own end. The result takes that back.
 */
export function beforeStop(listener: () => void): () => void {
  if (lastWords.size === 0 && !isMainThread) process.on('exit', sayLastWords);
  lastWords.add(listener);
  return () => {
    lastWords.delete(listener);
    if (lastWords.size === 0) process.off('exit', sayLastWords);
  };
}

/** Stops the sources of this thread. Harmless without any. */
export function stopSources(): void {
  const old = stops.reverse();
  stops = [];
  startedFor = 0;
  sayLastWords();
  callAll(old);
}

/** Says what is to be said after the end of a recording, if this thread has not yet: it may see that end before it is told of it. */
export function sayLateWords(): void {
  if (!beginLastWords()) return;
  callAll(lastWords);
  endLastWords();
}

function sayLastWords(): void {
  const isLate = beginLastWords();
  callAll(lastWords);
  if (isLate) endLastWords();
}

function callAll(listeners: Iterable<() => void>): void {
  for (const listener of listeners) {
    try {
      listener();
    } catch {
      // The others must be called as well.
    }
  }
}

let isWatching = false;
// Node's own: the source of waits patches it.
const waitAsync = Atomics.waitAsync.bind(Atomics);

/** Waits until the recording changes. */
function watch(): void {
  if (isWatching) return;
  const wait = waitAsync(control, Control.recording, startedFor);
  isWatching = wait.async;
  if (wait.async) void wait.value.then(changed);
  else changed();
}

function changed(): void {
  isWatching = false;
  if (control[Control.recording] !== startedFor) stopSources();
  // Enrols, which starts the sources.
  activeRecording();
  watch();
}
