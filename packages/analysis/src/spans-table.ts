/**
 * What has ids of OpenTelemetry, one by one: its spans, and the tasks and requests that are in a trace of it. So that whoever has an id from
 * elsewhere, a log or another service's trace, finds what it was here.
 */
import { Argument, Category, EventKind } from '@ttrace/format';
import { type Filter, rowFilter } from './filter.ts';
import type { Table } from './table.ts';
import { taskColumns } from './task-columns.ts';
import { taskLink } from './tasks.ts';
import type { TraceIndex } from './trace-index.ts';
import { producerNote } from './unrecorded.ts';

/** A slice with ids. Times in nanoseconds since the trace's origin. */
export interface SpanRow {
  readonly row: number;
  readonly name: string;
  readonly start: number;
  /** undefined: it has not ended. */
  readonly duration: number | undefined;
  readonly what: 'span' | 'task' | 'region' | 'request' | 'other';
  readonly kind: string;
  readonly status: string;
  readonly scope: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** Number of its task, 0 for none. */
  readonly task: number;
}

/** Everything that has a span id, in the order of its begin; what comes first of one begin is the task, then the span. */
export function spansOf(index: TraceIndex): readonly SpanRow[] {
  return index.once(findSpans);
}

/** What was recorded of the operation with this span id; without any, what was begun in it: its caller may be another process. */
export function spansWithId(index: TraceIndex, spanId: string): readonly SpanRow[] {
  const wanted = spanId.toLowerCase();
  const own = spansOf(index).filter((span) => span.spanId === wanted);
  return own.length > 0 ? own : spansOf(index).filter(({ parentSpanId }) => parentSpanId === wanted);
}

/** The table of them. */
export function spansTable(index: TraceIndex, filter: Filter = {}): Table<SpanRow> {
  const isWanted = rowFilter(index, filter);
  return {
    id: 'spans',
    title: 'Spans',
    help: 'Spans of OpenTelemetry, and the tasks, regions and requests that are in a trace of it, in the order of their begin. All of one trace: the attribute trace_id=…, or the address ?trace=…; one of them: ?span=….',
    columns: [
      {
        id: 'startNanos',
        title: 'When',
        unit: 'time',
        help: 'Its begin, since the first event.',
        of: ({ start }) => start - index.start,
      },
      {
        id: 'durationNanos',
        title: 'Duration',
        unit: 'nanos',
        help: 'From its begin to its end; none if it has not ended.',
        of: ({ duration }) => duration,
      },
      { id: 'name', title: 'Name', unit: 'text', help: 'What it is called.', of: ({ name }) => name },
      {
        id: 'what',
        title: 'What',
        unit: 'text',
        help: 'span: of OpenTelemetry; task: also a request that was served; region: one that was made a span; request: one that was made.',
        of: ({ what }) => what,
      },
      { id: 'kind', title: 'Kind', unit: 'text', help: 'Kind of the span.', of: ({ kind }) => kind },
      {
        id: 'status',
        title: 'Status',
        unit: 'text',
        help: 'ok or error, where the span says so; of a request the answer.',
        of: ({ status }) => status,
      },
      {
        id: 'scope',
        title: 'Scope',
        unit: 'text',
        help: 'The instrumentation that made it.',
        of: ({ scope }) => scope,
      },
      ...taskColumns<SpanRow>(index, ({ task }) => task, 'the task that it is, or was begun in'),
      {
        id: 'traceId',
        title: 'Trace id',
        unit: 'text',
        help: 'The trace that it belongs to, over all services.',
        of: ({ traceId }) => traceId,
        linkOf: ({ traceId }) => ({ page: 'spans', filter: traceFilter(traceId) }),
      },
      { id: 'spanId', title: 'Span id', unit: 'text', help: 'Its own id.', of: ({ spanId }) => spanId },
      {
        id: 'parentSpanId',
        title: 'Parent',
        unit: 'text',
        help: 'Id of the span that it was begun in, which may be of another service.',
        of: ({ parentSpanId }) => parentSpanId,
      },
    ],
    rows: spansOf(index).filter(({ row }) => isWanted(row)),
    spanOf: ({ start, duration }) => ({
      start: start - index.start,
      end: (duration === undefined ? index.end : start + duration) - index.start,
    }),
    linkOf: ({ what, task }) => (what === 'task' ? taskLink(task) : undefined),
    ...producerNote(index, Category.span, 'spans'),
  };
}

/** What lets one trace's spans through. */
export function traceFilter(traceId: string): Filter {
  return { attribute: `${Argument.traceId}=${traceId}` };
}

function findSpans(index: TraceIndex): readonly SpanRow[] {
  const { columns, strings, length } = index.trace;
  const whatOf = new Map([
    [index.category(Category.span), 'span'],
    [index.category(Category.task), 'task'],
    [index.category(Category.http), 'request'],
    [index.category(Category.region), 'region'],
  ] as const);
  const rank = ['task', 'span', 'region', 'request', 'other'];
  const spans: SpanRow[] = [];
  for (let row = 0; row < length; row++) {
    if (columns.kind[row] !== EventKind.slice || columns.args[row] === 0) continue;
    if (!strings.text(columns.args[row]!).includes(`"${Argument.spanId}"`)) continue;
    const args = index.argsOf(row);
    const spanId = textOf(args[Argument.spanId]);
    if (spanId === '') continue;
    spans.push({
      row,
      name: index.nameOf(row),
      start: columns.start[row]!,
      duration: columns.value[row]! < 0 ? undefined : columns.value[row]!,
      what: whatOf.get(columns.category[row]!) ?? 'other',
      kind: textOf(args.kind),
      status: textOf(args.status),
      scope: textOf(args.scope),
      traceId: textOf(args[Argument.traceId]),
      spanId,
      parentSpanId: textOf(args[Argument.parentSpanId]),
      task: index.taskOf(row),
    });
  }
  return spans.sort((a, b) => a.start - b.start || rank.indexOf(a.what) - rank.indexOf(b.what));
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
