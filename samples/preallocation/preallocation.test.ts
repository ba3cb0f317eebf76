/** What growing arrays cost the garbage collector, by the trace. */
import { beforeAll, expect, test } from 'vitest';
import { type SampleTrace, type Slice, slicesOf, taskOf, total, traceOf } from '../trace-of.ts';

let sample: SampleTrace;

beforeAll(async () => {
  sample = await traceOf('preallocation');
});

const collections = ({ start, end }: Slice): Slice[] =>
  sample.slices.filter((slice) => slice.category === 'gc' && slice.start >= start && slice.end <= end);

test('every way does the same rounds, each on a thread of its own', () => {
  const rows = ['growing', 'preallocated', 'typed array'].map((way) => {
    const rounds = slicesOf(sample, 'region', way, taskOf(sample, way));
    expect(rounds).toHaveLength(80);
    return new Set(rounds.map(({ row }) => row));
  });
  for (const threads of rows) expect(threads.size).toBe(1);
  expect(new Set(rows.flatMap((threads) => [...threads])).size).toBe(3);
  const checks = [...sample.stdout.matchAll(/check (\d+)/g)].map(([, check]) => check);
  expect(new Set(checks).size).toBe(1);
});

test('garbage collections take several times as long where arrays grow', () => {
  const [growing, preallocated] = ['growing', 'preallocated'].map((way) => taskOf(sample, way));
  expect(total(collections(growing!))).toBeGreaterThan(2 * total(collections(preallocated!)));
  expect(growing!.end - growing!.start).toBeGreaterThan(1.5 * (preallocated!.end - preallocated!.start));
});
