/** The order of slices, parents first, against a plain comparison sort: in the orders in which files have them, and in none. */
import { expect, test } from 'vitest';
import { sortParentsFirst } from './row-order.ts';

/** A small generator of its own, so that a failure comes back. */
function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

/** Nested slices with many equal begins, as they end. */
function nested(count: number, random: () => number): { start: Float64Array; duration: Float64Array } {
  const start = new Float64Array(count);
  const duration = new Float64Array(count);
  let time = 0;
  for (let row = 0; row < count; ) {
    const depth = Math.min(count - row, 1 + Math.floor(random() * 8));
    const begin = time;
    for (let level = depth; level > 0; level--, row++) {
      start[row] = begin + (level >> 1);
      duration[row] = 20 - 2 * (level >> 1);
    }
    time += 20;
  }
  return { start, duration };
}

const COUNT = 20_000;

test.each([
  ['as they end', (rows: Uint32Array) => rows],
  ['one that contains all of them last', (rows: Uint32Array) => rows],
  ['in the opposite order', (rows: Uint32Array) => rows.reverse()],
  ['in no order', (rows: Uint32Array, random: () => number) => rows.sort(() => random() - 0.5)],
] as const)('slices written %s come out parents first', (order, arrange) => {
  const random = randoms(7);
  const { start, duration } = nested(COUNT, random);
  if (order.startsWith('one')) duration[COUNT - 1] = 1e9;
  if (order.startsWith('one')) start[COUNT - 1] = 0;
  const rows = arrange(
    Uint32Array.from({ length: COUNT }, (_, row) => row),
    random,
  );
  const expected = [...rows].sort((a, b) => start[a]! - start[b]! || duration[b]! - duration[a]! || a - b);
  sortParentsFirst(rows, start, duration);
  expect([...rows]).toEqual(expected);
});
