/**
 * An entry of this package for bridges to OpenTelemetry (`@ttrace/otel`): how a span is recorded, and how spans and tasks know of
 * each other. All of it is harmless while nothing is recorded. Names are bounded as those of the runtime's own events are.
 */
import { attributeName, Category, SPAN_ARGUMENTS } from '@ttrace/format/vocabulary';
import { type Attributes, attributesText } from './attributes.ts';
import { RecordKind } from './ring.ts';
import { boundedNames } from './sources/bounded-names.ts';
import {
  activeRecording,
  lateRecording,
  nameId,
  nextId,
  now,
  record,
  recordRegionWithFlow,
  recordWith,
  sourceName,
} from './thread-recorder.ts';
import { sayLateWords } from './thread-sources.ts';
import './session.ts';

export { attributeName } from '@ttrace/format/vocabulary';
export type { Attributes } from './attributes.ts';
export { attributesText, clippedText, joinedText } from './attributes.ts';
export { type CallObserver, callObserver, observeCalls, type RegionObserver } from './call-observer.ts';
export { endTaskTrace, idsText, makeTaskSpan, traceOf, whenSpansAreActive } from './task-trace.ts';
export { currentTaskId, noteUnwritten, now, whenOutsideTasks } from './thread-recorder.ts';
export { beforeStop } from './thread-sources.ts';
export { filedTrace, fileTrace } from './trace-table.ts';
export type { SpanContext } from './traceparent.ts';

/** What a record has room for, so that no text of JSON is cut. */
const MAX_TEXT = 16_300;

/** A span as it is recorded. Times are milliseconds on the thread's clock. */
export interface RecordedSpan {
  readonly name: string;
  /** Id of the task that it was begun in, 0 for none. */
  readonly task: number;
  readonly start: number;
  /** undefined: it has not ended. */
  readonly end: number | undefined;
  /** What is known at its begin and at its end, as texts of JSON objects; no name is in both. */
  readonly beginText: string;
  readonly endText: string;
}

let names: (name: string, instead: string) => number = () => 0;
/** Recording that the names are of, and when this thread came to it. */
let recording = 0;
let since = 0;

/** Number of the recording that runs, 0 for none, and when this thread saw it first: nothing of it lies before. */
export function spanRecording(): { readonly recording: number; readonly since: number } {
  const active = activeRecording() || lateRecording();
  if (active !== recording) {
    if (active === 0) sayLateWords();
    recording = active;
    since = now();
    names = boundedNames((name) => sourceName(Category.span, name));
  }
  return { recording, since };
}

/** Records a span of the recording that runs. */
export function recordSpan({ name, task, start, end, beginText, endText }: RecordedSpan): void {
  if (spanRecording().recording === 0) return;
  const label = names(String(name), '(other)');
  const id = nextId();
  recordWith(fitting(beginText), id, 0, RecordKind.asyncBegin, label, task, start, start);
  if (end === undefined) return;
  if (endText === '') record(RecordKind.asyncEnd, label, task, end, id);
  else recordWith(fitting(endText), 0, 0, RecordKind.asyncEnd, label, task, end, id);
}

/**
 * Draws an arrow on this thread, from a moment of it to now: a short slice at each of its ends.
 * @param time Milliseconds on the thread's clock, within the recording; a time that `now` gave, so that no other slice begins or ends then.
 * @param from Id of the task that was current then, 0 for none.
 */
export function recordArrow(name: string, time: number, from: number, to: number): void {
  if (spanRecording().recording === 0) return;
  const label = sourceName(Category.flow, name);
  const flow = nextId();
  const start = now();
  recordRegionWithFlow(flow, 0, label, from, time, time);
  recordRegionWithFlow(flow, 1, label, to, start, now());
}

/** Begins a task that is a span as well. @param ids Text of a JSON object. */
export function beginSpanTask(id: number, name: string, start: number, ids: string): void {
  recordWith(ids, 0, 0, RecordKind.taskBegin, nameId(name), id, start, 0);
}

/** Ends it. @param text More attributes as the text of a JSON object, or ''. */
export function endSpanTask(id: number, name: string, end: number, text: string): void {
  recordWith(text, 0, 0, RecordKind.taskEnd, nameId(name), id, end, 0);
}

/** An id for such a task. */
export function newTaskId(): number {
  return nextId();
}

/** Longer texts are left to `attributesText`, which clips them. */
const SHORT = 200;
/** Attributes that are written the short way; more are rare. */
const FEW = 40;

/** A span's attributes as the text of a JSON object; one with a name of ours stands as `attributeName` says. */
export function spanAttributesText(attributes: Attributes): string {
  // hot: once a span. SDKs let nothing through but texts, numbers, truth values and lists of them: a third of the time.
  let text = '';
  let count = 0;
  for (const name in attributes) {
    const value = attributes[name];
    const isPlain =
      typeof value === 'string'
        ? value.length <= SHORT
        : typeof value === 'number'
          ? Number.isFinite(value)
          : typeof value === 'boolean';
    if (!isPlain || name.length > SHORT || ++count > FEW) return attributesText(attributes, SPAN_ARGUMENTS);
    text += `,${nameText(attributeName(name, SPAN_ARGUMENTS))}:${typeof value === 'string' ? JSON.stringify(value) : value}`;
  }
  return text === '' ? '' : `{${text.slice(1)}}`;
}

/** Names as JSON has them: there are few, and they come again and again. */
const nameTexts = new Map<string, string>();
const MAX_NAMES = 1000;

function nameText(name: string): string {
  let text = nameTexts.get(name);
  if (text === undefined) {
    text = JSON.stringify(name);
    if (nameTexts.size < MAX_NAMES) nameTexts.set(name, text);
  }
  return text;
}

const NONE: ReadonlySet<string> = new Set();

/** What a span says beside its attributes, made safe in the same way. */
export function spanFactsText(facts: Attributes): string {
  return attributesText(facts, NONE);
}

function fitting(text: string): string {
  return text.length <= MAX_TEXT ? text : `{"…":"${text.length} characters left out"}`;
}
