/** Begins and ends of asynchronous events in a trace, joined. */
import type { TraceEvent } from './program.ts';

/** One asynchronous event with what its begin and its end say. */
export interface Span {
  readonly name: string;
  /** Microseconds. */
  readonly start: number;
  /** undefined if it has no end. */
  readonly end: number | undefined;
  /** Arguments of both. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** The asynchronous events of a category, in the order of their begins. Throws at an end without a begin, or a second one. */
export function spansOf(events: readonly TraceEvent[], category: string): Span[] {
  const spans: Span[] = [];
  /** Index of the open one on each track. */
  const open = new Map<string, number>();
  const sorted = events.filter(({ cat }) => cat === category).sort((a, b) => a.ts - b.ts);
  for (const { ph, name, id, id2, ts, args } of sorted) {
    const track = id2?.local ?? id ?? '';
    if (ph === 'b') {
      if (open.has(track)) throw new Error(`${name} begins within another one on its track`);
      open.set(track, spans.push({ name: name ?? '', start: ts, end: undefined, args: args ?? {} }) - 1);
    } else if (ph === 'e') {
      const at = open.get(track);
      if (at === undefined) throw new Error(`an end on ${track} without a begin`);
      open.delete(track);
      spans[at] = { ...spans[at]!, end: ts, args: { ...spans[at]!.args, ...args } };
    }
  }
  return spans;
}
