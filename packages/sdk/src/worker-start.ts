/** What the register hook does in a worker. */
import { markFreshWorker } from './sources/messages.ts';
import { activeRecording } from './thread-recorder.ts';
import './thread-sources.ts';
import { enrolWorkers } from './worker-enrolment.ts';

/** Gives the worker its track at once, even if it never records anything, and passes the hook on to its own workers. */
export function enrolThisWorker(): void {
  markFreshWorker();
  if (activeRecording() !== 0) enrolWorkers();
}
