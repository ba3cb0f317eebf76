/** What a span says, as the texts of JSON objects: at its begin who it is and its attributes, at its end how it went. */
import { clippedText, idsText, joinedText, spanAttributesText, spanFactsText } from '@ttrace/sdk/spans';
import type { EndedSpan, HrTime } from './ended-span.ts';

const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'] as const;
const STATUSES = ['unset', 'ok', 'error'] as const;
const MAX_SCOPE = 100;
const MAX_MESSAGE = 1000;
/** Characters of one text that has events in it. */
const MAX_FACTS = 14_000;

/** Ids, kind, scope and attributes. @param extra More facts, such as `{ before_recording_ms: 5 }`. */
export function beginText(span: EndedSpan, extra: Readonly<Record<string, number>> = {}): string {
  const { name, version } = span.instrumentationScope;
  const facts = spanFactsText({
    kind: KINDS[span.kind] ?? String(span.kind),
    scope: String(name).slice(0, MAX_SCOPE),
    scope_version: version === undefined ? undefined : String(version).slice(0, MAX_SCOPE),
    ...extra,
  });
  const ids = idsText(span.spanContext(), span.parentSpanContext?.spanId ?? '');
  return joinedText(joinedText(ids, facts), spanAttributesText(span.attributes as Record<string, string>));
}

/** Status, events and links, as far as there are any. */
export function endText(span: EndedSpan): string {
  const { code, message } = span.status;
  const rest = {
    status: code === 0 ? undefined : (STATUSES[code] ?? String(code)),
    status_message:
      message === undefined || message === ''
        ? undefined
        : clippedText(String(message)).slice(0, MAX_MESSAGE),
    dropped_attributes: span.droppedAttributesCount || undefined,
    dropped_events: span.droppedEventsCount || undefined,
    dropped_links: span.droppedLinksCount || undefined,
  };
  const text = spanFactsText({ ...rest, events: eventsOf(span, true), links: linksOf(span) });
  if (text.length <= MAX_FACTS) return text;
  // Stacks take the most of it.
  return spanFactsText({ ...rest, events: eventsOf(span, false) });
}

function eventsOf({ events, startTime }: EndedSpan, withAttributes: boolean): object[] | undefined {
  if (events.length === 0) return undefined;
  return events.map(({ name, time, attributes }) => ({
    name,
    at_ms: millisBetween(startTime, time),
    ...(withAttributes ? attributes : {}),
  }));
}

function linksOf({ links }: EndedSpan): object[] | undefined {
  if (links.length === 0) return undefined;
  return links.map(({ context, attributes }) => ({
    trace_id: context.traceId,
    span_id: context.spanId,
    ...attributes,
  }));
}

/** Milliseconds, with three decimals. */
function millisBetween(from: HrTime, to: HrTime): number {
  return Math.round((to[0] - from[0]) * 1e6 + (to[1] - from[1]) / 1e3) / 1e3;
}
