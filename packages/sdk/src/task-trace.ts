/**
 * Which trace (as OpenTelemetry has them) each task of this thread is in, and as which span. A task is in one when its request
 * brought a `traceparent`, when its parent is in one, or when a span of OpenTelemetry is active where it begins.
 * While none of that has ever happened here, a task costs one look at a variable more.
 */
import { Control } from './ring.ts';
import { control } from './thread-recorder.ts';
import { filedTrace, fileTrace } from './trace-table.ts';
import { newSpanId, newTraceId, type SpanContext } from './traceparent.ts';

/** A task's place in its trace. */
interface TaskTrace extends SpanContext {
  /** '' at the trace's root. */
  readonly parentSpanId: string;
  /** Whether it differs from what the task's begin said. */
  readonly isNews: boolean;
  /** Whether it is a span of OpenTelemetry. */
  readonly isSpan: boolean;
  /** The span of OpenTelemetry that was active where the task began, '' for none: the task lies within it. */
  readonly within: string;
}

/** Tasks that are open; one that never ends is forgotten when there are too many. */
const MAX_TASKS = 20_000;
const tasks = new Map<number, TaskTrace>();
/** Recording that the tasks are of. */
let recording = 0;
/** Whether tasks may be in traces at all. */
let areTraced = false;
/** The span of OpenTelemetry that is active here and now. */
let activeSpan: (() => SpanContext | undefined) | undefined;

/** Sets how to find the active span of OpenTelemetry; undefined: none is looked for. */
export function whenSpansAreActive(find: (() => SpanContext | undefined) | undefined): void {
  activeSpan = find;
  areTraced ||= find !== undefined;
}

/** Looks whether a task of another thread is in a trace: then its subtasks here are as well. */
export function expectTraces(taskId: number): void {
  areTraced ||= filedTrace(taskId) !== undefined;
}

/** Where the code that runs now is, in a task or outside: the task, or the active span if that was begun in it. */
export function traceHere(taskId: number): SpanContext | undefined {
  if (!areTraced) return undefined;
  const task = traceOf(taskId);
  const span = activeSpan?.();
  if (task === undefined || span === undefined) return task ?? span;
  return (task as Partial<TaskTrace>).within === span.spanId ? task : span;
}

/** A task's place in its trace, if it is in one; also of a task of another thread. */
export function traceOf(taskId: number): SpanContext | undefined {
  if (!areTraced || taskId === 0) return undefined;
  forgetOld();
  return tasks.get(taskId) ?? filedTrace(taskId);
}

/**
 * Puts a new task where its parent is, if that is in a trace. Returns its ids as the text of a JSON object, '' for none.
 * @param parentId Id of the parent task, 0 for none.
 */
export function beginTaskTrace(taskId: number, parentId: number): string {
  // hot: once a task.
  if (!areTraced) return '';
  return putInTrace(taskId, traceHere(parentId), activeSpan?.()?.spanId);
}

/**
 * The same, of a task whose request said where it comes from; undefined: it said nothing.
 * @param within Id of the active span, '' for none.
 */
export function putInTrace(taskId: number, parent: SpanContext | undefined, within = ''): string {
  if (parent === undefined) return '';
  const { traceId, flags, state } = parent;
  const own = {
    traceId,
    spanId: newSpanId(),
    parentSpanId: parent.spanId,
    flags,
    state,
    isNews: false,
    isSpan: false,
    within,
  };
  keep(taskId, own);
  return idsText(own, own.parentSpanId);
}

/**
 * Says that a span of OpenTelemetry and a task are the same operation; the first that says so of a task counts. Returns its ids as
 * the text of a JSON object.
 * @param isBegun Whether the task's begin has been recorded without them.
 */
export function makeTaskSpan(
  taskId: number,
  span: SpanContext,
  parentSpanId: string,
  isBegun: boolean,
): string {
  forgetOld();
  const known = tasks.get(taskId);
  if (known?.isSpan === true) return idsText(known, known.parentSpanId);
  const state = span.state === '' ? (known?.state ?? '') : span.state;
  const own = { ...span, state, parentSpanId, isNews: isBegun, isSpan: true, within: known?.within ?? '' };
  keep(taskId, own);
  return idsText(own, own.parentSpanId);
}

/** Makes sure that a task is in a trace, in one of its own if need be. */
export function ensureTrace(taskId: number): SpanContext {
  const known = traceHere(taskId);
  if (known !== undefined) return known;
  const own = {
    traceId: newTraceId(),
    spanId: newSpanId(),
    parentSpanId: '',
    flags: 1,
    state: '',
    isNews: true,
    isSpan: false,
    within: '',
  };
  keep(taskId, own);
  return own;
}

/** Forgets a task that ends. Returns what its begin did not say, as the text of a JSON object, '' for nothing. */
export function endTaskTrace(taskId: number): string {
  // hot: once a task.
  if (!areTraced) return '';
  const own = tasks.get(taskId);
  if (own === undefined) return '';
  tasks.delete(taskId);
  return own.isNews ? idsText(own, own.parentSpanId) : '';
}

/** Ids as the text of a JSON object. */
export function idsText(
  { traceId, spanId }: Pick<SpanContext, 'traceId' | 'spanId'>,
  parentSpanId: string,
): string {
  const parent = parentSpanId === '' ? '' : `,"parent_span_id":"${parentSpanId}"`;
  return `{"trace_id":"${traceId}","span_id":"${spanId}"${parent}}`;
}

function keep(taskId: number, own: TaskTrace): void {
  areTraced = true;
  forgetOld();
  if (tasks.size >= MAX_TASKS) tasks.delete(tasks.keys().next().value!);
  tasks.set(taskId, own);
  fileTrace(taskId, own);
}

function forgetOld(): void {
  const now = control[Control.recording]!;
  if (now === recording) return;
  recording = now;
  tasks.clear();
}
