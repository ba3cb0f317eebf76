/** What meetings cost, by the trace. */
import { beforeAll, expect, test } from 'vitest';
import { type SampleTrace, type Slice, slicesOf, taskOf, total, traceOf } from '../trace-of.ts';

const NUMBERS = 30_000;
let sample: SampleTrace;
let unbuffered: Slice;
let buffered: Slice;

beforeAll(async () => {
  sample = await traceOf('channel-bottleneck');
  unbuffered = taskOf(sample, 'without a buffer');
  buffered = taskOf(sample, 'with a buffer of 1000');
});

test('both ways handle every number', () => {
  const sum = String((NUMBERS * (NUMBERS - 1)) / 2);
  expect([...sample.stdout.matchAll(/sum (\d+) /g)].map((match) => match[1])).toEqual([sum, sum]);
  for (const name of ['unbuffered', 'buffered']) {
    expect(slicesOf(sample, 'message', `channel ${name} send`)).toHaveLength(NUMBERS);
    expect(slicesOf(sample, 'message', `channel ${name} receive`)).toHaveLength(NUMBERS);
  }
});

test('without a buffer the sender waits for nearly every number, with one it hardly waits', () => {
  const waits = (name: string): Slice[] => slicesOf(sample, 'wait', `channel ${name} send wait`);
  expect(waits('unbuffered').length).toBeGreaterThan(0.9 * NUMBERS);
  expect(waits('buffered').length).toBeLessThan(0.2 * NUMBERS);
  // Many times as long where there are two processors to be had.
  expect(total(waits('unbuffered'))).toBeGreaterThan(total(waits('buffered')));
});

test('with a buffer both sides work at the same time, without it hardly ever', () => {
  /** How many of the two did not wait, on average. That makes it faster only where there are two processors to be had. */
  const working = (way: Slice, name: string): number => {
    const sides = ['make', 'handle'].flatMap((side) => slicesOf(sample, 'region', side, way));
    const waits = ['send', 'receive'].flatMap((end) =>
      slicesOf(sample, 'wait', `channel ${name} ${end} wait`),
    );
    return (total(sides) - total(waits)) / Math.max(...sides.map(({ start, end }) => end - start));
  };
  expect(working(buffered, 'buffered')).toBeGreaterThan(1.1 * working(unbuffered, 'unbuffered'));
});
