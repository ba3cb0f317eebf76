/**
 * The running recorder of the process, from the first that wants it (a trace file, the flight recorder) to the last: starts the
 * collector, switches all threads on, and takes everything back. Main thread only. Module state, because there is one a process.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, type MessagePort, type Worker } from 'node:worker_threads';
import type { CollectorData, Replies, Reply, Since, Wish } from './collector-protocol.ts';
import type { FlightFileResult } from './flight/files.ts';
import { OWN_FILES } from './own-files.ts';
import { afterExitListeners } from './process-exit.ts';
import {
  BlockState,
  BROADCAST_INTS,
  BROADCAST_OFFSET,
  BROADCASTS,
  blockBytes,
  blockHeader,
  CollectorState,
  Control,
  ERROR_OFFSET,
  Header,
} from './ring.ts';
import { sharedMemory } from './shared-memory.ts';
import type { SourceChoice } from './source-options.ts';
import { activeRecording } from './thread-recorder.ts';
import { stopSources } from './thread-sources.ts';
import { TraceUsageError } from './trace-usage-error.ts';
import { enrolWorkers, OriginalWorker } from './worker-enrolment.ts';
import { endQuestions } from './worker-questions.ts';

/** Who wants what is recorded. */
export type Consumer = 'file' | 'flight' | 'debug';

/** How to record; what the first consumer asks for counts. */
export interface SessionOptions {
  readonly slotsLog2: number;
  readonly sources: SourceChoice;
}

interface Session {
  readonly collector: Worker;
  /** Resolves with the error that ended the collector early, if one did. */
  readonly ended: Promise<string | undefined>;
  readonly consumers: Set<Consumer>;
  readonly waiting: Map<number, (answer: never) => void>;
  readonly restoreWorkers: () => void;
  readonly forgetExit: () => void;
}

/** How long an exiting process waits for a collector that shows no sign of life. */
const EXIT_PATIENCE_MS = 5000;

/** Under which `ttrace attach` finds the recorder that runs, whichever copy of the SDK it is: the path of its module for that. */
const ATTACH_KEY = Symbol.for('ttrace/attach/1');
const COLLECTOR = fileURLToPath(new URL('collector.cjs', OWN_FILES));
const ATTACH_MODULE = fileURLToPath(new URL('attach/attached-process.cjs', OWN_FILES));

const memory = sharedMemory();
const { control, arena } = memory;
let session: Session | undefined;
/** The session that is being ended: the process may exit before its file is complete. */
let ending: Session | undefined;
let onEnded: Promise<void> | undefined;
let lastRequest = 0;
/** Why the collector ended early. */
let failure: string | undefined;
let onExitError: ((message: string) => void) | undefined;
let onReleased: (() => void) | undefined;
let onFlightFile: ((result: FlightFileResult) => void) | undefined;

/** Sets who is told when a file could not be completed while the process exits. */
export function whenExitFails(listener: ((message: string) => void) | undefined): void {
  onExitError = listener;
}

/** Sets who ends the recording into a file when a command of another process, which wanted it, wants it no more. */
export function whenReleased(listener: () => void): void {
  onReleased = listener;
}

/** Sets who is told of the files that triggers write. */
export function whenFlightFile(listener: ((result: FlightFileResult) => void) | undefined): void {
  onFlightFile = listener;
}

/**
 * @throws TraceUsageError `not-main-thread`, `unsupported-node`, `bundled`, and `already-started` when another copy of the SDK records.
 */
export function checkCanRecord(): void {
  if (!isMainThread) {
    throw new TraceUsageError(
      'not-main-thread',
      'start the recording in the main thread: its workers take part by themselves',
    );
  }
  if (!isSupportedNode()) {
    throw new TraceUsageError(
      'unsupported-node',
      `recording needs Node.js 20.19, 22.12 or newer; this is ${process.version}`,
    );
  }
  if (!existsSync(COLLECTOR)) {
    throw new TraceUsageError(
      'bundled',
      'the files of @ttrace/sdk do not lie beside its code: a bundler must leave the package out (external)',
    );
  }
  if (session === undefined && ending === undefined && Atomics.load(control, Control.owner) !== 0) {
    throw new TraceUsageError(
      'already-started',
      'another copy of @ttrace/sdk records this process: stop that first',
    );
  }
}

/** Resolves when no session is being ended. */
export async function settled(): Promise<void> {
  await onEnded;
}

/** Whether a session is being ended, which cannot be joined. */
export function isEnding(): boolean {
  return ending !== undefined;
}

/** Thread id of the collector, -1 without a session. */
export function collectorThreadId(): number {
  return session?.collector.threadId ?? -1;
}

/** What the session shows of the runtime: the one that runs, or one that would start with these options. */
export function shownSources({ sources }: SessionOptions): Pick<SourceChoice, 'mask' | 'blockMicros'> {
  if (session === undefined) return sources;
  return { mask: control[Control.sources]!, blockMicros: control[Control.blockMicros]! };
}

/**
 * Makes this consumer one of the session, which starts if there is none: threads record from now on.
 * @returns the time from which on events are this consumer's.
 * @throws Error when there is no thread for the collector.
 */
export function join(consumer: Consumer, options: SessionOptions): Since {
  const since = session === undefined ? undefined : process.hrtime.bigint();
  session ??= launch(options);
  session.consumers.add(consumer);
  return since;
}

/** Asks the collector for something whose answer nobody waits for: an ending process does not go on for it. */
export function tell(wish: Wish, transfer: readonly MessagePort[] = []): void {
  if (session === undefined) return;
  session.collector.postMessage({ ...wish, id: ++lastRequest }, transfer);
  wake();
}

/** Asks the collector; it answers even if the process is about to exit. Without a session, or when it fails, undefined. */
export function ask<W extends Wish>(wish: W): Promise<Replies[W['kind']] | undefined> {
  const own = session;
  if (own === undefined) return Promise.resolve(undefined);
  const id = ++lastRequest;
  own.collector.postMessage({ ...wish, id });
  wake();
  own.collector.ref();
  return new Promise<Replies[W['kind']] | undefined>((resolve) => {
    own.waiting.set(id, resolve);
    void own.ended.then(() => resolve(undefined));
  }).finally(() => {
    own.waiting.delete(id);
    if (own.waiting.size === 0 && own === session) own.collector.unref();
  });
}

/**
 * Takes this consumer out with its last wish; with the last consumer the session ends, all threads stop to record at once, and the
 * result resolves when nothing of it is left: with the answer, and the collector's error if it failed.
 * @param wish is told whether this is the last one.
 */
export async function leave<W extends Wish>(
  consumer: Consumer,
  wish: (isLast: boolean) => W,
): Promise<{ answer: Replies[W['kind']] | undefined; failure: string | undefined }> {
  const own = session;
  if (own === undefined) return { answer: undefined, failure: undefined };
  own.consumers.delete(consumer);
  const isLast = own.consumers.size === 0;
  // What the sources have to say yet must be in the rings before the wish is granted.
  if (isLast) silence(own);
  const asked = ask(wish(isLast));
  if (!isLast) return { answer: await asked, failure: undefined };
  session = undefined;
  ending = own;
  finishCollector();
  own.collector.ref();
  onEnded = own.ended.then(() => {
    own.forgetExit();
    delete (globalThis as unknown as Record<symbol, unknown>)[ATTACH_KEY];
    ending = undefined;
    onEnded = undefined;
    Atomics.store(control, Control.owner, 0);
  });
  const reason = await own.ended;
  await onEnded;
  return { answer: await asked, failure: reason };
}

/**
 * Ends the session while the process exits: blocks until all files are complete. Returns the error of writing, if any.
 * Harmless without a session.
 */
export function finishAtExit(): string | undefined {
  const own = session ?? ending;
  if (own === undefined) return undefined;
  if (session !== undefined) {
    silence(own);
    finishCollector();
  }
  session = undefined;
  ending = undefined;
  own.forgetExit();
  let rounds = -1;
  let idleMs = 0;
  for (;;) {
    const state = Atomics.load(control, Control.state);
    if (state === CollectorState.finished || failure !== undefined) break;
    Atomics.wait(control, Control.state, state, 100);
    const now = Atomics.load(control, Control.rounds);
    idleMs = now === rounds ? idleMs + 100 : 0;
    rounds = now;
    if (idleMs <= EXIT_PATIENCE_MS) continue;
    return rounds === 0
      ? 'the collector thread has not started, perhaps for want of file descriptors (ulimit -n) or memory'
      : 'the collector thread does not answer; the file may lack its end';
  }
  endQuestions(memory);
  if (failure !== undefined) return failure;
  const length = Atomics.load(control, Control.errorBytes);
  if (length === 0) return undefined;
  return new TextDecoder().decode(new Uint8Array(control.buffer, ERROR_OFFSET, length).slice());
}

function launch({ slotsLog2, sources }: SessionOptions): Session {
  const recording = control[Control.lastRecording]! + 1;
  freeBlocks();
  failure = undefined;
  control[Control.lastRecording] = recording;
  control[Control.state] = CollectorState.starting;
  control[Control.rounds] = 0;
  control[Control.errorBytes] = 0;
  control[Control.refusedThreads] = 0;
  control[Control.blocks] = 0;
  control[Control.slotsLog2] = slotsLog2;
  control[Control.sources] = sources.mask;
  control[Control.turnMicros] = sources.turnMicros;
  control[Control.blockMicros] = sources.blockMicros;
  control[Control.sampleMicros] = sources.sampleMicros;
  control[Control.canInspect] = canInspect() ? 1 : 0;
  control[Control.poolThreads] = poolThreads();
  control.fill(0, Control.poolSubmitted, Control.openQuestions + 1);
  control.fill(0, BROADCAST_OFFSET / 4, BROADCAST_OFFSET / 4 + BROADCASTS * BROADCAST_INTS);

  const data: CollectorData = {
    control: control.buffer as SharedArrayBuffer,
    arena,
    pid: process.pid,
    processName: `node ${basename(process.argv[1] ?? '')}`.trim(),
    origin: process.hrtime.bigint(),
  };
  // No flags, no environment: preloads of the program must not run in the collector.
  const collector = new OriginalWorker(COLLECTOR, {
    workerData: data,
    execArgv: [],
    env: {},
    name: 'ttrace collector',
    trackUnmanagedFds: false,
    // It makes next to no garbage; a young generation of the usual size would only be filled before it is emptied.
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  const waiting: Session['waiting'] = new Map();
  const ended = collectorEnd(collector, waiting);
  collector.unref();
  const forgetExit = afterExitListeners(() => {
    const error = finishAtExit();
    if (error !== undefined) onExitError?.(error);
  });
  const own: Session = {
    collector,
    ended,
    consumers: new Set(),
    waiting,
    restoreWorkers: enrolWorkers(),
    forgetExit,
  };
  Atomics.store(control, Control.owner, 1);
  (globalThis as unknown as Record<symbol, unknown>)[ATTACH_KEY] = ATTACH_MODULE;
  Atomics.store(control, Control.recording, recording);
  Atomics.notify(control, Control.recording);
  // Starts this thread's sources; without any it takes part once it records something.
  if (sources.mask !== 0) activeRecording();
  return own;
}

/** Told by a feature that came with the oldest versions. */
function isSupportedNode(): boolean {
  return 'require_module' in process.features;
}

/**
 * Whether the inspector may be used: where it may not, trying ends the process. Asked in the main thread: a worker knows nothing of
 * the permission model. The processes that only start others, for `node --test` and `--watch`, have no inspector.
 */
export function canInspect(): boolean {
  const flags = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)];
  if (flags.some((flag) => /^--(test|watch(-path)?)(=|$)/.test(flag))) return false;
  const { permission } = process as { permission?: { has(scope: string): boolean } };
  try {
    return permission === undefined || permission.has('inspector');
  } catch {
    return false;
  }
}

/** Threads of the thread pool: https://docs.libuv.org/en/v1.x/threadpool.html */
function poolThreads(): number {
  const given = process.env.UV_THREADPOOL_SIZE;
  if (given === undefined) return 4;
  const threads = Number.parseInt(given, 10) || 1;
  return threads < 0 ? 1024 : Math.min(threads, 1024);
}

/** Blocks of the last recording's threads. All threads are off; one that was late at most spoils its own old block. */
function freeBlocks(): void {
  const slotsLog2 = control[Control.slotsLog2]!;
  for (let index = 0; index < control[Control.blocks]!; index++) {
    if (blockBytes(slotsLog2) * (index + 1) > arena.byteLength) break;
    Atomics.store(blockHeader(arena, slotsLog2, index), Header.state, BlockState.free);
  }
}

function collectorEnd(collector: Worker, waiting: Session['waiting']): Promise<string | undefined> {
  return new Promise((resolvePromise) => {
    collector.on('message', (reply: Reply) => {
      if ('flightFile' in reply) onFlightFile?.(reply.flightFile);
      else if ('isReleased' in reply) onReleased?.();
      // Node.js closes its side in the turns that come.
      else if ('isDisconnected' in reply) setImmediate(() => setImmediate(wake));
      else waiting.get(reply.id)?.(reply.answer as never);
    });
    collector.once('error', (error: Error) => {
      failure = `the collector thread failed: ${error.message}`;
    });
    // Wait for the thread's end, not only its last word: then nothing of it is left.
    collector.once('exit', () => {
      if (Atomics.load(control, Control.state) !== CollectorState.finished) {
        failure ??= 'the collector thread ended early';
        // So that an exiting process does not wait for it.
        Atomics.store(control, Control.state, CollectorState.finished);
      }
      resolvePromise(failure);
    });
  });
}

/** All threads stop recording. */
function silence(own: Session): void {
  stopSources();
  Atomics.store(control, Control.recording, 0);
  Atomics.notify(control, Control.recording);
  own.restoreWorkers();
}

function finishCollector(): void {
  // One that has ended early does not answer any more, and nobody must wait for it.
  if (failure === undefined) Atomics.store(control, Control.state, CollectorState.finishing);
  wake();
}

function wake(): void {
  Atomics.add(control, Control.wake, 1);
  Atomics.notify(control, Control.wake);
}
