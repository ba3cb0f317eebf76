/** Logs, counters, and flows: what a thread says at one moment. */
import { clippedText } from './attributes.ts';
import { callObserver } from './call-observer.ts';
import { RecordKind } from './ring.ts';
import {
  activeRecording,
  control,
  currentTaskId,
  nameId,
  nextId,
  now,
  record,
  recordWith,
} from './thread-recorder.ts';

/** `Control.recording` is at 0. A constant of this module: an import is loaded anew at each use, which costs 1 ns. */
const onOff = control;

/**
 * Records a line of text in the current task, as an instant on the thread's track.
 * @param category A handful of distinct ones; '' is allowed.
 * @param message The text, or a function that makes it and is called only while recording. An exception in it is recorded
 *   as the message. Kept to 4096 characters.
 */
export function log(category: string, message: string | (() => string)): void {
  if (onOff[0] === 0 || activeRecording() === 0) return;
  const text = typeof message === 'string' ? message : lazyText(message);
  const label = nameId(category);
  recordWith(clippedText(text), 0, 0, RecordKind.log, label, currentTaskId(), now(), 0);
}

/** Records the value of a counter of the process, drawn as a graph. What is no finite number is recorded as 0. */
export function counter(name: string, value: number): void {
  if (onOff[0] === 0 || activeRecording() === 0) return;
  record(RecordKind.counter, nameId(name), 0, now(), typeof value === 'number' ? value : 0);
}

/**
 * Records that a message is sent: a short slice here, and the tail of an arrow. Hand the id to the receiver with the
 * message. Returns 0 while tracing is off, which `flowIn` ignores.
 */
export function flowOut(name = 'send'): number {
  if (activeRecording() === 0) return 0;
  const id = nextId();
  flowEnd(id, 0, name);
  callObserver()?.sent(id);
  return id;
}

/** Records that the message with this flow id is received: a short slice here, and the head of the arrow. */
export function flowIn(id: number, name = 'receive'): void {
  // Ids come with messages, from anywhere.
  if (!Number.isSafeInteger(id) || id <= 0 || activeRecording() === 0) return;
  flowEnd(id, 1, name);
  callObserver()?.arrived(id);
}

function flowEnd(id: number, direction: 0 | 1, name: string): void {
  const label = nameId(name);
  const task = currentTaskId();
  const start = now();
  recordWith('', id, direction, RecordKind.region, label, task, start, now());
}

/** The text of a message that is a function, or, from untyped callers, anything else. */
function lazyText(message: unknown): string {
  try {
    return String(typeof message === 'function' ? message() : message);
  } catch (error) {
    try {
      return `[log failed: ${String(error)}]`;
    } catch {
      return '[log failed]';
    }
  }
}
