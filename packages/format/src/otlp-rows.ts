/**
 * Collects the spans of an OTLP file until all are read: of each a few numbers and the text of its arguments, which are those of recordings
 * (FORMAT.md). What becomes of them is for OtlpPlacement.
 */
import { JsonStrings } from './json-strings.ts';
import { type CollectedSpan, OtlpPlacement } from './otlp-placement.ts';
import { OtlpProcesses } from './otlp-processes.ts';
import {
  attributesObjectText,
  attributesOf,
  attributesText,
  parsedObject,
  type SpanFields,
  type SplitTime,
  spanFields,
  textAttribute,
} from './otlp-span-fields.ts';
import { TextBytes } from './text-bytes.ts';
import type { TraceBuilder } from './trace-builder.ts';
import type { ReadLimits } from './trace-reader.ts';
import { Argument, Category, SPAN_ARGUMENTS } from './vocabulary.ts';

const TRACE_STATE = 'trace_state';
const EVENT_NAMES: ReadonlySet<string> = new Set([Argument.task, Argument.traceId, Argument.spanId]);
const LINK_NAMES: ReadonlySet<string> = new Set([Argument.traceId, Argument.spanId, TRACE_STATE]);
/** Spans that begin a request where they are, whoever asked for it. */
const SERVING: ReadonlySet<string> = new Set(['server', 'consumer']);

export class OtlpRows {
  readonly #builder: TraceBuilder;
  readonly #strings: JsonStrings;
  readonly #processes = new OtlpProcesses();
  readonly #spans: CollectedSpan[] = [];
  readonly #texts = new TextBytes();
  #events = 0;
  #process = 0;
  /** Text of its members of JSON. */
  #scope = '';
  /** Number of its first span. */
  #scopeFrom = 0;
  #hasClock = false;

  constructor(builder: TraceBuilder, limits: ReadLimits) {
    this.#builder = builder;
    this.#strings = new JsonStrings(builder, limits.maxStrings);
  }

  /** Spans and events so far. */
  get length(): number {
    return this.#spans.length + this.#events;
  }

  /** What follows is of another resource. */
  beginResource(): void {
    this.#process = this.#processes.begin();
    this.#scope = '';
  }

  /** @param text `Resource` as JSON; it may come after the spans. */
  setResource(text: string): void {
    this.#processes.describe(this.#process, attributesOf(parsedObject(text)?.attributes));
  }

  /** What follows is of another scope. */
  beginScope(): void {
    this.#scope = '';
    this.#scopeFrom = this.#spans.length;
  }

  /** @param text `InstrumentationScope` as JSON; spans before it have none. */
  setScope(text: string): void {
    if (this.#spans.length > this.#scopeFrom) this.#builder.skip('scope behind its spans');
    const { name, version, attributes } = parsedObject(text) ?? {};
    const own = attributesObjectText(attributes);
    const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
    this.#scope =
      (isText(name) ? `,"scope":${JSON.stringify(name)}` : '') +
      (isText(version) ? `,"scope_version":${JSON.stringify(version)}` : '') +
      (own === '{}' ? '' : `,"scope_attributes":${own}`);
  }

  /** @param text `Span` as JSON. */
  add(text: string): void {
    const span = spanFields(text);
    if (span?.start === undefined) {
      this.#builder.skip(span === undefined ? 'element that is no span' : 'span without a begin');
      return;
    }
    const { traceId, spanId, parentSpanId, end } = span;
    const isNamed = traceId !== '' && spanId !== '';
    if (!isNamed) this.#builder.skip('span without ids');
    for (const defect of span.defects) this.#builder.skip(defect);
    if (!this.#hasClock) this.#keepClock(span.start);
    const start = this.#time(span.start);
    const duration = end === undefined ? -1 : this.#time(end) - start;
    if (end !== undefined && duration < 0) this.#builder.skip('span that ends before it begins');
    const { kind, links, attributes } = span;
    const ids = idsText(traceId, spanId);
    this.#spans.push({
      process: this.#process,
      name: span.name,
      key: isNamed ? traceId + spanId : '',
      parentKey: parentSpanId === '' ? '' : traceId + parentSpanId,
      start,
      duration: Math.max(duration, end === undefined ? -1 : 0),
      // Nothing can lie in one without ids, and as a task it would be another operation: an export would make two spans of it.
      isTask: isNamed ? taskness(kind, textAttribute(attributes, 'ttrace.category')) : 'never',
      argsFrom: this.#texts.add(
        `${ids}${this.#factsText(span)}${attributesText(attributes, SPAN_ARGUMENTS)}`,
      ),
      argsTo: this.#texts.end,
      events: span.events.flatMap(({ name, time, attributes: own }) => {
        if (time === undefined) {
          this.#builder.skip('event of a span without a time');
          return [];
        }
        return [
          {
            name,
            time: this.#time(time),
            argsFrom: this.#texts.add(ids + attributesText(own, EVENT_NAMES)),
            argsTo: this.#texts.end,
          },
        ];
      }),
      links: links.map((link) => link.traceId + link.spanId),
    });
    this.#events += span.events.length;
  }

  /** What a span says beside ids and attributes. */
  #factsText({ parentSpanId, traceState, kind, status, statusMessage, links, dropped }: SpanFields): string {
    return (
      (parentSpanId === '' ? '' : `,"parent_span_id":"${parentSpanId}"`) +
      traceStateText(traceState) +
      `,"kind":"${kind}"${this.#scope}` +
      (status === '' ? '' : `,"status":"${status}"`) +
      (statusMessage === '' ? '' : `,"status_message":${JSON.stringify(statusMessage)}`) +
      (links.length === 0 ? '' : `,"links":[${links.map(linkText).join(',')}]`) +
      dropped
    );
  }

  /** Puts all of it into the builder. */
  finish(): void {
    new OtlpPlacement({
      builder: this.#builder,
      strings: this.#strings,
      texts: this.#texts,
      spans: this.#spans,
      pids: this.#processes.place(this.#builder),
    }).run();
    this.#spans.length = 0;
  }

  #time({ micros, nanos }: SplitTime): number {
    return this.#builder.relative(micros, nanos);
  }

  /** All times of the file are on the wall clock. */
  #keepClock({ micros }: SplitTime): void {
    const wallMillis = Math.floor(micros / 1000);
    this.#builder.clock = { monotonicNanos: BigInt(wallMillis) * 1_000_000n, wallMillis };
    this.#hasClock = true;
  }
}

function idsText(traceId: string, spanId: string): string {
  return (traceId === '' ? '' : `,"trace_id":"${traceId}"`) + (spanId === '' ? '' : `,"span_id":"${spanId}"`);
}

function traceStateText(traceState: string): string {
  return traceState === '' ? '' : `,"${TRACE_STATE}":${JSON.stringify(traceState)}`;
}

function linkText({ traceId, spanId, traceState, attributes }: SpanFields['links'][number]): string {
  const members = idsText(traceId, spanId) + traceStateText(traceState);
  return `{${(members + attributesText(attributes, LINK_NAMES)).slice(1)}}`;
}

/** What ttrace exported itself says whether it was a task. */
function taskness(kind: string, category: string): CollectedSpan['isTask'] {
  if (category !== '') return category === Category.task ? 'always' : 'never';
  return SERVING.has(kind) ? 'always' : 'root';
}
