/**
 * Makes values safe to send: a collector throws a whole batch away for one number that is none, one broken character or one integer
 * that its 64 bits do not hold. What is changed keeps its meaning as text.
 */
import type { OtlpAttributes, OtlpValue } from './otlp-span.ts';

/** Longest text of a value, in UTF-16 units; receivers cut or refuse what is longer. */
export const MAX_TEXT: number = 1 << 16;
/** Deepest nesting that stays nested; below it stands JSON. */
const MAX_DEPTH = 8;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const SURROGATE = /[\ud800-\udfff]/;

/** Counts texts that were cut. */
export interface CutCounter {
  cut: number;
}

/** Text without broken characters, and cut where it is too long. */
export function safeText(text: string, counter: CutCounter): string {
  let safe = text;
  if (text.length > MAX_TEXT) {
    counter.cut++;
    safe = `${text.slice(0, MAX_TEXT)}… (cut, ${text.length} characters)`;
  }
  return SURROGATE.test(safe) ? safe.replace(LONE_SURROGATE, '\ufffd') : safe;
}

/** Any value of any producer as one that can be sent. */
export function safeValue(value: unknown, counter: CutCounter, depth = 0): OtlpValue {
  switch (typeof value) {
    case 'string':
      return safeText(value, counter);
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'object':
      if (value === null) return null;
      if (depth >= MAX_DEPTH) return safeText(JSON.stringify(value) ?? '', counter);
      if (Array.isArray(value)) return value.map((each) => safeValue(each, counter, depth + 1));
      return Object.fromEntries(safeEntries(value as Readonly<Record<string, unknown>>, counter, depth + 1));
    default:
      return safeText(String(value), counter);
  }
}

/** A key as receivers take it: with text in it. */
export function safeKey(key: string, counter: CutCounter): string {
  return key === '' ? '(empty)' : safeText(key, counter);
}

/** The members of an object as attributes. */
export function safeEntries(
  value: Readonly<Record<string, unknown>>,
  counter: CutCounter,
  depth = 0,
): OtlpAttributes {
  return Object.entries(value).map(([key, each]) => [safeKey(key, counter), safeValue(each, counter, depth)]);
}
