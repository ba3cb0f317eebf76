/** Regions may end in any order, in the file too soon or too late: on the thread they nest, and none loses any of its time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { laneSlices, names, recordHere, threadSlices } from './recorder-test-kit.ts';
import type { Region } from './region.ts';
import { trace } from './trace.ts';

/** Opens and closes regions in any order while rounds happen. */
interface Move {
  readonly do:
    | 'open'
    | 'attributes'
    | 'sync'
    | 'round'
    | 'end'
    | 'endWithin'
    | 'endWithinThrowing'
    | 'exchangeWithin'
    | 'openMany';
  readonly index: number;
}

const move: fc.Arbitrary<Move> = fc.record({
  do: fc.constantFrom(
    'open',
    'attributes',
    'sync',
    'round',
    'end',
    'end',
    'endWithin',
    'endWithinThrowing',
    'exchangeWithin',
    'openMany',
  ),
  index: fc.nat(300),
});

test('regions that end in any order nest on the thread, and lose nothing of their time', () => {
  let lanes = 0;
  fc.assert(
    fc.property(fc.array(move, { maxLength: 80, size: 'max' }), (moves) => {
      const recording = recordHere();
      const open: Region[] = [];
      let count = 0;
      const name = (): string => `region ${count++}`;
      for (const { do: what, index } of moves) {
        const endOne = (): void => open.splice(index % Math.max(1, open.length), 1)[0]?.end();
        const endAndThrow = (): void => {
          endOne();
          throw new RangeError('out of the region');
        };
        if (what === 'open') open.push(trace.startRegion(name()));
        else if (what === 'attributes') open.push(trace.startRegion(name(), { index }));
        else if (what === 'sync') trace.withRegion(name(), () => 1);
        else if (what === 'endWithin' && index % 2 === 0) trace.withRegion(name(), { index }, endOne);
        else if (what === 'endWithin') trace.withRegion(name(), endOne);
        else if (what === 'endWithinThrowing')
          expect(() => trace.withRegion(name(), endAndThrow)).toThrow(RangeError);
        else if (what === 'exchangeWithin') {
          trace.withRegion(name(), () => {
            endOne();
            open.push(trace.startRegion(name()), trace.startRegion(name()));
          });
        } else if (what === 'openMany') {
          // More than are known by their begin: 64.
          for (let i = 0; i < 40; i++) open.push(trace.startRegion(name()));
        } else if (what === 'end') endOne();
        else recording.round();
      }
      while (open.length > 0) open.pop()!.end();
      expect(recording.finish().dropped).toBe(0);
      const lane = laneSlices(recording.events());
      const slices = [...threadSlices(recording.events()), ...lane];
      expect(new Set(names(slices)).size).toBe(count);
      for (let i = 0; i < count; i++) {
        const parts = slices
          .filter((slice) => slice.name === `region ${i}`)
          .sort((a, b) => a.start - b.start);
        // What was in the file when a region around it ended goes on elsewhere, without a gap.
        expect(parts.length).toBeLessThanOrEqual(2);
        if (parts.length === 2) expect(parts[1]!.start).toBe(parts[0]!.end);
        expect(parts.at(-1)!.end).toBeLessThan(Infinity);
      }
      lanes += lane.length;
    }),
    { numRuns: 300 },
  );
  expect(lanes).toBeGreaterThan(300);
});
