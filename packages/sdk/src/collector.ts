/**
 * The collector: one worker thread a process, alive while recording. It empties the rings, encodes, and writes the file, so
 * that nothing of this happens in the user's threads, and so that it goes on while their loops are blocked.
 *
 * It sleeps on shared memory: the main thread's last act can wake it and wait for it.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { MetadataName, type TraceWriter, type TrackRef } from '@ttrace/format';
import { createDrain, type Drain } from './drain.ts';
import { CollectorState, Control, ERROR_OFFSET, PROBE_KEY } from './ring.ts';
import { hasSource } from './source-options.ts';
import { StackSampler } from './stack-sampler.ts';
import { createTraceFile } from './trace-file.ts';
import { createWriter, type TraceOutput } from './trace-output.ts';
import { Watchdog } from './watchdog.ts';

/** How long it sleeps when there is little to do. With one round's time this bounds what a crash can lose. */
const INTERVAL_MS = 20;
/** The same while it looks after the event loops: blocks of 30 ms must be seen while they last. */
const WATCH_INTERVAL_MS = 10;
/** Records in a round from which on it does not sleep at all. */
const BUSY_RECORDS = 4096;
/** Compressed files are brought up to date this often. */
const GZIP_FLUSH_MS = 80;

export interface CollectorData {
  readonly control: SharedArrayBuffer;
  readonly arena: SharedArrayBuffer;
  readonly fd: number;
  readonly output: TraceOutput;
  readonly pid: number;
  readonly processName: string;
  readonly origin: bigint;
  /** Whether the permission model, if there is one, allows the inspector. */
  readonly canInspect: boolean;
  /** JSON text of the facts about the recording. */
  readonly recording: string;
}

/** What the collector says at its end. */
export interface CollectorReport {
  readonly records: number;
  readonly dropped: number;
  readonly threads: number;
  readonly error: { readonly message: string; readonly code: string } | undefined;
}

async function collect(data: CollectorData): Promise<CollectorReport> {
  const control = new Int32Array(data.control);
  const file = createTraceFile(data.fd, data.output.isGzip);
  const writer = createWriter(data.output, { sink: (bytes) => file.write(bytes), origin: data.origin });
  const process = writer.process(data.pid, data.processName);
  writer.metadata(process, MetadataName.recording, data.recording);
  const drain = createDrain(control, data.arena, writer, data.pid, data.origin);
  Atomics.compareExchange(control, Control.state, CollectorState.starting, CollectorState.running);

  const watch = startWatchdog(control, writer, process, data, drain);
  const interval = watch === undefined ? INTERVAL_MS : WATCH_INTERVAL_MS;
  let lastGzipFlush = performance.now();
  for (;;) {
    const wake = Atomics.load(control, Control.wake);
    if (Atomics.load(control, Control.state) === CollectorState.finishing) break;
    const records = drain.round();
    watch?.look();
    writer.flush();
    if (data.output.isGzip && performance.now() - lastGzipFlush > GZIP_FLUSH_MS) {
      file.flush();
      lastGzipFlush = performance.now();
    }
    Atomics.add(control, Control.rounds, 1);
    if (file.error !== undefined) publishError(control, file.error);
    await (records < BUSY_RECORDS ? woken(control, wake, interval) : nextTurn());
  }

  watch?.close();
  const counts = drain.finish();
  writer.finish();
  file.close();
  if (file.error !== undefined) publishError(control, file.error);
  const error = file.error as NodeJS.ErrnoException | undefined;
  return {
    ...counts,
    error: error === undefined ? undefined : { message: error.message, code: error.code ?? '' },
  };
}

/** Looks after blocked loops, if they are to be recorded. */
function startWatchdog(
  control: Int32Array,
  writer: TraceWriter,
  process: TrackRef,
  { origin, canInspect }: CollectorData,
  drain: Drain,
): { look(): void; close(): void } | undefined {
  if (!hasSource(control[Control.sources]!, 'loop')) return undefined;
  const sampler = new StackSampler(`globalThis[Symbol.for(${JSON.stringify(PROBE_KEY)})]?.()`, canInspect);
  const now = (): number => Number(globalThis.process.hrtime.bigint() - origin);
  const watchdog = new Watchdog(sampler, control[Control.blockMicros]! * 1000, now);
  let isSaid = false;
  return {
    look: () => {
      watchdog.look(drain.threads());
      if (sampler.failure === undefined || isSaid) return;
      isSaid = true;
      writer.metadata(process, MetadataName.noStacks, JSON.stringify({ reason: sampler.failure }));
    },
    close: () => sampler.close(),
  };
}

/** Leaves an error where a thread that cannot receive messages finds it: the main thread while it exits. */
function publishError(control: Int32Array, error: Error): void {
  if (control[Control.errorBytes] !== 0) return;
  const text = new TextEncoder().encode(error.message).subarray(0, 1024);
  new Uint8Array(control.buffer, ERROR_OFFSET, text.length).set(text);
  Atomics.store(control, Control.errorBytes, text.length);
}

/** Until somebody wakes the collector, or its interval is over. */
async function woken(control: Int32Array, wake: number, interval: number): Promise<void> {
  const wait = Atomics.waitAsync(control, Control.wake, wake, interval);
  if (wait.async) await wait.value;
}

const data = workerData as CollectorData;
// A wait on shared memory does not keep a thread alive.
const life = setInterval(() => {}, 2 ** 30);
const report = await collect(data);
clearInterval(life);
const control = new Int32Array(data.control);
Atomics.store(control, Control.state, CollectorState.finished);
Atomics.notify(control, Control.state);
parentPort?.postMessage(report);
