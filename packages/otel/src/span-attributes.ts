/**
 * Attributes of tasks and regions as spans take them. SDKs drop what is no text, finite number, truth value or a list of one of them,
 * and exporters lose whole batches over a NaN: the rest becomes text.
 */
import type { Attributes as SpanAttributes } from '@opentelemetry/api';
import { type Attributes, attributesText } from '@ttrace/sdk/spans';

type Value = string | number | boolean | string[] | number[] | boolean[];

/** The same attributes, made safe; undefined when there are none. */
export function spanAttributes(attributes: Attributes | undefined): SpanAttributes | undefined {
  const text = attributesText(attributes, new Set());
  if (text === '') return undefined;
  const result: Record<string, Value> = {};
  for (const [name, value] of Object.entries(JSON.parse(text) as Record<string, unknown>)) {
    if (value !== null && name !== '') result[name] = isPlain(value) ? value : JSON.stringify(value);
  }
  return result;
}

function isPlain(value: unknown): value is Value {
  if (!Array.isArray(value)) return isPrimitive(value);
  return isPrimitive(value[0]) && value.every((item) => isPrimitive(item) && typeof item === typeof value[0]);
}

/** Integers that are not exact would be written as 64-bit integers all the same. */
function isPrimitive(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  return typeof value === 'string' || typeof value === 'boolean';
}
