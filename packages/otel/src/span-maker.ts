/** What a bridge does when a task, a region or a message is recorded: begins and ends spans, with the times of the process's own clock. */
import {
  context,
  isSpanContextValid,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import {
  type Attributes,
  type CallObserver,
  currentTaskId,
  filedTrace,
  fileTrace,
  idsText,
  makeTaskSpan,
  type RegionObserver,
  traceOf,
} from '@ttrace/sdk/spans';
import type { ActiveContext } from './active-context.ts';
import { asOwnSpan } from './bridged-spans.ts';
import { spanAttributes } from './span-attributes.ts';
import { wallTime } from './wall-times.ts';

const MAX_MESSAGE = 1000;

/** @param active Is asked for the context of each span, and told of those that are open. */
export function createSpanMaker(
  tracer: Tracer,
  active: ActiveContext,
  hasTasks: boolean,
  hasRegions: boolean,
): CallObserver {
  const begin = (name: string, attributes: Attributes | undefined, taskId: number): Begun => {
    const base = active.current(taskId);
    const startTime = wallTime();
    const safe = spanAttributes(attributes);
    const options = {
      startTime,
      links: active.links(base),
      ...(safe === undefined ? {} : { attributes: safe }),
    };
    const span = asOwnSpan(() => tracer.startSpan(String(name), options, base));
    return { span, base, parentSpanId: trace.getSpanContext(base)?.spanId ?? '' };
  };
  return {
    beginTask(id, name, attributes, parentId) {
      if (!hasTasks) return '';
      return quietly('', () => {
        const begun = begin(name, attributes, parentId);
        const { span, parentSpanId } = begun;
        if (!hasOwnIds(begun)) return '';
        const ids = span.spanContext();
        active.tasks.set(id, span);
        const own = { traceId: ids.traceId, spanId: ids.spanId, flags: ids.traceFlags, state: '' };
        return makeTaskSpan(id, own, parentSpanId, false);
      });
    },
    runTask(id, run) {
      const base = quietly(undefined, () => {
        const span = active.tasks.get(id);
        if (span !== undefined) return trace.setSpan(context.active(), span);
        return isOfAnotherThread(id) ? active.arrival(filedTrace(id)!, 'task') : undefined;
      });
      return base === undefined ? run() : context.with(base, run);
    },
    endTask(id) {
      const span = active.tasks.get(id);
      if (span === undefined) return;
      active.tasks.delete(id);
      end(span);
    },
    sent(flow) {
      quietly(undefined, () => {
        const ids = trace.getSpanContext(active.current(currentTaskId()));
        if (ids === undefined || !isSpanContextValid(ids)) return;
        fileTrace(flow, { traceId: ids.traceId, spanId: ids.spanId, flags: ids.traceFlags, state: '' });
      });
    },
    received(flow, run) {
      const from = filedTrace(flow);
      const base = from === undefined ? undefined : quietly(undefined, () => active.arrival(from, 'message'));
      return base === undefined ? run() : context.with(base, run);
    },
    arrived(flow) {
      const from = filedTrace(flow);
      if (from === undefined) return;
      quietly(undefined, () => {
        const { traceId, spanId, flags: traceFlags } = from;
        const link = { context: { traceId, spanId, traceFlags, isRemote: true } };
        active.innermost(currentTaskId())?.addLink?.({ ...link, attributes: { 'ttrace.link': 'flow' } });
      });
    },
    regions: hasRegions ? regionSpans(begin, active) : undefined,
  };
}

/** Whether a task is in a trace, and was begun by another thread: of its own a thread knows more than is filed. */
function isOfAnotherThread(taskId: number): boolean {
  const known = traceOf(taskId);
  return known !== undefined && !('isSpan' in known);
}

/** A span that has begun, and the context that it has begun in. */
interface Begun {
  readonly span: Span;
  readonly base: ReturnType<typeof context.active>;
  readonly parentSpanId: string;
}

type Begin = (name: string, attributes: Attributes | undefined, taskId: number) => Begun;

function regionSpans(begin: Begin, active: ActiveContext): RegionObserver {
  return {
    run(name, attributes, run) {
      const begun = quietly(undefined, () => begin(name, attributes, currentTaskId()));
      if (begun === undefined) return run('');
      const { span, base } = begun;
      let result: ReturnType<typeof run>;
      try {
        result = context.with(trace.setSpan(base, span), run, undefined, idsOf(begun));
      } catch (error) {
        end(span, error);
        throw error;
      }
      if (!(result instanceof Promise)) {
        end(span);
        return result;
      }
      // A new promise: watching the old one would hide its rejection.
      return result.then(
        (value: unknown) => {
          end(span);
          return value;
        },
        (error: unknown) => {
          end(span, error);
          throw error;
        },
      ) as typeof result;
    },
    open(name, attributes) {
      return quietly({ ids: '', close() {} }, () => {
        const begun = begin(name, attributes, currentTaskId());
        const leave = active.enter(begun.span);
        const close = (): void => {
          leave();
          end(begun.span);
        };
        return { ids: idsOf(begun), close };
      });
    },
  };
}

/** A span's ids, by which its region is found in the trace; '' if there is no SDK. */
function idsOf(begun: Begun): string {
  return hasOwnIds(begun) ? idsText(begun.span.spanContext(), begun.parentSpanId) : '';
}

/** Without an SDK the API hands out spans with no ids, or with those of the parent. */
function hasOwnIds({ span, parentSpanId }: Begun): boolean {
  const ids = span.spanContext();
  return isSpanContextValid(ids) && ids.spanId !== parentSpanId;
}

/** Ends a span, with what was thrown in it. */
function end(span: Span, ...thrown: readonly unknown[]): void {
  quietly(undefined, () => {
    if (thrown.length > 0) {
      const [error] = thrown;
      const message = error instanceof Error ? error.message : String(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: String(message).slice(0, MAX_MESSAGE) });
    }
    span.end(wallTime());
  });
}

/** Nothing that goes wrong in a tracer, a sampler or a processor is the program's whose task or region it is. */
function quietly<T>(otherwise: T, act: () => T): T {
  try {
    return act();
  } catch {
    return otherwise;
  }
}
