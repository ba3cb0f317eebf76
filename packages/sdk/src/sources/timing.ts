/**
 * What the program measures itself: `performance.mark` as instants, `performance.measure`, `console.time` and
 * `console.timeStamp` as asynchronous slices, for they may overlap anything. Hints for the tracks of DevTools are honoured:
 * https://developer.chrome.com/docs/devtools/performance/extension
 *
 * The functions are patched, because an observer is told after the turn, and of nothing in the last one before a crash.
 */
import { performance } from 'node:perf_hooks';
import { type Attributes, attributesText } from '../attributes.ts';
import { RecordKind } from '../ring.ts';
import { currentTaskId, isTakingPart, nextId, now, recordWith } from '../thread-recorder.ts';
import { type Timing, timingOf } from './devtools-hints.ts';
import { withoutOwnFrames } from './own-frames.ts';
import { type AnyFunction, patchMethod } from './patch-method.ts';
import { createTimingNames, type TimingNames } from './timing-names.ts';

/** Labels of `console.time` and `console.timeStamp` that are remembered. */
const MAX_LABELS = 1000;

interface UserEntry {
  readonly name: string;
  readonly startTime: number;
  readonly duration: number;
  readonly detail: unknown;
}

/** What has to be known of one recording. */
interface Recording {
  /** What began before is shown from here on. */
  readonly start: number;
  readonly names: TimingNames;
}

/** Begins to record what this thread measures. */
export function startTiming(): () => void {
  const recording: Recording = { start: now(), names: createTimingNames() };
  // Where they are inherited from: an own property would be seen.
  const methods = Object.getPrototypeOf(performance) as object;
  const stops = [
    patchEntries(methods, 'mark', (entry) => writeMark(recording, entry)),
    patchEntries(methods, 'measure', (entry) => writeMeasure(recording, entry)),
    ...patchConsole(recording),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function patchEntries(owner: object, method: string, write: (entry: UserEntry) => void): () => void {
  return patchMethod(owner, method, (original, patch) => {
    const patched: AnyFunction = function (...args) {
      let entry: unknown;
      try {
        entry = Reflect.apply(original, this, args);
      } catch (error) {
        throw withoutOwnFrames(error);
      }
      if (patch.isOn && isTakingPart()) unseen(() => write(entry as UserEntry));
      return entry;
    };
    return patched;
  });
}

/** Nothing that goes wrong in here is the program's. */
function unseen(write: () => void): void {
  try {
    write();
  } catch {
    // What the program handed over cannot be written down.
  }
}

function writeMark({ start, names }: Recording, { name, startTime, detail }: UserEntry): void {
  // Its time may be given, and lie before the recording.
  if (!(startTime >= start)) return;
  const label = names.instant(name);
  const { row, attributes } = timingOf(detail);
  const text = attributesText(row === '' ? attributes : { ...attributes, track: row });
  recordWith(text, 0, 0, RecordKind.instant, label, currentTaskId(), startTime, 0);
}

function writeMeasure(recording: Recording, { name, startTime, duration, detail }: UserEntry): void {
  writeSlice(recording, name, startTime, startTime + duration, timingOf(detail));
}

/** A slice that is over. */
function writeSlice(
  { start, names }: Recording,
  name: string,
  from: number,
  end: number,
  timing: Timing,
): void {
  const begin = Math.max(from, start);
  if (!(end >= begin)) return;
  const label = names.slice(timing.row, name);
  const task = currentTaskId();
  const id = nextId();
  const own: Attributes = from < start ? { before_recording_ms: start - from } : {};
  const text = attributesText({ ...timing.attributes, ...own });
  recordWith(text, id, 0, RecordKind.asyncBegin, label, task, begin, begin);
  recordWith('', 0, 0, RecordKind.asyncEnd, label, task, end, id);
}

function patchConsole(recording: Recording): readonly (() => void)[] {
  const timers = new Map<string, { readonly id: number; readonly label: number; readonly task: number }>();
  const stamps = new Map<string, number>();
  return [
    patchCall('time', (label = 'default') => {
      if (typeof label !== 'string' || timers.has(label) || timers.size >= MAX_LABELS) return;
      const timer = { id: nextId(), label: recording.names.slice('', label), task: currentTaskId() };
      timers.set(label, timer);
      const start = now();
      recordWith('', timer.id, 0, RecordKind.asyncBegin, timer.label, timer.task, start, start);
    }),
    patchCall('timeEnd', (label = 'default') => {
      const timer = timers.get(label as string);
      if (timer === undefined) return;
      timers.delete(label as string);
      recordWith('', 0, 0, RecordKind.asyncEnd, timer.label, timer.task, now(), timer.id);
    }),
    patchCall('timeStamp', (...args) => writeStamp(recording, stamps, args)),
  ];
}

/** Patches a method of the console; `see` is called before the original, which may take long to write. */
function patchCall(method: string, see: (...args: unknown[]) => void): () => void {
  return patchMethod(console, method, (original, patch) => {
    const patched: AnyFunction = function (...args) {
      if (patch.isOn && isTakingPart()) unseen(() => see(...args));
      try {
        return Reflect.apply(original, this, args);
      } catch (error) {
        throw withoutOwnFrames(error);
      }
    };
    return patched;
  });
}

/** `console.timeStamp(label, start, end, track, group, color, data)`; a text as start or end is the label of an earlier stamp. */
function writeStamp(recording: Recording, stamps: Map<string, number>, args: readonly unknown[]): void {
  const time = now();
  const [given, from, to, track, trackGroup, color, properties] = args;
  const name = typeof given === 'string' ? given : 'timeStamp';
  if (stamps.size < MAX_LABELS || stamps.has(name)) stamps.set(name, time);
  const timing = timingOf({ devtools: { track, trackGroup, color, properties } });
  const start = timeOf(from, stamps);
  if (start === undefined) {
    const text = attributesText(timing.attributes);
    const label = recording.names.instant(name);
    recordWith(text, 0, 0, RecordKind.instant, label, currentTaskId(), time, 0);
  } else writeSlice(recording, name, start, timeOf(to, stamps) ?? time, timing);
}

function timeOf(value: unknown, stamps: ReadonlyMap<string, number>): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' ? stamps.get(value) : undefined;
}
