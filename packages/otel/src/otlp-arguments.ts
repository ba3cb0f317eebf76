/**
 * The arguments of a row, which stand in a trace as JSON text: what of them is said by a span's own fields, and the rest as values.
 * Integers past 2^53 stay exact: they become text before JSON.parse rounds them.
 */

/** Ids of a span of OpenTelemetry that a row carries. */
export interface OwnIds {
  readonly traceId: string;
  readonly spanId: string;
  /** '' = none. */
  readonly parentSpanId: string;
}

const LEADING_TASK = /^\{"task":(\d+)[,}]/;
const LONG_DIGITS = /\d{16}/;
/** A text of JSON, or a number. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
const INTEGER = /^-?\d{16,}$/;

/** The arguments as an object; {} for what is none. */
export function parsedArguments(text: string): Readonly<Record<string, unknown>> {
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(LONG_DIGITS.test(text) ? text.replace(TOKEN, quotedIfLong) : text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}

/** Id of the task that arguments name; 0 = none. */
export function taskIn(text: string): number {
  const leading = LEADING_TASK.exec(text);
  if (leading !== null) return Number(leading[1]);
  return text.includes('"task"') ? idOf(parsedArguments(text).task) : 0;
}

/** Id of the parent task that arguments name; 0 = none. */
export function parentTaskIn(text: string): number {
  return text.includes('"parent"') ? idOf(parsedArguments(text).parent) : 0;
}

/** The ids that arguments carry, if they are ones of OpenTelemetry. */
export function ownIdsIn(text: string): OwnIds | undefined {
  if (!text.includes('"span_id"')) return undefined;
  const { trace_id, span_id, parent_span_id } = parsedArguments(text);
  const traceId = hexId(trace_id, 32);
  const spanId = hexId(span_id, 16);
  if (traceId === '' || spanId === '') return undefined;
  return { traceId, spanId, parentSpanId: hexId(parent_span_id, 16) };
}

/** An id in lower case; '' for what is none, also for one of zeros alone. */
export function hexId(value: unknown, digits: 16 | 32): string {
  if (typeof value !== 'string' || value.length !== digits || !/^[\da-f]+$/i.test(value)) return '';
  return /[^0]/.test(value) ? value.toLowerCase() : '';
}

/** An unsigned integer of 32 bits, as OTLP has flags and counts; 0 for what is none. */
export function uint32In(value: unknown): number {
  return typeof value === 'number' && value >>> 0 === value ? value : 0;
}

function idOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function quotedIfLong(token: string): string {
  return INTEGER.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token;
}
