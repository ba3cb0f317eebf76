/**
 * Waits that end in another callback than they began in, as asynchronous slices. Begun when they begin, so that one that never
 * ends is in the trace as well.
 */
import { Category } from '@ttrace/format/vocabulary';
import { Control, RecordKind } from '../ring.ts';
import { control, currentTaskId, nextId, now, record, recordWith, sourceName } from '../thread-recorder.ts';

/** A slice that has begun. It can be ended once, in its own recording. */
export interface OpenWait {
  readonly id: number;
  readonly label: number;
  readonly task: number;
  readonly recording: number;
}

/** Recording whose waits are recorded; 0 = none. */
let recording = 0;

/** Switches the recording of waits on, for the recording that runs, or off. */
export function recordWaits(isOn: boolean): void {
  recording = isOn ? control[Control.recording]! : 0;
}

/** Whether waits are recorded now: what every wrapper asks first. */
export function areWaitsRecorded(): boolean {
  // hot
  return recording !== 0 && recording === control[Control.recording];
}

/**
 * Begins a slice; undefined while no waits are recorded.
 * @param start Time on the thread's clock; may lie in the past.
 * @param text Attributes as the text of a JSON object, or ''.
 */
export function beginWait(
  name: string,
  start: number = now(),
  text = '',
  category: string = Category.wait,
): OpenWait | undefined {
  if (!areWaitsRecorded()) return undefined;
  const open = { id: nextId(), label: sourceName(category, name), task: currentTaskId(), recording };
  recordWith(text, open.id, 0, RecordKind.asyncBegin, open.label, open.task, start, start);
  return open;
}

/** Ends a slice. Harmless without one, and after the end of its recording. */
export function endWait(open: OpenWait | undefined, text = ''): void {
  if (open === undefined || open.recording !== control[Control.recording]) return;
  if (text === '') record(RecordKind.asyncEnd, open.label, open.task, now(), open.id);
  else recordWith(text, 0, 0, RecordKind.asyncEnd, open.label, open.task, now(), open.id);
}
