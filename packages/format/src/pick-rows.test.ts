/** Parts of a trace. */
import { describe, expect, it } from 'vitest';
import { dropEmptyTracks, pickRows, rowsWhere, rowsWithin } from './pick-rows.ts';
import { readTextTrace } from './text-reader.ts';
import { textLines } from './text-writer.ts';
import { TraceBuilder } from './trace-builder.ts';

describe('rowsWithin', () => {
  it('takes what overlaps, ends included, and a slice that never ended', () => {
    const builder = new TraceBuilder();
    const track = builder.threadTrack(1, 1);
    builder.slice(track, 0, 0, 0, 10, 0);
    builder.slice(track, 0, 0, 20, 10, 0);
    builder.instant(track, 0, 0, 15, 0);
    builder.begin(track, 0, 0, 5, 0);
    const trace = builder.finish('json', 0);
    expect([...rowsWithin(trace, 10, 15)]).toEqual([0, 2, 3]);
    expect([...rowsWithin(trace, 16, 19)]).toEqual([3]);
    expect([...rowsWithin(trace, 0, 4)]).toEqual([0]);
  });
});

describe('pickRows', () => {
  it('keeps order, columns and tables', () => {
    const builder = new TraceBuilder();
    const track = builder.threadTrack(1, 1);
    for (let i = 0; i < 6; i++) builder.slice(track, 0, 0, 1000 + i * 100, 10, 0);
    const trace = builder.finish('json', 0);
    const picked = pickRows(trace, Uint32Array.of(0, 3, 5));
    expect(picked.length).toBe(3);
    expect([...picked.columns.start]).toEqual([1000, 1300, 1500]);
    expect(picked.tracks).toBe(trace.tracks);
    expect([...rowsWhere(trace, (row) => row % 2 === 1)]).toEqual([1, 3, 5]);
  });
});

describe('dropEmptyTracks', () => {
  const whole = readTextTrace(`# ttrace text 1
process 1 "shop"
process 2 "idle"
track 1/1 thread "main"
track 1/2 thread "worker"
track 1/3 thread "quiet"
track 2/2 thread "main"
track a1 async 1 loop "0x2" "worker event loop"
track a2 async 1 task "0x7" "order"
slice 1/1 +0.000000001 0.000000002 region "parse"
slice a1 +0.000000003 0.000000004 loop "turn"
`);

  it('leaves out tracks and processes without rows, but not the thread that a kept event loop is named after', () => {
    const lines = [...textLines(dropEmptyTracks(whole))];
    expect(lines.filter((line) => /^(process|track)/.test(line))).toEqual([
      'process 1 "shop"',
      'track 1/1 thread "main"',
      'track 1/2 thread "worker"',
      'track a1 async 1 loop "0x2" "worker event loop"',
    ]);
    expect(lines.filter((line) => line.startsWith('slice'))).toEqual([
      'slice 1/1 +0.000000001 0.000000002 region "parse"',
      'slice a1 +0.000000003 0.000000004 loop "turn"',
    ]);
  });

  it('keeps tracks that are asked for', () => {
    expect(dropEmptyTracks(whole, [3]).tracks.map(({ pid, tid }) => `${pid}/${tid}`)).toContain('2/2');
  });
});
