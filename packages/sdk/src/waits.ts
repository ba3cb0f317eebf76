/**
 * The second entry of this package, for packages of locks and queues that record by themselves how long who waited for what.
 * All of it is harmless while nothing is recorded, or the source `waits` is off. Names are bounded as those of regions are.
 */
import { CounterUnit, RecordKind } from './ring.ts';
import * as openWaits from './sources/open-waits.ts';
import { activeRecording, control, nameId, now, record } from './thread-recorder.ts';
import './session.ts';

export { Category } from '@ttrace/format/vocabulary';
export { osThreadId } from './os-thread-id.ts';
export { notify, wait, waitAsync } from './sources/atomics.ts';
export { beginWait, endWait, type OpenWait } from './sources/open-waits.ts';
export { beginThreadWait, endThreadWait, recordFlowSlice, type ThreadWait } from './sources/thread-waits.ts';
export { nextId as newFlow, now } from './thread-recorder.ts';

/** The first integer is 0 while nothing is recorded: what hot paths look at first, in a constant of their own. */
export const recordingNumber: Int32Array = control;

/** Whether waits are recorded now. Enrols the thread on its first call. */
export function areWaitsRecorded(): boolean {
  // hot: packages/sync/bench/sync.mjs
  return activeRecording() !== 0 && openWaits.areWaitsRecorded();
}

/** Records how long a queue is now. */
export function countQueue(name: string, length: number): void {
  if (areWaitsRecorded()) record(RecordKind.counter, nameId(name), CounterUnit.none, now(), length);
}
