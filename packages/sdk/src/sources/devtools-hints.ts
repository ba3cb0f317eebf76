/**
 * Reads the hints that the extensibility API of DevTools defines, out of the `detail` of marks and measures:
 * `{ devtools: { dataType, track, trackGroup, color, properties, tooltipText } }`. Whatever is not as it should be is left out.
 */
import type { Attributes } from '../attributes.ts';

/** Properties of one entry that are kept. */
const MAX_PROPERTIES = 64;

/** What a detail says: the row to show an entry on, '' for one of its own, and what to say about it. */
export interface Timing {
  readonly row: string;
  readonly attributes: Attributes;
}

export function timingOf(detail: unknown): Timing {
  if (detail === undefined || detail === null) return { row: '', attributes: {} };
  if (typeof detail !== 'object' || Array.isArray(detail)) return { row: '', attributes: { detail } };
  const { devtools, ...rest } = detail as Record<string, unknown>;
  if (typeof devtools !== 'object' || devtools === null) return { row: '', attributes: detail as Attributes };
  const hints = devtools as Record<string, unknown>;
  const attributes: Record<string, unknown> = { ...rest, ...propertiesOf(hints.properties) };
  if (typeof hints.tooltipText === 'string') attributes.tooltip = hints.tooltipText;
  if (typeof hints.color === 'string') attributes.color = hints.color;
  return { row: rowOf(hints), attributes: attributes as Attributes };
}

function rowOf({ dataType, track, trackGroup }: Record<string, unknown>): string {
  if (dataType === 'marker' || typeof track !== 'string' || track === '') return '';
  return typeof trackGroup === 'string' && trackGroup !== '' ? `${trackGroup} / ${track}` : track;
}

/** Pairs of key and value, or an object. */
function propertiesOf(properties: unknown): Readonly<Record<string, unknown>> {
  if (typeof properties !== 'object' || properties === null) return {};
  if (!Array.isArray(properties)) return properties as Record<string, unknown>;
  const found: Record<string, unknown> = {};
  for (const pair of (properties as unknown[]).slice(0, MAX_PROPERTIES)) {
    if (Array.isArray(pair) && typeof pair[0] === 'string') found[pair[0]] = pair[1] as unknown;
  }
  return found;
}
