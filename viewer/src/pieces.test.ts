/** Cutting a trace into stretches. */
import { rowsWithin, TraceBuilder } from '@ttrace/format';
import { describe, expect, it } from 'vitest';
import { cutIntoPieces } from './pieces.ts';

/** `count` slices of 10 ns, one every 100 ns from 1000 on, and one that spans them all. */
function evenTrace(count: number) {
  const builder = new TraceBuilder();
  const track = builder.threadTrack(1, 1);
  builder.slice(track, 0, 0, 1000, count * 100, 0);
  for (let i = 0; i < count; i++) builder.slice(track, 0, 0, 1000 + i * 100, 10, 0);
  return builder.finish('json', 0);
}

describe('cutIntoPieces', () => {
  it('covers the trace without gap or overlap, each piece within the limit', () => {
    const pieces = cutIntoPieces(evenTrace(10_000), 1000, 1_000_000, 1500);
    expect(pieces[0]?.from).toBe(0);
    expect(pieces.at(-1)?.to).toBe(1_000_000);
    for (let i = 1; i < pieces.length; i++) expect.soft(pieces[i]!.from).toBe(pieces[i - 1]!.to);
    for (const piece of pieces) expect.soft(piece.events).toBeLessThanOrEqual(1500);
    expect(pieces.length).toBe(7);
  });

  it('counts a slice in each piece that it crosses', () => {
    const trace = evenTrace(1000);
    for (const piece of cutIntoPieces(trace, 1000, 100_000, 300)) {
      const held = rowsWithin(trace, 1000 + piece.from, 1000 + piece.to - 1).length;
      // The cut is made in bins of 1/4096 of the trace: a slice may begin in the bin and yet after the edge.
      expect.soft(Math.abs(held - piece.events)).toBeLessThanOrEqual(2);
    }
  });

  it('is one piece where all fits, and for a trace of one moment', () => {
    expect(cutIntoPieces(evenTrace(100), 1000, 10_000, 1000)).toEqual([{ from: 0, to: 10_000, events: 101 }]);
    expect(cutIntoPieces(evenTrace(0), 1000, 0, 1)).toEqual([{ from: 0, to: 0, events: 1 }]);
  });
});
