/**
 * The context in which a span of a task or region begins: the active one of OpenTelemetry, or what ttrace knows beside it, such as
 * the task, an opened region, or the message that is being handled. Never sets anything but the context of functions that it runs.
 */
import { type Context, context, createContextKey, type Link, type Span, trace } from '@opentelemetry/api';
import { type SpanContext, traceOf } from '@ttrace/sdk/spans';

/** Where a context comes from another thread. */
interface Arrival {
  readonly link: Link;
  /** Id of the span that was active where it arrived: what begins right in it is linked. */
  readonly under: string;
}

/** A region that was opened without a function, and the span that was active there. */
interface OpenRegion {
  readonly span: Span;
  readonly under: string;
}

const ARRIVAL: symbol = createContextKey('ttrace arrival');
/** Bound once: test tools replace it. */
const enqueue: typeof queueMicrotask = queueMicrotask;

export class ActiveContext {
  /** Spans of open tasks. */
  readonly tasks: Map<number, Span> = new Map();
  /** Of the code that runs now: they must be closed before it ends. */
  #open: OpenRegion[] = [];

  /** The context for what begins now in this task. */
  current(taskId: number): Context {
    const active = context.active();
    const span = trace.getSpan(active);
    const under = span?.spanContext().spanId ?? '';
    const region = this.#open.at(-1);
    if (region !== undefined && region.under === under) return trace.setSpan(active, region.span);
    if (span !== undefined) return active;
    const task = this.tasks.get(taskId);
    if (task !== undefined) return trace.setSpan(active, task);
    const known = traceOf(taskId);
    return known === undefined ? active : trace.setSpanContext(active, remoteOf(callerOf(known)));
  }

  /** Links of what begins in a context: to the sender of the message that it handles. */
  links(base: Context): Link[] {
    const arrival = base.getValue(ARRIVAL) as Arrival | undefined;
    return arrival !== undefined && trace.getSpanContext(base)?.spanId === arrival.under
      ? [arrival.link]
      : [];
  }

  /**
   * The active context, as it is where something from another thread goes on: a message is linked, and the parent only where no span
   * is active; a task is the parent of what is begun in it.
   */
  arrival(from: SpanContext, what: 'message' | 'task'): Context {
    const active = context.active();
    const remote = remoteOf(from);
    const own = what === 'task' ? undefined : trace.getSpanContext(active)?.spanId;
    const under = own ?? remote.spanId;
    const base = under === remote.spanId ? trace.setSpanContext(active, remote) : active;
    const link = { context: remote, attributes: { 'ttrace.link': what } };
    return base.setValue(ARRIVAL, { link, under } satisfies Arrival);
  }

  /** Notes a region that is opened now; the result forgets it. */
  enter(span: Span): () => void {
    const under = trace.getSpanContext(context.active())?.spanId ?? '';
    const region = { span, under };
    // One that is never closed must not be the parent of what others do.
    if (this.#open.length === 0) enqueue(() => this.#open.splice(0));
    this.#open.push(region);
    return () => {
      const at = this.#open.lastIndexOf(region);
      if (at >= 0) this.#open.splice(at);
    };
  }

  /** The innermost span here, if it is one that can be written to. */
  innermost(taskId: number): Span | undefined {
    return trace.getSpan(this.current(taskId));
  }
}

/** A served request is no span of its own: its caller is the parent. */
function callerOf(known: SpanContext): SpanContext {
  const { parentSpanId = '', isSpan } = known as SpanContext & { parentSpanId?: string; isSpan?: boolean };
  return isSpan === false && parentSpanId !== '' ? { ...known, spanId: parentSpanId } : known;
}

function remoteOf({ traceId, spanId, flags }: SpanContext): {
  traceId: string;
  spanId: string;
  traceFlags: number;
  isRemote: true;
} {
  return { traceId, spanId, traceFlags: flags, isRemote: true };
}
