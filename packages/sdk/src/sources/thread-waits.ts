/**
 * Waits that stop the thread, as slices on it. While a worker waits so it is parked: its wait stands on the stack of open
 * regions, and ends the turn of its event loop. Also the arrows from who lets others go on to who goes on.
 */
import { Category } from '@ttrace/format/vocabulary';
import { Control, RecordKind } from '../ring.ts';
import {
  closeRegion,
  control,
  currentTaskId,
  isTakingPart,
  now,
  openRegion,
  recordLate,
  recordWith,
  sourceName,
} from '../thread-recorder.ts';
import { parkThread, unparkThread } from './event-loop.ts';
import { areWaitsRecorded, recordWait } from './open-waits.ts';
import { waitStack } from './wait-stack.ts';

/** A wait that goes on. It can be ended once, in its own recording. */
export interface ThreadWait {
  readonly label: number;
  readonly task: number;
  readonly start: number;
  readonly depth: number;
  readonly recording: number;
}

/** Says that the thread stops now; undefined while no waits are recorded. */
export function beginThreadWait(name: string): ThreadWait | undefined {
  if (!areWaitsRecorded()) return undefined;
  const label = sourceName(Category.wait, name);
  const task = currentTaskId();
  const start = now();
  const depth = openRegion(label, task, start);
  parkThread();
  return { label, task, start, depth, recording: control[Control.recording]! };
}

/**
 * Says that it goes on. Harmless without a wait, and after the end of its recording.
 * @param text Attributes as the text of a JSON object, or ''.
 * @param flow Id of the flow that leads to this end, 0 for none.
 */
export function endThreadWait(open: ThreadWait | undefined, text: string, flow = 0): void {
  if (open === undefined) return;
  unparkThread();
  // Another thread may have stopped the recording: then this thread's memory may be somebody else's.
  if (!isTakingPart() || open.recording !== control[Control.recording]) return;
  const { label, task, start, depth } = open;
  if (!closeRegion(start, depth)) {
    recordLate(text, label, task, start);
    return;
  }
  const end = now();
  const stack = waitStack(end - start, endThreadWait);
  if (stack === 0) recordWait(text, RecordKind.region, label, task, start, end, flow, 1);
  else recordWith(text, flow, 1, RecordKind.region, label, task, start, end, stack);
}

/**
 * Records a slice that carries an end of a flow; harmless while no waits are recorded.
 * @param start Time on the thread's clock.
 * @param text Attributes as the text of a JSON object, or ''.
 */
export function recordFlowSlice(
  category: string,
  name: string,
  flow: number,
  direction: 'out' | 'in',
  start: number,
  text = '',
): void {
  if (!areWaitsRecorded()) return;
  const label = sourceName(category, name);
  const flowDirection = direction === 'out' ? 0 : 1;
  recordWait(text, RecordKind.region, label, currentTaskId(), start, now(), flow, flowDirection);
}
