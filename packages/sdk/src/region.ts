/** Regions: stretches of code on one thread, or of one asynchronous function. The hottest calls of the SDK. */
import { type Attributes, attributesText, joinedText, SPAN_IDS } from './attributes.ts';
import { callObserver } from './call-observer.ts';
import { RecordKind } from './ring.ts';
import { endWhenSettled } from './task.ts';
import {
  activeRecording,
  closeRegion,
  control,
  currentTaskId,
  endRegion,
  nameId,
  nextId,
  now,
  openRegion,
  plainRecording,
  record,
  recordLate,
  recordWith,
  runRegion,
} from './thread-recorder.ts';

/** `Control.recording` is at 0. A constant of this module: an import is loaded anew at each use, which costs 1 ns. */
const onOff = control;

/** An open region. `using region = trace.startRegion('parse')` closes it with its block. */
export interface Region extends Disposable {
  /** Closes the region. Later calls are ignored. */
  end(): void;
}

class RecordedRegion implements Region {
  readonly #name: number;
  readonly #task: number;
  readonly #start: number;
  readonly #depth: number;
  readonly #text: string;
  /** The recording it belongs to; 0 once ended. */
  #recording: number;

  constructor(recording: number, name: number, text: string) {
    this.#recording = recording;
    this.#name = name;
    this.#text = text;
    this.#task = currentTaskId();
    this.#start = now();
    this.#depth = openRegion(name, this.#task, this.#start);
  }

  end(): void {
    // hot
    const recording = this.#recording;
    this.#recording = 0;
    if (recording === 0 || recording !== activeRecording()) return;
    if (this.#text === '') endRegion(this.#name, this.#task, this.#start, this.#depth);
    else endRegionWith(this.#text, this.#name, this.#task, this.#start, this.#depth);
  }

  [Symbol.dispose](): void {
    this.end();
  }
}

const NO_REGION: Region = Object.freeze({
  end(): void {},
  [Symbol.dispose](): void {},
});

/**
 * Opens a region in the current task and returns its closer.
 *
 * Regions of a thread nest: close in reverse order, and in the same synchronous stretch of code; for asynchronous work use
 * `withRegion`. A region that is closed after one around it lies on a track of its own. While tracing is off this returns
 * a shared no-op and allocates nothing.
 * @param name Reports group by it: keep to tens of distinct names, and put ids in attributes.
 */
export function startRegion(name: string, attributes?: Attributes): Region {
  if (onOff[0] === 0) return NO_REGION;
  const recording = plainRecording();
  if (recording <= 0) return recording === 0 ? NO_REGION : observedRegion(-recording, name, attributes);
  return new RecordedRegion(
    recording,
    nameId(name),
    attributes === undefined ? '' : attributesText(attributes),
  );
}

/** The same while somebody looks at each region. */
function observedRegion(recording: number, name: string, attributes: Attributes | undefined): Region {
  const span = callObserver()?.regions?.open(name, attributes);
  const text = textWithIds(span?.ids ?? '', attributes);
  const region = new RecordedRegion(recording, nameId(name), text);
  let isOpen = true;
  const end = (): void => {
    if (!isOpen) return;
    isOpen = false;
    region.end();
    span?.close();
  };
  return { end, [Symbol.dispose]: end };
}

/**
 * Runs `fn` as a region and returns what it returns; an exception passes through and closes the region.
 *
 * When `fn` returns a Promise the region is asynchronous: it lasts until the promise settles, lies on a track of its own,
 * and the caller gets a promise that settles the same way. Other thenables are not touched: the region ends when
 * `fn` returns. While tracing is off this is a call of `fn`.
 * @param name Reports group by it: keep to tens of distinct names, and put ids in attributes.
 */
export function withRegion<T>(name: string, fn: () => T): T;
export function withRegion<T>(name: string, attributes: Attributes, fn: () => T): T;
export function withRegion<T>(name: string, second: Attributes | (() => T), third?: () => T): T {
  // hot: bench/calls.mjs. Off: one load and two compares more than the call of fn.
  // `typeof second` instead would cost 1.5 ns more on Node 22 and newer.
  if (third !== undefined) return withAttributes(name, second as Attributes, third);
  if (onOff[0] === 0) return (second as () => T)();
  return runRegion(name, second as () => T, asyncRegion, runObserved);
}

/** A region without attributes while somebody looks at each. */
function runObserved<T>(name: string, fn: () => T): T {
  const run = (ids: string): T => {
    const recording = ids === '' ? 0 : activeRecording();
    return recording === 0 ? runRegion(name, fn, asyncRegion) : recordWithText(recording, name, ids, fn);
  };
  const regions = callObserver()?.regions;
  return regions === undefined ? run('') : regions.run(name, undefined, run);
}

function textWithIds(ids: string, attributes: Attributes | undefined): string {
  return ids === '' ? attributesText(attributes) : joinedText(ids, attributesText(attributes, SPAN_IDS));
}

/** The same with attributes, which costs what it takes to write them down. */
function withAttributes<T>(name: string, attributes: Attributes, fn: () => T): T {
  const recording = onOff[0] === 0 ? 0 : plainRecording();
  if (recording === 0) return fn();
  const regions = recording < 0 ? callObserver()?.regions : undefined;
  if (regions === undefined) return recordWithText(Math.abs(recording), name, attributesText(attributes), fn);
  return regions.run(name, attributes, (ids) =>
    recordWithText(-recording, name, textWithIds(ids, attributes), fn),
  );
}

function recordWithText<T>(recording: number, name: string, text: string, fn: () => T): T {
  const label = nameId(name);
  const task = currentTaskId();
  const start = now();
  const depth = openRegion(label, task, start);
  let isPending = false;
  try {
    const result = fn();
    if (result instanceof Promise && recording === activeRecording()) {
      isPending = true;
      closeRegion(start, depth);
      return asyncRegionWith(text, result, label, name, task, start, recording) as T;
    }
    return result;
  } finally {
    if (!isPending && recording === activeRecording()) endRegionWith(text, label, task, start, depth);
  }
}

function endRegionWith(text: string, label: number, task: number, start: number, depth: number): void {
  if (closeRegion(start, depth)) recordWith(text, 0, 0, RecordKind.region, label, task, start, now());
  else recordLate(text, label, task, start);
}

function asyncRegion(
  promise: Promise<unknown>,
  label: number,
  name: string,
  task: number,
  start: number,
  recording: number,
): Promise<unknown> {
  return asyncRegionWith('', promise, label, name, task, start, recording);
}

/** An asynchronous region: begun now, when it is known to be one, with the times at which it began and left the thread. */
function asyncRegionWith(
  text: string,
  promise: Promise<unknown>,
  label: number,
  name: string,
  task: number,
  start: number,
  recording: number,
): Promise<unknown> {
  const id = nextId();
  recordWith(text, id, 0, RecordKind.asyncBegin, label, task, start, now());
  return endWhenSettled(promise, {
    end(): void {
      if (recording === activeRecording()) record(RecordKind.asyncEnd, nameId(name), task, now(), id);
    },
  });
}
