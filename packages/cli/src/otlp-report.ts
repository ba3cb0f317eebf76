/** What `ttrace export --otlp` says: how many spans of what, what became of them, and what to do about those that are lost. */
import { bytesText, counted, countText, timeText } from '@ttrace/analysis/quantity';
import type { Trace } from '@ttrace/format';
import type { ExportResult, PreparedSpans } from '@ttrace/otel/otlp';
import { countsText } from './load-trace.ts';

/** Lines of a dry run. */
export function countsLines(prepared: PreparedSpans): string[] {
  const { spans, events, links, byCategory, leftOut } = prepared.counts;
  const lines = [`${counted(spans, 'span')} with ${counted(events, 'event')} and ${counted(links, 'link')}`];
  const width = Math.max(0, ...[...byCategory.values()].map((count) => countText(count).length));
  for (const [category, count] of byCategory) {
    lines.push(`  ${countText(count).padStart(width)} ${category === '' ? '(no category)' : category}`);
  }
  if (leftOut.size > 0) lines.push(leftOutText(leftOut));
  return [...lines, ...earlyLosses(prepared)];
}

/** One line on what was sent, and one on what has no place in spans. */
export function sentLine(result: ExportResult, url: string, seconds: number): string[] {
  const { sent, counts, requests, retries, bytes } = result;
  const { events, links } = counts;
  const how = `${counted(requests, 'request')}, ${retries === 1 ? '1 retry' : `${countText(retries)} retries`}, ${bytesText(bytes)}`;
  const what = `${counted(sent, 'span')} with ${counted(events, 'event')} and ${counted(links, 'link')}`;
  const isWhole = sent === counts.spans;
  return [
    `Sent ${isWhole ? what : counted(sent, 'span')} to ${url} in ${timeText(seconds * 1e9)} (${how})`,
    ...(counts.leftOut.size === 0 ? [] : [leftOutText(counts.leftOut)]),
  ];
}

function leftOutText(leftOut: ReadonlyMap<string, number>): string {
  return `No spans are made of ${countsText(leftOut)}`;
}

/** What is lost before anything is sent. */
export function earlyLosses({ counts, crowdedOut, cutTexts }: PreparedSpans): string[] {
  const { unsendable } = counts;
  return [
    ...(unsendable.size > 0 ? [`Cannot be sent: ${countsText(unsendable)}`] : []),
    ...(crowdedOut > 0
      ? [`${countText(crowdedOut)} events, links and attributes had no room in their spans`]
      : []),
    ...(cutTexts > 0 ? [`Cut, because receivers take no longer ones: ${counted(cutTexts, 'text')}`] : []),
  ];
}

/** A line on what no command reads of a file; of one of OTLP `loadTrace` has said it. */
export function notReadLines({ format, skipped }: Trace): string[] {
  return format === 'otlp' || skipped.size === 0 ? [] : [`Not read from the file: ${countsText(skipped)}`];
}

/** Waits from here on are said, in milliseconds. */
const SAID_WAIT_MS = 2000;

/** Says waits that a receiver asks for, where they are long: several requests that wait for the same moment say it once. */
export function waitReport(say: (line: string) => void): (ms: number, answer: string) => void {
  let saidUntil = 0;
  return (ms, answer) => {
    const until = performance.now() + ms;
    if (ms < SAID_WAIT_MS || until < saidUntil + SAID_WAIT_MS) return;
    saidUntil = until;
    say(`The receiver ${answer}. Waiting for ${timeText(ms * 1e6)}, as it asks`);
  };
}

/** What the receiver wants known, though it took what it was sent. */
export function warningLines({ warnings }: ExportResult): string[] {
  return warnings.map((text) => `The receiver says: ${text}`);
}

/** What was lost, in numbers, with advice; undefined when nothing was. */
export function lossText(result: ExportResult, url: string): string | undefined {
  const { counts, lost, unsent, stopped } = result;
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
  parts.push(...earlyLosses(result));
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
  { skipped }: Trace,
  { counts: { spans, events, links, byCategory, leftOut, unsendable }, crowdedOut, cutTexts }: PreparedSpans,
  done?: { readonly result: ExportResult; readonly url: string; readonly seconds: number },
): Record<string, unknown> {
  const counts = {
    spans,
    events,
    links,
    spansByCategory: Object.fromEntries(byCategory),
    noSpans: Object.fromEntries(leftOut),
    unsendable: Object.fromEntries(unsendable),
    withoutRoom: crowdedOut,
    textsCut: cutTexts,
    notRead: Object.fromEntries(skipped),
  };
  if (done === undefined) return counts;
  const { sent, lost, unsent, warnings, requests, retries, bytes, stopped } = done.result;
  return {
    url: done.url,
    ...counts,
    sent,
    lost: Object.fromEntries(lost),
    unsent,
    warnings,
    requests,
    retries,
    bytes,
    seconds: done.seconds,
    ...(stopped === undefined ? {} : { stopped }),
  };
}
