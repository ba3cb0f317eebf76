/** Lanes hold whatever overlaps so that on each of them spans lie within each other or apart. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OtlpLanes } from './otlp-lanes.ts';

test('spans of one lane lie within each other or apart, whoever their parents are', () => {
  const span = fc.record({ start: fc.nat(50), length: fc.nat(20), parent: fc.nat(30) });
  fc.assert(
    fc.property(fc.array(span, { maxLength: 30 }), (given) => {
      const spans = given
        .map(({ start, length, parent }) => ({ start, end: start + length, parent }))
        .sort((a, b) => a.start - b.start || b.end - a.end);
      const lanes = new OtlpLanes();
      const lane: number[] = [];
      for (const [i, { start, end, parent }] of spans.entries()) {
        lane.push(lanes.place(start, end, parent < i ? lane[parent]! : -1));
      }
      for (const [i, a] of spans.entries()) {
        for (const [j, b] of spans.entries()) {
          if (i >= j || lane[i] !== lane[j]) continue;
          // `b` begins later, or with `a` and is not longer.
          expect(b.start >= a.end || b.end <= a.end, JSON.stringify([a, b])).toBe(true);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('a child lies on the lane of its parent, its sibling that overlaps it on another, which is used again', () => {
  const lanes = new OtlpLanes();
  const parent = lanes.place(0, 100, -1);
  expect(lanes.place(10, 50, parent)).toBe(parent);
  const other = lanes.place(20, 60, parent);
  expect(other).not.toBe(parent);
  expect(lanes.place(70, 80, parent)).toBe(parent);
  expect(lanes.place(200, 300, -1)).toBeLessThanOrEqual(1);
});
