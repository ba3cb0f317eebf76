/**
 * Collects the spans of an OTLP file until all are read: of each a few numbers and the text of its arguments, which are those of recordings
 * (FORMAT.md). What becomes of them is for OtlpPlacement.
 */
import { JsonStrings } from './json-strings.ts';
import { type CollectedSpan, OtlpPlacement } from './otlp-placement.ts';
import { OtlpProcesses } from './otlp-processes.ts';
import { OtlpScopes } from './otlp-scopes.ts';
import {
  attributesOf,
  attributesText,
  droppedAttributesOf,
  parsedObject,
  type SpanFields,
  type SplitTime,
  spanFields,
  textAttribute,
} from './otlp-span-fields.ts';
import { TextBytes } from './text-bytes.ts';
import type { TraceBuilder } from './trace-builder.ts';
import type { ReadLimits } from './trace-reader.ts';
import { Category, LINK_ARGUMENTS, SPAN_ARGUMENTS, SPAN_EVENT_ARGUMENTS } from './vocabulary.ts';

/** Spans that begin a request where they are, whoever asked for it. */
const SERVING: ReadonlySet<string> = new Set(['server', 'consumer']);

export class OtlpRows {
  readonly #builder: TraceBuilder;
  readonly #strings: JsonStrings;
  readonly #processes = new OtlpProcesses();
  readonly #scopes = new OtlpScopes();
  readonly #spans: CollectedSpan[] = [];
  readonly #texts = new TextBytes();
  #events = 0;
  #process = 0;
  #scope = 0;
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
  }

  /** @param text `Resource` as JSON; it may come after the spans. */
  setResource(text: string): void {
    const given = parsedObject(text) ?? {};
    const defects: string[] = [];
    const dropped = droppedAttributesOf(given, defects);
    const references = given.entityRefs ?? given.entity_refs;
    if (Array.isArray(references) && references.length > 0) defects.push('entities of a resource');
    this.#processes.describe(this.#process, attributesOf(given.attributes), dropped);
    this.#skip(defects);
  }

  /** @param text Address of the resource's schema as JSON; it may come after the spans. */
  setResourceSchema(text: string): void {
    this.#processes.setSchema(this.#process, this.#schemaOf(text));
  }

  /** What follows is of another scope. */
  beginScope(): void {
    this.#scope = this.#scopes.begin();
  }

  /** @param text `InstrumentationScope` as JSON; it may come after the spans. */
  setScope(text: string): void {
    const defects: string[] = [];
    this.#scopes.describe(this.#scope, text, defects);
    this.#skip(defects);
  }

  /** @param text Address of the scope's schema as JSON; it may come after the spans. */
  setScopeSchema(text: string): void {
    this.#scopes.setSchema(this.#scope, this.#schemaOf(text));
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
    this.#skip(span.defects);
    if (!this.#hasClock) this.#keepClock(span.start);
    const start = this.#time(span.start);
    const duration = end === undefined ? -1 : this.#time(end) - start;
    if (end !== undefined && duration < 0) this.#builder.skip('span that ends before it begins');
    const { kind, links, attributes } = span;
    const ids = idsText(traceId, spanId);
    this.#spans.push({
      process: this.#process,
      scope: this.#scope,
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
      events: span.events.flatMap(({ name, time, attributes: own, droppedAttributes }) => {
        if (time === undefined) {
          this.#builder.skip('event of a span without a time');
          return [];
        }
        return [
          {
            name,
            time: this.#time(time),
            argsFrom: this.#texts.add(
              ids + droppedText('attributes', droppedAttributes) + attributesText(own, SPAN_EVENT_ARGUMENTS),
            ),
            argsTo: this.#texts.end,
          },
        ];
      }),
      links: links.map((link) => link.traceId + link.spanId),
    });
    this.#events += span.events.length;
  }

  /** What a span says beside ids and attributes. */
  #factsText(span: SpanFields): string {
    const { parentSpanId, traceState, flags, kind, status, statusMessage, links } = span;
    return (
      (parentSpanId === '' ? '' : `,"parent_span_id":"${parentSpanId}"`) +
      contextText(traceState, flags) +
      `,"kind":"${kind}"` +
      (status === '' ? '' : `,"status":"${status}"`) +
      (statusMessage === '' ? '' : `,"status_message":${JSON.stringify(statusMessage)}`) +
      (links.length === 0 ? '' : `,"links":[${links.map(linkText).join(',')}]`) +
      droppedText('attributes', span.droppedAttributes) +
      droppedText('events', span.droppedEvents) +
      droppedText('links', span.droppedLinks)
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
      scopes: this.#scopes.arguments(),
    }).run();
    this.#spans.length = 0;
  }

  #skip(defects: readonly string[]): void {
    for (const defect of defects) this.#builder.skip(defect);
  }

  /** An address that stands in a file as JSON; '' for none. */
  #schemaOf(text: string): string {
    if (text === 'null') return '';
    const schema = text.startsWith('"') ? (JSON.parse(text) as string) : undefined;
    if (schema === undefined) this.#skip(['schema that is no text']);
    return schema ?? '';
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

function contextText(traceState: string, flags: number): string {
  return (
    (traceState === '' ? '' : `,"trace_state":${JSON.stringify(traceState)}`) +
    (flags === 0 ? '' : `,"flags":${flags}`)
  );
}

function droppedText(what: string, count: number): string {
  return count === 0 ? '' : `,"dropped_${what}":${count}`;
}

function linkText(link: SpanFields['links'][number]): string {
  const members =
    idsText(link.traceId, link.spanId) +
    contextText(link.traceState, link.flags) +
    droppedText('attributes', link.droppedAttributes) +
    attributesText(link.attributes, LINK_ARGUMENTS);
  return `{${members.slice(1)}}`;
}

/** What ttrace exported itself says whether it was a task. */
function taskness(kind: string, category: string): CollectedSpan['isTask'] {
  if (category !== '') return category === Category.task ? 'always' : 'never';
  return SERVING.has(kind) ? 'always' : 'root';
}
