/** What the index says of any trace: children lie in their parents, tracks belong to threads. */
import { EventKind } from '@ttrace/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indexOf } from './trace-index.ts';
import { randomTrace } from './trace-test-kit.ts';

test('children lie in their parents, and no slice between the two is nearer', () => {
  fc.assert(
    fc.property(randomTrace, (trace) => {
      const index = indexOf(trace);
      const { kind, start, track } = trace.columns;
      const slices = [...kind.keys()].filter((row) => kind[row] === EventKind.slice);
      const isWithin = (row: number, outer: number): boolean =>
        row !== outer &&
        track[row] === track[outer] &&
        start[outer]! <= start[row]! &&
        index.endOf(outer) >= index.endOf(row);
      for (const row of slices) {
        const parent = index.parentOf(row);
        const around = slices.filter((outer) => isWithin(row, outer));
        if (parent < 0) expect(around).toEqual([]);
        else {
          expect(around).toContain(parent);
          for (const outer of around) expect(outer === parent || isWithin(parent, outer)).toBe(true);
        }
      }
    }),
  );
});

test('a moment lies in the innermost slice around it', () => {
  fc.assert(
    fc.property(randomTrace, fc.integer({ min: 0, max: 1500 }), (trace, micros) => {
      const index = indexOf(trace);
      const { kind, start, track } = trace.columns;
      // Between two microseconds: at an edge the slice that begins there counts.
      const time = index.start + micros * 1000 + 500;
      for (const { track: of } of index.threads) {
        const around = [...kind.keys()].filter(
          (row) =>
            kind[row] === EventKind.slice &&
            track[row] === of &&
            start[row]! <= time &&
            index.endOf(row) >= time,
        );
        const innermost = around.sort((a, b) => start[b]! - start[a]!)[0] ?? -1;
        expect(index.sliceAt(of, time)).toBe(innermost);
      }
    }),
  );
});
