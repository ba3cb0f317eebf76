/** What `ttrace export --otlp` says: how many spans of what, what became of them, and what to do about those that are lost. */
import { bytesText, counted, countText, timeText } from '@ttrace/analysis/quantity';
import type { ExportResult, SpanCounts } from '@ttrace/otel/otlp';

/** Lines of a dry run. */
export function countsLines(counts: SpanCounts): string[] {
  const { spans, events, links, byCategory, leftOut } = counts;
  const lines = [`${counted(spans, 'span')} with ${counted(events, 'event')} and ${counted(links, 'link')}`];
  const width = Math.max(0, ...[...byCategory.values()].map((count) => countText(count).length));
  for (const [category, count] of byCategory) {
    lines.push(`  ${countText(count).padStart(width)} ${category === '' ? '(no category)' : category}`);
  }
  const left = leftOutText(leftOut);
  if (left !== '') lines.push(left);
  return lines;
}

/** One line on what was sent, and one on what has no place in spans. */
export function sentLine(result: ExportResult, url: string, seconds: number): string[] {
  const { sent, counts, requests, retries, bytes, cutTexts } = result;
  const { events, links } = counts;
  const how = `${counted(requests, 'request')}, ${retries === 1 ? '1 retry' : `${countText(retries)} retries`}, ${bytesText(bytes)}`;
  const what = `${counted(sent, 'span')} with ${counted(events, 'event')} and ${counted(links, 'link')}`;
  const isWhole = sent === counts.spans;
  const left = leftOutText(counts.leftOut);
  return [
    `Sent ${isWhole ? what : counted(sent, 'span')} to ${url} in ${timeText(seconds * 1e9)} (${how})`,
    ...(left === '' ? [] : [left]),
    ...(cutTexts === 0
      ? []
      : [`Attribute texts longer than receivers take, and cut: ${countText(cutTexts)}`]),
  ];
}

function leftOutText(leftOut: ReadonlyMap<string, number>): string {
  const parts = [...leftOut].map(([what, count]) => `${what} (${countText(count)})`);
  return parts.length === 0 ? '' : `No spans are made of ${parts.join(', ')}`;
}

/** What was lost, in numbers, with advice; undefined when nothing was. */
export function lossText(result: ExportResult, url: string): string | undefined {
  const { counts, lost, unsent, crowdedOut, stopped } = result;
  const parts: string[] = [];
  const missing = counts.spans - result.sent;
  if (missing > 0) {
    const reasons = [...lost].map(([reason, count]) => `${countText(count)} ${reason}`);
    if (unsent > 0) {
      const why = stopped === 'interrupted' ? 'interrupted' : 'given up';
      reasons.push(`${countText(unsent)} not tried any more (${why})`);
    }
    parts.push(
      `${countText(missing)} of ${counted(counts.spans, 'span')} did not arrive: ${reasons.join('; ')}`,
    );
  }
  if (crowdedOut > 0) parts.push(`${countText(crowdedOut)} events and links had no room in their spans`);
  if (parts.length === 0) return undefined;
  const advice = missing > 0 ? adviceOn([...lost.keys()].join(' '), url) : '';
  return parts.join('. ') + advice;
}

const ADVICE: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [/answered 40[13]/, 'Give the credentials it asks for in OTEL_EXPORTER_OTLP_HEADERS=key=value'],
  [/answered 40[45]|web page/, 'Check the path: spans go to {url}'],
  [/answered 3\d\d/, 'Name the address that it points to'],
  [/answered 413|too large/, 'Send less at a time: --batch 500'],
  [/ALTNAME/, 'Name the receiver with --otlp as its certificate does'],
  [/CERT_HAS_EXPIRED/, 'The receiver needs a new certificate'],
  [
    /certificate|CERT_|self-signed/i,
    'Name the file of the authority that signed it in OTEL_EXPORTER_OTLP_CERTIFICATE',
  ],
  [/EPROTO|wrong version/, 'What listens there does not speak TLS: try http://'],
  [
    /HPE_|Parse Error/,
    'What listens there does not speak HTTP/1: 4317 is the port of gRPC as a rule, 4318 that of HTTP',
  ],
  [/answered 415/, 'Try the other encoding: --otlp-encoding json'],
  [
    /answered (429|50[234])|in time|broken off|listens/,
    'Export again later, or wait longer with --deadline: ids stay the same, so that nothing arrives as another span',
  ],
];

function adviceOn(reasons: string, url: string): string {
  const found = ADVICE.find(([pattern]) => pattern.test(reasons));
  return found === undefined ? '' : `. ${found[1].replace('{url}', url)}`;
}

/** What to do when there is no connection at all; undefined for an error that is none of a connection. */
export function connectionAdvice(error: unknown, url: string): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens at ${url}: start an OpenTelemetry Collector with an OTLP receiver for HTTP there, or name another with --otlp URL`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `there is no host of that name: ${url}. Check --otlp and OTEL_EXPORTER_OTLP_ENDPOINT`;
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${url} cannot be reached: no answer to a connection. Check address, port and firewall`;
    default:
      return undefined;
  }
}

/** The result as an object. */
export function resultJson(
  { spans, events, links, byCategory, leftOut }: SpanCounts,
  done?: { readonly result: ExportResult; readonly url: string; readonly seconds: number },
): Record<string, unknown> {
  const counts = {
    spans,
    events,
    links,
    spansByCategory: Object.fromEntries(byCategory),
    noSpans: Object.fromEntries(leftOut),
  };
  if (done === undefined) return counts;
  const { sent, lost, unsent, requests, retries, bytes, crowdedOut, cutTexts, stopped } = done.result;
  return {
    url: done.url,
    ...counts,
    sent,
    lost: Object.fromEntries(lost),
    unsent,
    eventsAndLinksWithoutRoom: crowdedOut,
    textsCut: cutTexts,
    requests,
    retries,
    bytes,
    seconds: done.seconds,
    ...(stopped === undefined ? {} : { stopped }),
  };
}
