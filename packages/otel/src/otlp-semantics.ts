/**
 * What a slice or instant is called in OpenTelemetry: kind, status, and its arguments under the names of the semantic conventions where
 * they have one. ttrace's own arguments stand under `ttrace.`, those of the user under their own names.
 */
import { Argument, Category } from '@ttrace/format';
import { hexId } from './otlp-arguments.ts';
import { type CutCounter, safeKey, safeText, safeValue } from './otlp-safe-value.ts';
import { type OtlpAttributes, type OtlpLink, type OtlpValue, SpanKind, SpanStatus } from './otlp-span.ts';

/** What a row says of itself. */
export interface Meaning {
  readonly kind: number;
  readonly status: number;
  readonly statusMessage: string;
  readonly traceState: string;
  readonly attributes: OtlpAttributes;
  /** Links that a span carries itself; undefined where it has none. */
  readonly links: readonly OtlpLink[] | undefined;
}

/** Arguments that a span's own fields say. */
const FIELDS: ReadonlySet<string> = new Set([
  Argument.traceId,
  Argument.spanId,
  Argument.parentSpanId,
  Argument.parent,
  'trace_state',
  'links',
]);
/** And those of a span of OpenTelemetry. */
const SPAN_FIELDS: ReadonlySet<string> = new Set([...FIELDS, 'kind', 'status', 'status_message', 'events']);
/** A span's scope stands among its attributes: all spans of a batch are of one scope. */
const SPAN_NAMES = new Map([
  ['scope', 'otel.scope.name'],
  ['scope_version', 'otel.scope.version'],
]);
const REQUEST_NAMES = new Map([
  ['method', 'http.request.method'],
  ['url', 'url.path'],
  ['path', 'url.path'],
  ['route', 'http.route'],
  ['status', 'http.response.status_code'],
  ['responseBytes', 'http.response.body.size'],
  ['error', 'error.type'],
]);
const ERROR_NAMES = new Map([
  ['message', 'exception.message'],
  ['stack', 'exception.stacktrace'],
]);
/** Categories all of whose arguments are ttrace's own. */
const OWN: ReadonlySet<string> = new Set([Category.loop, Category.ttrace]);
const UNSET = { status: SpanStatus.unset, statusMessage: '' };
const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'];

/** What the arguments of a slice mean. */
export function meaningOf(
  category: string,
  name: string,
  given: Readonly<Record<string, unknown>>,
  counter: CutCounter,
): Meaning {
  const isSpan = category === Category.span || isSpanAsTask(given);
  const isServed =
    category === Category.task && !isSpan && typeof given.method === 'string' && 'url' in given;
  const isRequest = isServed || category === Category.http;
  const renamed = isRequest ? REQUEST_NAMES : isSpan ? SPAN_NAMES : undefined;
  const attributes = attributesOf(category, given, isSpan ? SPAN_FIELDS : FIELDS, renamed, counter);
  return {
    kind: kindOf(category, name, given.kind, isServed),
    ...(isRequest ? answerStatus(given, isServed, counter) : statusOf(given, isSpan, counter)),
    traceState: typeof given.trace_state === 'string' ? given.trace_state : '',
    attributes,
    links: linksOf(given.links, counter),
  };
}

/** The same of a slice that has a task and no other arguments; 0 = not even that. */
export function plainMeaning(category: string, name: string, task: number): Meaning {
  return {
    kind: kindOf(category, name, undefined, false),
    ...UNSET,
    traceState: '',
    attributes: task === 0 ? [] : [['ttrace.task', task]],
    links: undefined,
  };
}

/** What the arguments of an instant say, and its name. */
export function eventOf(
  category: string,
  name: string,
  given: Readonly<Record<string, unknown>>,
  counter: CutCounter,
): { readonly name: string; readonly attributes: OtlpAttributes } {
  if (category !== Category.error) {
    return {
      name: safeText(name, counter),
      attributes: attributesOf(category, given, FIELDS, undefined, counter),
    };
  }
  const { stack } = given;
  const text = Array.isArray(stack) ? { ...given, stack: stack.join('\n') } : given;
  const type = /^[\w$.]+/.exec(name)?.[0] ?? 'Error';
  return {
    name: 'exception',
    attributes: [['exception.type', type], ...attributesOf(category, text, FIELDS, ERROR_NAMES, counter)],
  };
}

function attributesOf(
  category: string,
  given: Readonly<Record<string, unknown>>,
  fields: ReadonlySet<string>,
  renamed: ReadonlyMap<string, string> | undefined,
  counter: CutCounter,
): OtlpAttributes {
  const attributes: [string, OtlpValue][] = [];
  for (const key in given) {
    if (fields.has(key)) continue;
    const value = given[key];
    const known = key === Argument.task || OWN.has(category) ? `ttrace.${key}` : renamed?.get(key);
    if (known === 'url.path' && typeof value === 'string') addPath(attributes, value, counter);
    else attributes.push([known ?? safeKey(key, counter), safeValue(value, counter)]);
  }
  return attributes;
}

function addPath(attributes: [string, OtlpValue][], url: string, counter: CutCounter): void {
  const at = url.indexOf('?');
  attributes.push(['url.path', safeText(at < 0 ? url : url.slice(0, at), counter)]);
  if (at >= 0) attributes.push(['url.query', safeText(url.slice(at + 1), counter)]);
}

function kindOf(category: string, name: string, kind: unknown, isServed: boolean): number {
  if (isServed) return SpanKind.server;
  if (category === Category.http) return SpanKind.client;
  if (category === Category.message) return name === 'message' ? SpanKind.consumer : SpanKind.producer;
  if (typeof kind === 'number' && kind >= 0 && kind < KINDS.length) return kind + 1;
  return typeof kind === 'string' ? Math.max(0, KINDS.indexOf(kind.toLowerCase())) + 1 : SpanKind.internal;
}

/** The first span of a request in an OTLP file is a task of the trace. */
function isSpanAsTask({ trace_id, kind }: Readonly<Record<string, unknown>>): boolean {
  return trace_id !== undefined && typeof kind === 'string' && KINDS.includes(kind);
}

interface StatusFields {
  readonly status: number;
  readonly statusMessage: string;
}

/** Of answers those from 500 on are errors of who gave them, those from 400 on of who asked. */
function answerStatus(
  given: Readonly<Record<string, unknown>>,
  isServed: boolean,
  counter: CutCounter,
): StatusFields {
  const { status } = given;
  const isBad = typeof status === 'number' && status >= (isServed ? 500 : 400);
  return isBad ? { status: SpanStatus.error, statusMessage: '' } : errorStatus(given, counter);
}

function statusOf(
  given: Readonly<Record<string, unknown>>,
  isSpan: boolean,
  counter: CutCounter,
): StatusFields {
  if (!isSpan) return errorStatus(given, counter);
  const status = typeof given.status === 'string' ? given.status.toLowerCase() : given.status;
  if (status === 'ok' || status === SpanStatus.ok) return { status: SpanStatus.ok, statusMessage: '' };
  if (status !== 'error' && status !== SpanStatus.error) return UNSET;
  const message = typeof given.status_message === 'string' ? given.status_message : '';
  return { status: SpanStatus.error, statusMessage: safeText(message, counter) };
}

/** An argument `error` makes an error, whoever gave it. */
function errorStatus({ error }: Readonly<Record<string, unknown>>, counter: CutCounter): StatusFields {
  if (error === undefined || error === null || error === false || error === '') return UNSET;
  return { status: SpanStatus.error, statusMessage: error === true ? '' : safeText(textOf(error), counter) };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function linksOf(given: unknown, counter: CutCounter): OtlpLink[] | undefined {
  if (!Array.isArray(given)) return undefined;
  const links: OtlpLink[] = [];
  for (const each of given as readonly unknown[]) {
    if (typeof each !== 'object' || each === null) continue;
    const { trace_id, span_id, attributes } = each as Readonly<Record<string, unknown>>;
    const traceId = hexId(trace_id, 32);
    const spanId = hexId(span_id, 16);
    if (traceId === '' || spanId === '') continue;
    const isObject = typeof attributes === 'object' && attributes !== null && !Array.isArray(attributes);
    const own = isObject ? Object.entries(attributes) : [];
    links.push({
      traceId,
      spanId,
      attributes: own.map(([key, value]) => [safeKey(key, counter), safeValue(value, counter)]),
    });
  }
  return links.length > 0 ? links : undefined;
}
