/** Workers of ttrace's own that are made while something is recorded: they are none of the program's, and are not in the trace. */
import type { Worker, WorkerOptions } from 'node:worker_threads';
import { OriginalWorker } from './worker-enrolment.ts';

let isMaking = false;

/** Makes one. @throws Error when there is no thread. */
export function createOwnWorker(file: URL, options: WorkerOptions): Worker {
  isMaking = true;
  try {
    return new OriginalWorker(file, options);
  } finally {
    isMaking = false;
  }
}

/** Whether the worker whose construction goes on in this thread is one of them. */
export function isOwnWorker(): boolean {
  return isMaking;
}
