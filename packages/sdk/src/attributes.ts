/**
 * Turns the attributes that a user hands over into the text of a JSON object. Never throws, whatever they are: cycles,
 * throwing getters, proxies, BigInt, NaN, huge texts. Runs in the user's thread, only when attributes are given.
 */
import { attributeName } from '@ttrace/format/vocabulary';

/** Values that attributes may have; anything else is made into text. */
export type AttributeValue = string | number | boolean | bigint | null | undefined | object;
/** What a task or region says about itself, such as `{ id: 17 }`; shown as arguments in the timeline. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Characters kept of one text. */
const MAX_TEXT = 4096;
/** Entries kept of one object or array. */
const MAX_ENTRIES = 64;
const MAX_DEPTH = 5;
/** Values kept in all, so that wide and deep input stays small. */
const MAX_VALUES = 512;
/** Characters of the whole text; the smallest ring holds several of it. */
const MAX_CHARACTERS = 16_000;

/** Names that ttrace uses itself; a user's attribute of that name stands as `attributeName` says. */
const RESERVED = new Set(['task', 'parent']);

/** The same on tasks that are in a trace. */
export const SPAN_IDS: ReadonlySet<string> = new Set([...RESERVED, 'trace_id', 'span_id', 'parent_span_id']);

interface Budget {
  values: number;
  readonly path: object[];
  readonly reserved: ReadonlySet<string>;
}

/**
 * The text of a JSON object, or '' when there is nothing to say.
 * @param reserved Names that ttrace uses there itself.
 */
export function attributesText(
  attributes: Attributes | undefined,
  reserved: ReadonlySet<string> = RESERVED,
): string {
  if (attributes === undefined || attributes === null || typeof attributes !== 'object') return '';
  const text = objectText(attributes, { values: MAX_VALUES, path: [], reserved }, true);
  if (text.length > MAX_CHARACTERS) return `{"…":"${text.length} characters of attributes left out"}`;
  return text === '{}' ? '' : text;
}

/** One JSON object of two, as texts; an empty one is '' or `{}`. They have no name in common. */
export function joinedText(first: string, second: string): string {
  if (first.length <= 2) return second;
  if (second.length <= 2) return first;
  return `${first.slice(0, -1)},${second.slice(1)}`;
}

/** A text of at most MAX_TEXT characters. */
export function clippedText(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}… (${text.length} characters)`;
}

function valueText(value: unknown, budget: Budget): string | undefined {
  if (--budget.values < 0) return undefined;
  switch (typeof value) {
    case 'string':
      return JSON.stringify(clippedText(value));
    case 'number':
      return Number.isFinite(value) ? String(value) : `"${value}"`;
    case 'boolean':
      return String(value);
    case 'bigint':
      return `"${clippedText(String(value))}"`;
    case 'undefined':
      return undefined;
    case 'object':
      return value === null ? 'null' : nestedText(value, budget);
    default:
      return `"[${typeof value}]"`;
  }
}

function nestedText(value: object, budget: Budget): string {
  if (budget.path.includes(value)) return '"[circular]"';
  if (budget.path.length >= MAX_DEPTH) return '"[deep]"';
  try {
    if (value instanceof Date) return JSON.stringify(value) ?? 'null';
    if (value instanceof Error) return JSON.stringify(clippedText(String(value)));
    if (ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set) {
      return JSON.stringify(`[${value.constructor.name}]`);
    }
    return Array.isArray(value) ? arrayText(value, budget) : objectText(value, budget, false);
  } catch {
    return '"[unreadable]"';
  }
}

function arrayText(array: readonly unknown[], budget: Budget): string {
  budget.path.push(array);
  const items: string[] = [];
  const count = Math.min(array.length, MAX_ENTRIES);
  for (let i = 0; i < count && budget.values > 0; i++) items.push(valueText(array[i], budget) ?? 'null');
  if (items.length < array.length) items.push(`"… ${array.length - items.length} more"`);
  budget.path.pop();
  return `[${items.join(',')}]`;
}

function objectText(object: object, budget: Budget, isTop: boolean): string {
  let keys: string[];
  try {
    keys = Object.keys(object);
  } catch {
    return isTop ? '{}' : '"[unreadable]"';
  }
  budget.path.push(object);
  const items: string[] = [];
  let read = 0;
  for (const key of keys.slice(0, MAX_ENTRIES)) {
    if (budget.values <= 0) break;
    read++;
    let text: string | undefined;
    try {
      text = valueText((object as Record<string, unknown>)[key], budget);
    } catch {
      text = '"[unreadable]"';
    }
    const name = clippedText(isTop ? attributeName(key, budget.reserved) : key);
    if (text !== undefined) items.push(`${JSON.stringify(name)}:${text}`);
  }
  if (keys.length > read) items.push(`"…":"${keys.length - read} more"`);
  budget.path.pop();
  return `{${items.join(',')}}`;
}
