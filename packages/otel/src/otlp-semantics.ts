/**
 * What a slice or instant is called in OpenTelemetry: kind, status, and its arguments under the names of the semantic conventions where
 * they have one. ttrace's own arguments stand under `ttrace.`, those of the user under their own names.
 */
import {
  Argument,
  Category,
  LINK_ARGUMENTS,
  ownAttributeName,
  SPAN_ARGUMENTS,
  SPAN_EVENT_ARGUMENTS,
} from '@ttrace/format';
import { hexId, uint32In } from './otlp-arguments.ts';
import { ownVersion } from './otlp-resource.ts';
import { type CutCounter, safeEntries, safeKey, safeText, safeValue } from './otlp-safe-value.ts';
import {
  type OtlpAttributes,
  type OtlpEvent,
  type OtlpLink,
  type OtlpScope,
  type OtlpValue,
  SpanKind,
  SpanStatus,
} from './otlp-span.ts';

/** What a row says of itself. */
export interface Meaning {
  readonly kind: number;
  readonly status: number;
  readonly statusMessage: string;
  readonly traceState: string;
  readonly flags: number;
  readonly scope: OtlpScope;
  readonly attributes: OtlpAttributes;
  /** Events and links that a span of OpenTelemetry carries itself. */
  readonly events: readonly CarriedEvent[];
  readonly links: readonly OtlpLink[];
  /** How many links it carries that lead nowhere, for want of valid ids. */
  readonly badLinks: number;
  readonly droppedAttributes: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
  /** How long it had lasted when the recording began, in milliseconds. */
  readonly beforeMs: number;
}

/** An event of a span, so many milliseconds after its begin. */
export interface CarriedEvent {
  readonly name: string;
  readonly afterMs: number;
  readonly attributes: OtlpAttributes;
  readonly droppedAttributes: number;
}

/** Arguments that a span's own fields say, where it has such. */
const IDS: ReadonlySet<string> = new Set([Argument.traceId, Argument.spanId, Argument.parentSpanId]);
const TASK_FIELDS: ReadonlySet<string> = new Set([Argument.parent]);
const TASK_IDS: ReadonlySet<string> = new Set([...IDS, ...TASK_FIELDS]);
/** Those of an event of a span of OpenTelemetry that stands in its span's arguments. */
const CARRIED_FIELDS: ReadonlySet<string> = new Set(['name', 'at_ms']);
const NO_FIELDS: ReadonlySet<string> = new Set();
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
/** Most scopes that are remembered. */
const MAX_SCOPES = 1000;
const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES = ['', 'ok', 'error'];
/** Of all that ttrace recorded by itself. */
const OWN_SCOPE: OtlpScope = {
  name: 'ttrace',
  version: ownVersion(),
  attributes: [],
  droppedAttributes: 0,
  schemaUrl: '',
};

/** What the arguments of a slice mean. */
export function meaningOf(
  category: string,
  name: string,
  given: Readonly<Record<string, unknown>>,
  counter: CutCounter,
): Meaning {
  if (category === Category.span) return spanMeaning(given, counter);
  const isServed = category === Category.task && typeof given.method === 'string' && 'url' in given;
  const isRequest = isServed || category === Category.http;
  const names = isRequest ? REQUEST_NAMES : undefined;
  return {
    ...plainMeaning(category, name, 0),
    ...(isServed ? { kind: SpanKind.server } : {}),
    ...(isRequest ? answerStatus(given, isServed, counter) : errorStatus(given, counter)),
    attributes: attributesOf(category, given, fieldsOf(category, given), names, counter),
  };
}

/** The same of a slice that has a task and no other arguments; 0 = not even that. */
export function plainMeaning(category: string, name: string, task: number): Meaning {
  return {
    kind: kindOf(category, name),
    ...UNSET,
    traceState: '',
    flags: 0,
    scope: OWN_SCOPE,
    attributes: task === 0 ? [] : [['ttrace.task', task]],
    events: [],
    links: [],
    badLinks: 0,
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    beforeMs: 0,
  };
}

/** A span of OpenTelemetry goes out as it came in. */
function spanMeaning(given: Readonly<Record<string, unknown>>, counter: CutCounter): Meaning {
  const { kind, status, status_message, trace_state, flags } = given;
  const carried = objectsIn(given.links);
  const links = linksOf(carried, counter);
  return {
    kind: Math.max(0, KINDS.indexOf(textIn(kind))) + 1,
    status: Math.max(0, STATUSES.indexOf(textIn(status))),
    statusMessage: safeText(textIn(status_message), counter),
    traceState: textIn(trace_state),
    flags: uint32In(flags),
    scope: scopeOf(given, counter),
    attributes: attributesOf(Category.span, given, SPAN_ARGUMENTS, undefined, counter),
    events: objectsIn(given.events).map((event) => ({
      name: safeText(textIn(event.name), counter),
      afterMs: numberIn(event.at_ms),
      attributes: attributesOf(Category.span, event, CARRIED_FIELDS, undefined, counter),
      droppedAttributes: 0,
    })),
    links,
    badLinks: carried.length - links.length,
    droppedAttributes: uint32In(given.dropped_attributes),
    droppedEvents: uint32In(given.dropped_events) + moreIn(given.events),
    droppedLinks: uint32In(given.dropped_links) + moreIn(given.links),
    beforeMs: numberIn(given.before_recording_ms),
  };
}

const scopes = new Map<string, OtlpScope>();

/** One object a scope: there are few. */
function scopeOf(given: Readonly<Record<string, unknown>>, counter: CutCounter): OtlpScope {
  const { scope, scope_version, scope_attributes, scope_dropped_attributes, scope_schema_url } = given;
  const [name, version, schema] = [textIn(scope), textIn(scope_version), textIn(scope_schema_url)];
  const droppedAttributes = uint32In(scope_dropped_attributes);
  const own = scope_attributes === undefined ? '' : JSON.stringify(scope_attributes);
  const key = `${name}\n${version}\n${schema}\n${droppedAttributes}\n${own}`;
  let known = scopes.get(key);
  if (known === undefined) {
    const [attributes = {}] = objectsIn([scope_attributes]);
    known = {
      name,
      version,
      attributes: safeEntries(attributes, counter),
      droppedAttributes,
      schemaUrl: safeText(schema, counter),
    };
    if (scopes.size >= MAX_SCOPES) scopes.clear();
    scopes.set(key, known);
  }
  return known;
}

/** What the arguments of an instant say, and its name. */
export function eventOf(
  category: string,
  name: string,
  given: Readonly<Record<string, unknown>>,
  counter: CutCounter,
): Omit<OtlpEvent, 'time'> {
  if (category !== Category.error) {
    const isOfSpan = category === Category.span;
    const fields = isOfSpan ? SPAN_EVENT_ARGUMENTS : fieldsOf(category, given);
    return {
      name: safeText(name, counter),
      attributes: attributesOf(category, given, fields, undefined, counter),
      droppedAttributes: isOfSpan ? uint32In(given.dropped_attributes) : 0,
    };
  }
  const { stack } = given;
  const text = Array.isArray(stack) ? { ...given, stack: stack.join('\n') } : given;
  const type = /^[\w$.]+/.exec(name)?.[0] ?? 'Error';
  return {
    name: 'exception',
    attributes: [
      ['exception.type', type],
      ...attributesOf(category, text, fieldsOf(category, given), ERROR_NAMES, counter),
    ],
    droppedAttributes: 0,
  };
}

/** What of other programs is called as ours and is none, such as a `parent` that is no task's, is an attribute as any other. */
function fieldsOf(category: string, given: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const hasIds = hexId(given[Argument.traceId], 32) !== '' && hexId(given[Argument.spanId], 16) !== '';
  if (category === Category.task) return hasIds ? TASK_IDS : TASK_FIELDS;
  return hasIds ? IDS : NO_FIELDS;
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
    // Attributes of a span, of its events and links have the names that they came with.
    if (category === Category.span) {
      attributes.push([safeKey(ownAttributeName(key, fields), counter), safeValue(value, counter)]);
      continue;
    }
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

function kindOf(category: string, name: string): number {
  if (category === Category.http || category === Category.socket) return SpanKind.client;
  if (category === Category.message) return name === 'message' ? SpanKind.consumer : SpanKind.producer;
  return SpanKind.internal;
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

/** An argument `error` makes an error, whoever gave it. */
function errorStatus({ error }: Readonly<Record<string, unknown>>, counter: CutCounter): StatusFields {
  if (error === undefined || error === null || error === false || error === '') return UNSET;
  return { status: SpanStatus.error, statusMessage: error === true ? '' : safeText(textOf(error), counter) };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** Those of the links that lead somewhere. */
function linksOf(given: readonly Readonly<Record<string, unknown>>[], counter: CutCounter): OtlpLink[] {
  const links: OtlpLink[] = [];
  for (const link of given) {
    const traceId = hexId(link.trace_id, 32);
    const spanId = hexId(link.span_id, 16);
    if (traceId === '' || spanId === '') continue;
    links.push({
      traceId,
      spanId,
      traceState: textIn(link.trace_state),
      flags: uint32In(link.flags),
      attributes: attributesOf(Category.span, link, LINK_ARGUMENTS, undefined, counter),
      droppedAttributes: uint32In(link.dropped_attributes),
    });
  }
  return links;
}

function objectsIn(given: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (!Array.isArray(given)) return [];
  return given.filter(
    (each: unknown) => typeof each === 'object' && each !== null && !Array.isArray(each),
  ) as Record<string, unknown>[];
}

/** How many had no room in the record, as the end of a list says. */
function moreIn(given: unknown): number {
  const last: unknown = Array.isArray(given) ? given.at(-1) : undefined;
  return Number((typeof last === 'string' ? /^… (\d{1,9}) more$/.exec(last)?.[1] : undefined) ?? 0);
}

function textIn(given: unknown): string {
  return typeof given === 'string' ? given : '';
}

function numberIn(given: unknown): number {
  return typeof given === 'number' && Number.isFinite(given) && given > 0 ? given : 0;
}
