/**
 * The third entry of this package, for the debug server: a view of what is recorded for a thread that answers while the main thread is
 * blocked. What is seen is what a trace would have; nothing is written.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Since } from './collector-protocol.ts';
import { sessionOptions } from './recording.ts';
import {
  canInspect,
  checkCanRecord,
  collectorThreadId,
  isEnding,
  join,
  leave,
  settled,
  tell,
} from './session.ts';
import { sharedMemory } from './shared-memory.ts';
import { TraceUsageError } from './trace-usage-error.ts';
import { beginQuestion, endQuestion } from './worker-questions.ts';

export type {
  CountedStack,
  DebugFrame,
  DebugReplies,
  DebugReply,
  DebugRequest,
  DebugSnapshot,
  DebugTask,
  DebugWish,
  LabelledSamples,
  LiveOperation,
  SampleLabels,
} from './debug/debug-protocol.ts';
export { isOwnFile } from './own-files.ts';
export { createOwnWorker } from './own-worker.ts';
export { afterExitListeners } from './process-exit.ts';
export { TASK_RUNS_KEY } from './ring.ts';
export type { TraceOutput } from './trace-output.ts';
export { canInspect };

import './thread-sources.ts';

/** What a debug server's thread needs of the recorder. */
export interface DebugConnection {
  /** Where it asks, in the words of debug/debug-protocol.ts. To be handed to that thread. */
  readonly port: MessagePort;
  /** Of the recorder's own thread, which is none of the program's. */
  readonly collectorThreadId: number;
}

const memory = sharedMemory();

/**
 * Whether a worker may be asked something by the inspector now, that it answers in the middle of its code: not while one is about to be
 * ended, which would be lost. If so, `endWorkerQuestion` must follow the answer.
 */
export function beginWorkerQuestion(threadId: number): boolean {
  return beginQuestion(memory, threadId);
}

export function endWorkerQuestion(): void {
  endQuestion(memory.control);
}

let isOpen = false;

/**
 * Starts the recorder, if it does not run for something else already, and opens a connection to it. One at a time.
 * @throws TraceUsageError `already-started`, `not-main-thread`, `unsupported-node`, `bundled`, `bad-option`, `cannot-open`.
 */
export async function openDebugConnection(): Promise<DebugConnection> {
  if (isEnding()) await settled();
  return beginDebugConnection();
}

/** The same at once, while the process starts. */
export function beginDebugConnection(): DebugConnection {
  checkCanRecord();
  if (isOpen) throw new TraceUsageError('already-started', 'a debug server of this process runs already');
  const { port1, port2 } = new MessageChannel();
  let since: Since;
  try {
    since = join('debug', sessionOptions({}));
  } catch (error) {
    throw new TraceUsageError(
      'cannot-open',
      `no thread for the recorder: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  isOpen = true;
  tell({ kind: 'open-debug', since, port: port2 }, [port2]);
  return { port: port1, collectorThreadId: collectorThreadId() };
}

/** Ends the connection, and the recorder if it runs for nothing else. Harmless without one. */
export async function closeDebugConnection(): Promise<void> {
  if (!isOpen) return;
  isOpen = false;
  await leave('debug', () => ({ kind: 'close-debug' }));
}
