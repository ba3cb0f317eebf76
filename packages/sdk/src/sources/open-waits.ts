/**
 * Waits that end in another callback than they began in, as asynchronous slices. Begun when they begin, so that one that never
 * ends is in the trace as well. And whether waits are recorded at all, and how what is recorded of them is written.
 */
import { Category } from '@ttrace/format/vocabulary';
import { Control, RecordKind } from '../ring.ts';
import {
  control,
  currentTaskId,
  nextId,
  now,
  recordWith,
  recordWithTextOf,
  sourceName,
} from '../thread-recorder.ts';
import { knownTexts, type TextId } from './known-texts.ts';

/** A slice that has begun. It can be ended once, in its own recording. */
export interface OpenWait {
  readonly id: number;
  readonly label: number;
  readonly task: number;
  readonly recording: number;
}

/** Recording whose waits are recorded; 0 = none. */
let recording = 0;
let textId: TextId = () => 0;

/** Switches the recording of waits on, for the recording that runs, or off. */
export function recordWaits(isOn: boolean): void {
  recording = isOn ? control[Control.recording]! : 0;
  textId = knownTexts();
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
  recordWait(text, RecordKind.asyncBegin, open.label, open.task, start, start, open.id);
  return open;
}

/** Ends a slice. Harmless without one, and after the end of its recording. */
export function endWait(open: OpenWait | undefined, text = ''): void {
  if (open === undefined || open.recording !== control[Control.recording]) return;
  recordWait(text, RecordKind.asyncEnd, open.label, open.task, now(), open.id);
}

/**
 * Records an event of a wait, with the text of a JSON object or '': they are few, and come again and again. The caller has asked
 * `areWaitsRecorded`.
 */
export function recordWait(
  text: string,
  kind: number,
  label: number,
  task: number,
  first: number,
  second: number,
  flow = 0,
  flowDirection: 0 | 1 = 0,
): void {
  // hot: 10 times a job of a pool of workers.
  const known = text === '' ? 0 : textId(text);
  if (known !== 0 || text === '')
    recordWithTextOf(known, kind, label, task, first, second, flow, flowDirection);
  else recordWith(text, flow, flowDirection, kind, label, task, first, second);
}
