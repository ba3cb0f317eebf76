/**
 * Takes one span of OTLP in JSON apart. What producers write differs: enums as numbers or names, ids as hexadecimal digits or base64,
 * 64-bit integers as text or numbers, names in camel or snake case.
 */
import { attributeName } from './vocabulary.ts';

/** An attribute's value as a trace has it. */
export type PlainValue = string | number | boolean | null | readonly PlainValue[] | PlainObject;
/** Attributes as a trace has them. */
export interface PlainObject {
  readonly [key: string]: PlainValue;
}

/** A time in whole microseconds and nanoseconds, so that no digit is lost. */
export interface SplitTime {
  readonly micros: number;
  readonly nanos: number;
}

/** One span, its ids in lower case, '' where it has none. */
export interface SpanFields {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  /** 32 bits: the lowest eight are W3C's, the ninth and tenth whether the parent is remote. 0 where the file has none. */
  readonly flags: number;
  readonly kind: string;
  readonly start: SplitTime | undefined;
  readonly end: SplitTime | undefined;
  /** Attributes as the file has them, for `attributesText`. */
  readonly attributes: unknown;
  readonly events: readonly {
    readonly name: string;
    /** Undefined where the file has none. */
    readonly time: SplitTime | undefined;
    readonly attributes: unknown;
    readonly droppedAttributes: number;
  }[];
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly traceState: string;
    readonly flags: number;
    readonly attributes: unknown;
    readonly droppedAttributes: number;
  }[];
  /** '' for unset. */
  readonly status: string;
  readonly statusMessage: string;
  /** How much its producer left out. */
  readonly droppedAttributes: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
  /** What of it is given and cannot be read, as reasons to count. */
  readonly defects: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

const KINDS = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES = ['', 'ok', 'error'];
/** An integer that stands outside quotes and that a number may not hold. */
const BARE_INTEGER = /[^\w".-]-?\d{16,}/;
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/** JSON text as an object, integers past 2^53 as text; undefined for what is no object. */
export function parsedObject(text: string): Json | undefined {
  try {
    return objectOf(JSON.parse(BARE_INTEGER.test(text) ? text.replace(TOKEN, quotedIfLong) : text));
  } catch {
    return undefined;
  }
}

/** The fields of a span; undefined for what is none. */
export function spanFields(text: string): SpanFields | undefined {
  const span = parsedObject(text);
  if (span === undefined) return undefined;
  const status = objectOf(span.status) ?? {};
  const givenParent = span.parentSpanId ?? span.parent_span_id;
  const parentSpanId = idOf(givenParent, 16);
  const givenEnd = span.endTimeUnixNano ?? span.end_time_unix_nano;
  const end = timeOf(givenEnd);
  const defects: string[] = [];
  if (parentSpanId === '' && !isNone(givenParent)) defects.push('parent of a span that is no id');
  if (end === undefined && !isNone(givenEnd)) defects.push('end of a span that is no time');
  return {
    name: textOf(span.name),
    traceId: idOf(span.traceId ?? span.trace_id, 32),
    spanId: idOf(span.spanId ?? span.span_id, 16),
    parentSpanId,
    traceState: textOf(span.traceState ?? span.trace_state),
    flags: flagsOf(span, defects),
    kind: enumOf(span.kind, KINDS, 'SPAN_KIND_') || 'internal',
    start: timeOf(span.startTimeUnixNano ?? span.start_time_unix_nano),
    end,
    attributes: span.attributes,
    events: span.events === undefined ? NOTHING : eventsOf(span.events, defects),
    links: span.links === undefined ? NOTHING : linksOf(span.links, defects),
    status: enumOf(status.code, STATUSES, 'STATUS_CODE_'),
    statusMessage: textOf(status.message),
    droppedAttributes: droppedAttributesOf(span, defects),
    droppedEvents: countOf(span.droppedEventsCount ?? span.dropped_events_count, defects),
    droppedLinks: countOf(span.droppedLinksCount ?? span.dropped_links_count, defects),
    defects,
  };
}

function eventsOf(given: unknown, defects: string[]): SpanFields['events'] {
  return elementsOf(given).map((each) => ({
    name: textOf(each.name),
    time: timeOf(each.timeUnixNano ?? each.time_unix_nano),
    attributes: each.attributes,
    droppedAttributes: droppedAttributesOf(each, defects),
  }));
}

function linksOf(given: unknown, defects: string[]): SpanFields['links'] {
  return elementsOf(given).map((each) => ({
    traceId: idOf(each.traceId ?? each.trace_id, 32),
    spanId: idOf(each.spanId ?? each.span_id, 16),
    traceState: textOf(each.traceState ?? each.trace_state),
    flags: flagsOf(each, defects),
    attributes: each.attributes,
    droppedAttributes: droppedAttributesOf(each, defects),
  }));
}

/** How many attributes the producer of a span, event, link, scope or resource left out; adds to the defects what is no number. */
export function droppedAttributesOf(given: Json, defects: string[]): number {
  return countOf(given.droppedAttributesCount ?? given.dropped_attributes_count, defects);
}

function countOf(given: unknown, defects: string[]): number {
  const count = uint32Of(given);
  if (count === undefined) defects.push('number of what was dropped that is none');
  return count ?? 0;
}

function flagsOf(given: Json, defects: string[]): number {
  const flags = uint32Of(given.flags);
  if (flags === undefined) defects.push('flags that are no number');
  return flags ?? 0;
}

/** An unsigned integer of 32 bits, 0 where there is none; undefined for anything else. */
function uint32Of(given: unknown): number | undefined {
  if (given === undefined || given === null) return 0;
  const value = typeof given === 'string' && given !== '' ? Number(given) : given;
  return typeof value === 'number' && value >>> 0 === value ? value : undefined;
}

/**
 * Attributes as the text of members of JSON, each with a comma before it; of a key given twice the last one counts.
 * @param taken names of arguments that stand beside them.
 */
export function attributesText(given: unknown, taken: ReadonlySet<string>): string {
  // hot: once a span. An object a span and JSON.stringify of it take three times as long.
  if (!Array.isArray(given)) return '';
  let text = '';
  for (const each of given as readonly unknown[]) {
    const attribute = objectOf(each);
    if (attribute === undefined) continue;
    const key = textOf(attribute.key);
    text += `,${nameText(attributeName(key, taken))}:${valueText(attribute.value)}`;
  }
  return text;
}

/** The text of an attribute that is one; '' for any other, and where there is none of that name. */
export function textAttribute(given: unknown, name: string): string {
  const found = listOf(given).findLast(({ key }) => key === name);
  return found === undefined ? '' : textOf(objectOf(found.value)?.stringValue);
}

/** Attributes as an object. */
export function attributesOf(given: unknown): PlainObject {
  return JSON.parse(attributesObjectText(given)) as PlainObject;
}

/** Attributes as the text of an object of JSON. */
export function attributesObjectText(given: unknown): string {
  return `{${attributesText(given, NO_NAMES).slice(1)}}`;
}

const NOTHING: readonly never[] = [];
const NO_NAMES: ReadonlySet<string> = new Set();

/** Names as JSON has them: there are few, and they come again and again. */
const nameTexts = new Map<string, string>();
const MAX_NAMES = 10_000;

function nameText(name: string): string {
  let text = nameTexts.get(name);
  if (text === undefined) {
    text = JSON.stringify(name);
    if (nameTexts.size < MAX_NAMES) nameTexts.set(name, text);
  }
  return text;
}

function valueText(given: unknown): string {
  const { stringValue, intValue } = objectOf(given) ?? {};
  if (typeof stringValue === 'string') return JSON.stringify(stringValue);
  // An integer that a number holds is its own text.
  if (typeof intValue === 'string' && /^-?[1-9]\d{0,14}$/.test(intValue)) return intValue;
  return JSON.stringify(plainValue(given, 0));
}

const MAX_DEPTH = 64;

function plainValue(given: unknown, depth: number): PlainValue {
  const value = objectOf(given) ?? {};
  if (depth > MAX_DEPTH) return null;
  for (const key in value) {
    const each = value[key];
    switch (key.replaceAll('_', '').toLowerCase()) {
      case 'stringvalue':
      case 'bytesvalue':
        return textOf(each);
      case 'boolvalue':
        return each === true || each === 'true';
      case 'intvalue':
        return integerOf(each);
      case 'doublevalue':
        // NaN and Infinity stand as texts.
        return typeof each === 'number' ? each : textOf(each);
      case 'arrayvalue':
        return valuesOf(each).map((item) => plainValue(item, depth + 1));
      case 'kvlistvalue':
        return Object.fromEntries(
          valuesOf(each).map((item) => {
            const pair = objectOf(item) ?? {};
            return [textOf(pair.key), plainValue(pair.value, depth + 1)];
          }),
        );
      default:
    }
  }
  return null;
}

function valuesOf(list: unknown): readonly unknown[] {
  const values = objectOf(list)?.values;
  return Array.isArray(values) ? values : [];
}

function integerOf(given: unknown): number | string {
  const value = Number(given);
  return Number.isSafeInteger(value) ? value : textOf(given);
}

function timeOf(given: unknown): SplitTime | undefined {
  const digits = typeof given === 'number' ? String(given) : given;
  if (typeof digits !== 'string' || !/^\d{1,20}$/.test(digits) || /^0+$/.test(digits)) return undefined;
  return { micros: Number(digits.slice(0, -3)), nanos: Number(digits.slice(-3)) };
}

/** Hexadecimal digits; programs that print protobuf themselves have base64. */
function idOf(given: unknown, digits: number): string {
  if (typeof given !== 'string' || given === '') return '';
  if (given.length === digits && /^[\da-f]+$/i.test(given))
    return /[^0]/.test(given) ? given.toLowerCase() : '';
  if (!/^[\w+/-]+={0,2}$/.test(given)) return '';
  let bytes = '';
  try {
    bytes = atob(given);
  } catch {
    return '';
  }
  const hex = [...bytes].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  return hex.length === digits && /[^0]/.test(hex) ? hex : '';
}

/** Whether an id or a time is left out, in one of the ways in which producers do: zeros, in base64 too. */
function isNone(given: unknown): boolean {
  return given === undefined || given === null || /^(0*|A*=*)$/.test(textOf(given));
}

function enumOf(given: unknown, names: readonly string[], prefix: string): string {
  if (typeof given === 'number') return names[given] ?? '';
  const name = textOf(given).replace(prefix, '').toLowerCase();
  return names.includes(name) ? name : '';
}

/** The elements of a list, those that are no objects as empty ones, so that they are counted as what they lack. */
function elementsOf(given: unknown): readonly Json[] {
  return Array.isArray(given) ? given.map((each: unknown) => objectOf(each) ?? {}) : [];
}

function listOf(given: unknown): readonly Json[] {
  if (!Array.isArray(given)) return [];
  return given.filter((each: unknown) => objectOf(each) !== undefined) as Json[];
}

function objectOf(given: unknown): Json | undefined {
  return typeof given === 'object' && given !== null && !Array.isArray(given) ? (given as Json) : undefined;
}

function textOf(given: unknown): string {
  if (typeof given === 'string') return given;
  return given === undefined || given === null ? '' : JSON.stringify(given);
}

function quotedIfLong(token: string): string {
  return /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token;
}
