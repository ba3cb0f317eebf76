/**
 * Shows the spans of OpenTelemetry in the trace that is being recorded: `spanProcessors: [new TtraceSpanProcessor()]`.
 *
 * A span is written when it ends, for only then its name and attributes are known; those that are open when the recording
 * stops, or their worker ends, are written then, without an end. One that was begun while nothing was recorded is left out. Imports no SDK: what it
 * needs of one is in ended-span.ts, and SDK 2 and 3 agree on it.
 */
import { trace } from '@opentelemetry/api';
import { SpanArrow } from '@ttrace/format/vocabulary';
import { TraceUsageError } from '@ttrace/sdk';
import {
  beforeStop,
  beginSpanTask,
  currentTaskId,
  endSpanTask,
  endTaskTrace,
  makeTaskSpan,
  newTaskId,
  noteUnwritten,
  recordArrow,
  recordSpan,
  type SpanContext,
  spanRecording,
  whenOutsideTasks,
  whenSpansAreActive,
} from '@ttrace/sdk/spans';
import { isOwnSpan } from './bridged-spans.ts';
import type { EndedSpan } from './ended-span.ts';
import { beginText, endText } from './span-text.ts';
import { endOf, startOf } from './span-times.ts';

/** What to make of spans. */
export interface SpanProcessorOptions {
  /**
   * `'roots'`: a span without a parent in this process, begun outside of all tasks, is a task as well, and what runs in it belongs to
   * the task. Requests that the source `http` makes tasks of stay those. `'none'`, the default: spans are slices only.
   */
  readonly tasks?: 'roots' | 'none';
}

/** A span that has begun while something was recorded. */
interface OpenSpan {
  readonly recording: number;
  readonly start: number;
  readonly task: number;
  /** Id and name of the task that it is itself; 0 for none. */
  readonly ownTask: number;
  readonly taskName: string;
  /** The latest end of its children so far. */
  childEnd: number;
}

/** Bound once: test tools replace it. */
const nextTick: typeof process.nextTick = process.nextTick.bind(process);

/** A span that has ended. */
interface EndedLately {
  readonly end: number;
  readonly task: number;
  /** The event in which it did. */
  readonly event: number;
}

const SERVER = 1;
/** Spans that are open at the same time; when there are more, those that began first are left out, for they may never end. */
const MAX_OPEN = 50_000;
/** Spans that have ended and are remembered, for those that are linked to them. */
const MAX_ENDED = 500;
/** Arrows to one span. */
const MAX_ARROWS = 32;

/** A span processor of OpenTelemetry, for SDK 2 and 3. It never throws, and keeps nothing while nothing is recorded. */
export class TtraceSpanProcessor {
  readonly #makesTasks: boolean;
  readonly #open = new Map<EndedSpan, OpenSpan>();
  readonly #byId = new Map<string, OpenSpan>();
  /** The spans that ended last, by span id. */
  readonly #ended = new Map<string, EndedLately>();
  /** Their ids in a ring, and its next place. */
  readonly #lastIds: string[] = [];
  #nextId = 0;
  /** Counts the events that spans end in. */
  #event = 0;
  #isEventNoted = false;
  #recording = 0;
  readonly #forgetStop: () => void;

  /** @throws TraceUsageError `bad-option` */
  constructor({ tasks = 'none' }: SpanProcessorOptions = {}) {
    if (tasks !== 'roots' && tasks !== 'none') {
      throw new TraceUsageError('bad-option', `tasks must be 'roots' or 'none', got ${String(tasks)}`);
    }
    this.#makesTasks = tasks === 'roots';
    this.#forgetStop = beforeStop(() => this.#writeOpen());
    whenSpansAreActive(activeSpan);
    if (this.#makesTasks) whenOutsideTasks(() => this.#activeTask());
  }

  /** Called by the SDK when a span begins. */
  onStart(span: unknown): void {
    const { recording, since } = spanRecording();
    if (recording !== this.#recording) this.#forget(recording);
    if (recording === 0 || isOwnSpan()) return;
    try {
      this.#begin(span as EndedSpan, recording, since);
    } catch {
      // No span of an SDK that we know.
    }
  }

  /** Called by the SDK when a span has ended. */
  onEnd(span: unknown): void {
    const open = this.#open.get(span as EndedSpan);
    if (open === undefined) return;
    // In a worker this may write all that was open when the recording ended.
    const { recording } = spanRecording();
    this.#remove(span as EndedSpan);
    if (open.recording !== recording) return;
    noteUnwritten(-1);
    try {
      this.#end(span as EndedSpan, open);
    } catch {
      // No span of an SDK that we know.
    }
  }

  /** There is nothing to be flushed: the recorder's collector takes what is there by itself. */
  async forceFlush(): Promise<void> {}

  /** Called by the SDK when no more spans will come: those that are open are shown as open. */
  async shutdown(): Promise<void> {
    this.#writeOpen();
    this.#forgetStop();
  }

  #begin(span: EndedSpan, recording: number, since: number): void {
    const parent = span.parentSpanContext;
    const around = parent === undefined ? undefined : this.#byId.get(parent.spanId);
    const start = startOf(span, around?.start ?? 0);
    const current = currentTaskId();
    const isRoot = parent === undefined || parent.isRemote === true;
    const ids = span.spanContext();
    const task = current || (around?.task ?? 0);
    let ownTask = 0;
    // The task of a request and the span that serves it are the same operation.
    if (isRoot && task !== 0 && span.kind === SERVER)
      makeTaskSpan(task, contextOf(ids), parent?.spanId ?? '', true);
    if (isRoot && task === 0 && this.#makesTasks) {
      ownTask = newTaskId();
      const text = makeTaskSpan(ownTask, contextOf(ids), parent?.spanId ?? '', false);
      beginSpanTask(ownTask, span.name, Math.max(since, start), text);
    }
    if (this.#open.size >= MAX_OPEN) this.#remove(this.#open.keys().next().value!);
    else noteUnwritten(1);
    const open = { recording, start, task: ownTask || task, ownTask, taskName: span.name, childEnd: 0 };
    this.#open.set(span, open);
    this.#byId.set(ids.spanId, open);
    if (span.links.length > 0 || (around !== undefined && around.task !== open.task)) {
      this.#drawArrows(span, around, open.task);
    }
  }

  #end(span: EndedSpan, open: OpenSpan): void {
    const { spanId } = span.spanContext();
    const end = this.#endWithin(span, endOf(span, open.start, open.childEnd), open.start);
    this.#noteEnd(spanId, end, open.task);
    writeSpan(span, open, end);
    if (open.ownTask === 0) return;
    endTaskTrace(open.ownTask);
    endSpanTask(open.ownTask, open.taskName, end, '');
  }

  /**
   * Instrumentations end the spans of a request in one event, in the order of their listeners: that of http before those within it.
   * Such ones end together.
   */
  #endWithin({ parentSpanContext }: EndedSpan, end: number, start: number): number {
    if (parentSpanContext === undefined) return end;
    const around = this.#byId.get(parentSpanContext.spanId);
    if (around !== undefined) {
      if (around.childEnd < end) around.childEnd = end;
      return end;
    }
    const parent = this.#ended.get(parentSpanContext.spanId);
    const isTogether = parent?.event === this.#event && start < parent.end && parent.end < end;
    return isTogether ? parent.end : end;
  }

  #noteEnd(spanId: string, end: number, task: number): void {
    if (!this.#isEventNoted) {
      this.#isEventNoted = true;
      nextTick(() => {
        this.#event++;
        this.#isEventNoted = false;
      });
    }
    // Not the map's own first key: to find it behind deleted ones takes longer than all the rest.
    const oldest = this.#lastIds[this.#nextId];
    if (oldest !== undefined) this.#ended.delete(oldest);
    this.#lastIds[this.#nextId] = spanId;
    this.#nextId = (this.#nextId + 1) % MAX_ENDED;
    this.#ended.set(spanId, { end, task, event: this.#event });
  }

  /** Arrows to a span that begins, from the spans that it is linked to, and from its parent if that is in another task. */
  #drawArrows({ links }: EndedSpan, around: OpenSpan | undefined, task: number): void {
    if (around !== undefined && around.task !== task)
      recordArrow(SpanArrow.child, around.start, around.task, task);
    for (const { context } of links.slice(0, MAX_ARROWS)) {
      const open = this.#byId.get(context.spanId);
      const ended = this.#ended.get(context.spanId);
      const from = open?.start ?? ended?.end;
      if (from !== undefined) recordArrow(SpanArrow.link, from, (open ?? ended)!.task, task);
    }
  }

  /** The recording stops: what is open yet is shown as open. */
  #writeOpen(): void {
    for (const [span, open] of this.#open) {
      try {
        if (open.recording !== spanRecording().recording) continue;
        noteUnwritten(-1);
        writeSpan(span, open, undefined);
      } catch {
        // No span of an SDK that we know.
      }
    }
    this.#forget(0);
  }

  #forget(recording: number): void {
    this.#recording = recording;
    this.#open.clear();
    this.#byId.clear();
    this.#ended.clear();
    this.#lastIds.length = 0;
    this.#nextId = 0;
  }

  #remove(span: EndedSpan): void {
    this.#open.delete(span);
    this.#byId.delete(span.spanContext().spanId);
  }

  /** Task of the code that runs in no task of ours: that of the active span. */
  #activeTask(): number {
    if (this.#byId.size === 0) return 0;
    const span = activeSpan();
    return span === undefined ? 0 : (this.#byId.get(span.spanId)?.task ?? 0);
  }
}

function writeSpan(span: EndedSpan, { start, task }: OpenSpan, end: number | undefined): void {
  const { since } = spanRecording();
  const isEarlier = start < since;
  // Ended before the recording, by the times that it was given.
  if (end !== undefined && end < since) return;
  recordSpan({
    name: span.name,
    task,
    start: isEarlier ? since : start,
    end,
    beginText: beginText(span, isEarlier ? since - start : 0),
    endText: end === undefined ? '' : endText(span),
  });
}

type SpanIdsOf = ReturnType<EndedSpan['spanContext']> & { readonly traceFlags?: number };

function contextOf({ traceId, spanId, traceFlags }: SpanIdsOf): SpanContext {
  return { traceId, spanId, flags: traceFlags ?? 0, state: '' };
}

/** The span that is active here, if the program has OpenTelemetry running and its API is not older than ours. */
function activeSpan(): SpanContext | undefined {
  try {
    const ids = trace.getActiveSpan()?.spanContext();
    return ids === undefined || /^0*$/.test(ids.spanId) ? undefined : contextOf(ids);
  } catch {
    return undefined;
  }
}
