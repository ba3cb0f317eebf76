/**
 * What a span says, as the texts of JSON objects: at its begin who it is and its attributes, at its end how it went. Most spans have
 * few attributes and nothing to say at their end, so those take the short way (bench/spans.mjs).
 */
import { LINK_ARGUMENTS } from '@ttrace/format/vocabulary';
import { attributeName, idsText, spanAttributesText, spanFactsText } from '@ttrace/sdk/spans';
import type { EndedSpan, HrTime } from './ended-span.ts';

const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'] as const;
const STATUSES = ['unset', 'ok', 'error'] as const;
const MAX_SCOPE = 100;
const MAX_MESSAGE = 1000;
/** Characters of one text that has events in it. */
const MAX_FACTS = 14_000;

const EVENT_NAMES: ReadonlySet<string> = new Set(['name', 'at_ms']);

type Attributes = EndedSpan['events'][number]['attributes'];
type Scope = EndedSpan['instrumentationScope'];

/** What spans of a scope have in common, by kind: an SDK makes one object a tracer. */
const scopes = new WeakMap<Scope, string[]>();

/** Ids, kind, scope and attributes. @param before How long it had lasted when the recording began, in milliseconds. */
export function beginText(span: EndedSpan, before: number): string {
  // hot: once a span.
  const ids = idsText(span.spanContext(), span.parentSpanContext?.spanId ?? '');
  const attributes = spanAttributesText(span.attributes as Record<string, string>);
  const text = `${ids.slice(0, -1)}${scopeText(span.instrumentationScope, span.kind)}`;
  const early = before > 0 ? `,"before_recording_ms":${Math.round(before * 1e3) / 1e3}` : '';
  return attributes === '' ? `${text}${early}}` : `${text}${early},${attributes.slice(1)}`;
}

function scopeText(scope: Scope, kind: number): string {
  let texts = scopes.get(scope);
  if (texts === undefined) {
    texts = [];
    scopes.set(scope, texts);
  }
  let text = texts[kind];
  if (text === undefined) {
    const { name, version } = scope;
    const facts = spanFactsText({
      kind: KINDS[kind] ?? String(kind),
      scope: String(name).slice(0, MAX_SCOPE),
      scope_version: version === undefined ? undefined : String(version).slice(0, MAX_SCOPE),
    });
    text = `,${facts.slice(1, -1)}`;
    texts[kind] = text;
  }
  return text;
}

/** Status, events and links, as far as there are any; '' for nothing. */
export function endText(span: EndedSpan): string {
  // hot: once a span.
  const { status, events, links, droppedAttributesCount, droppedEventsCount, droppedLinksCount } = span;
  const hasDropped = (droppedAttributesCount || droppedEventsCount || droppedLinksCount) !== 0;
  if (status.code === 0 && events.length === 0 && links.length === 0 && !hasDropped) return '';
  const { code, message } = status;
  const rest = {
    status: code === 0 ? undefined : (STATUSES[code] ?? String(code)),
    status_message:
      message === undefined || message === '' ? undefined : String(message).slice(0, MAX_MESSAGE),
    dropped_attributes: droppedAttributesCount || undefined,
    dropped_events: droppedEventsCount || undefined,
    dropped_links: droppedLinksCount || undefined,
  };
  const dropped_links = (droppedLinksCount ?? 0) + links.length || undefined;
  const dropped_events = (droppedEventsCount ?? 0) + events.length || undefined;
  const all = spanFactsText({ ...rest, events: eventsOf(span, true), links: linksOf(span) });
  if (isWhole(all)) return all;
  // Stacks take the most of it.
  const named = spanFactsText({ ...rest, events: eventsOf(span, false), dropped_links });
  return isWhole(named) ? named : spanFactsText({ ...rest, dropped_events, dropped_links });
}

/** Whether a text is short enough, and not what stands for one that was too long. */
function isWhole(text: string): boolean {
  return text.length <= MAX_FACTS && !text.startsWith('{"…":');
}

function eventsOf({ events, startTime }: EndedSpan, withAttributes: boolean): object[] | undefined {
  if (events.length === 0) return undefined;
  return events.map(({ name, time, attributes }) => ({
    name,
    at_ms: millisBetween(startTime, time),
    ...(withAttributes ? besides(EVENT_NAMES, attributes) : {}),
  }));
}

function linksOf({ links }: EndedSpan): object[] | undefined {
  if (links.length === 0) return undefined;
  return links.map(({ context, attributes }) => ({
    trace_id: context.traceId,
    span_id: context.spanId,
    ...besides(LINK_ARGUMENTS, attributes),
  }));
}

/** The same attributes, under names that nothing beside them has. */
function besides(taken: ReadonlySet<string>, attributes: Attributes): Attributes {
  if (attributes === undefined) return attributes;
  const entries = Object.entries(attributes);
  return Object.fromEntries(entries.map(([name, value]) => [attributeName(name, taken), value]));
}

/** Milliseconds, with three decimals. */
function millisBetween(from: HrTime, to: HrTime): number {
  return Math.round((to[0] - from[0]) * 1e6 + (to[1] - from[1]) / 1e3) / 1e3;
}
