/** The one trace that a viewer shows, with what its pages derive from it. Computed when first asked for, then kept. */
import { type Finding, findingsOf, indexOf, type Task } from '@ttrace/analysis';
import type { Trace } from '@ttrace/format';
import { cutIntoPieces, type Piece } from './pieces.ts';
import { TABLE_PAGES } from './table-pages.ts';
import { TableStore } from './table-store.ts';
import { formatCount } from './time-text.ts';
import type { TimeSpan } from './timeline-path.ts';
import { type TraceFacts, traceFacts } from './trace-facts.ts';
import { traceStream } from './trace-stream.ts';

/**
 * The bundled Perfetto keeps all events in a wasm heap of 2 GiB, which ends near 4 million slices; arguments take part
 * of it.
 */
export const MAX_EVENTS_IN_VIEW = 3_000_000;

/** Perfetto's time of the trace's first event, in nanoseconds: small, for its clock is a double, and not 0, which it asserts. */
export const FIRST_EVENT_NANOS = 1_000_000;

const SMALL_TRACE_EVENTS = 200_000;

/** A trace and its derived facts. */
export class Subject {
  readonly trace: Trace;
  readonly title: string;
  readonly fileName: string;
  readonly maxEvents: number;
  readonly tables: TableStore;
  #facts: TraceFacts | undefined;
  #pieces: readonly Piece[] | undefined;

  constructor(trace: Trace, title: string, fileName: string, maxEvents: number) {
    this.trace = trace;
    this.title = title;
    this.fileName = fileName;
    this.maxEvents = maxEvents;
    this.tables = new TableStore(TABLE_PAGES, () => indexOf(trace));
  }

  get facts(): TraceFacts {
    this.#facts ??= traceFacts(this.trace);
    return this.#facts;
  }

  /** What is probably wrong, the worst first. Undefined in a large trace until its tables have been made. */
  get findings(): readonly Finding[] | undefined {
    return this.isSmall || this.tables.hasTried('lint') ? findingsOf(indexOf(this.trace)) : undefined;
  }

  /** Whether all tables together are made in well under a second: then pages need not wait for anything. */
  get isSmall(): boolean {
    return this.trace.length <= SMALL_TRACE_EVENTS;
  }

  /** Whether the timeline takes only a stretch of this trace at a time. */
  get inPieces(): boolean {
    return this.trace.length > this.maxEvents;
  }

  get pieces(): readonly Piece[] {
    const { start, duration } = this.facts;
    this.#pieces ??= cutIntoPieces(this.trace, start, duration, this.maxEvents);
    return this.#pieces;
  }

  /** Sentences on what is missing, what was not understood, and what is too large. */
  get warnings(): readonly string[] {
    const { facts, trace } = this;
    const warnings: string[] = [];
    if (facts.dropped > 0) {
      const share = (100 * facts.dropped) / (facts.dropped + facts.events);
      warnings.push(
        `Lost ${formatShare(share)}: the recorder dropped ${formatCount(facts.dropped)} events because its buffer was full.`,
      );
    }
    if (trace.error !== undefined) warnings.push(damage(trace));
    const skipped = [...trace.skipped].sort((a, b) => b[1] - a[1]);
    if (skipped.length > 0) {
      const listed = skipped.slice(0, 5).map(([reason, count]) => `${reason} (${formatCount(count)})`);
      const more = skipped.length > 5 ? ` and ${skipped.length - 5} more kinds` : '';
      warnings.push(`Not shown, for want of a place: ${listed.join(', ')}${more}.`);
    }
    if (this.inPieces) {
      warnings.push(
        `${formatCount(facts.events)} events are more than one timeline holds (${formatCount(this.maxEvents)}): it shows a stretch at a time.`,
      );
    }
    return warnings;
  }

  /** The trace, a stretch of it (nanoseconds since the first event), or a task with all below it, as Perfetto protobuf. */
  stream(span?: TimeSpan, task?: Task): ReadableStream<Uint8Array> {
    return traceStream(this.trace, this.facts.start, FIRST_EVENT_NANOS, span, task);
  }
}

function damage({ error, bytesRead }: Trace): string {
  const { message, offset } = error!;
  const share = bytesRead > offset ? (100 * (bytesRead - offset)) / bytesRead : 0;
  const lost = share > 0 ? `Lost ${formatShare(share)} of the file` : 'The end of the file is missing';
  return `${lost}: ${message}. All that stands before that point is shown.`;
}

function formatShare(percent: number): string {
  if (percent > 0 && percent < 0.01) return 'less than 0.01 %';
  return `${percent.toFixed(percent < 10 ? 2 : 1)} %`;
}
