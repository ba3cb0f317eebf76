/** What all spans of one thread and category have in common: their category, and the thread on which they lie. */
import { Category, type Track } from '@ttrace/format';
import { type CutCounter, safeText } from './otlp-safe-value.ts';
import type { OtlpAttributes, OtlpValue } from './otlp-span.ts';

/** Attributes of the spans of a thread; of those that lie on no thread, their category alone. */
export function threadAttributes(
  thread: Track | undefined,
  category: string,
  counter: CutCounter,
): OtlpAttributes {
  const attributes: [string, OtlpValue][] = [];
  // A span of OpenTelemetry goes out as it came in.
  if (category !== '' && category !== Category.span)
    attributes.push(['ttrace.category', safeText(category, counter)]);
  if (thread === undefined) return attributes;
  attributes.push(['thread.id', thread.tid]);
  if (thread.name !== '') attributes.push(['thread.name', safeText(thread.name, counter)]);
  return attributes;
}

/** Index of the track of the thread that a track is or belongs to, as that of its event loop does; -1 for none. */
export function threadOf(tracks: readonly Track[], at: number): number {
  const track = tracks[at]!;
  if (track.kind === 'thread') return at;
  if (track.kind !== 'async' || track.category !== Category.loop) return -1;
  const tid = Number(track.id === '' ? Number.NaN : track.id);
  return tracks.findIndex((each) => each.kind === 'thread' && each.pid === track.pid && each.tid === tid);
}
