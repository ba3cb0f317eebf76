/** What profiles say of a program that is busy, fetched while it was. */
import { beforeAll, expect, test } from 'vitest';
import { type SampleTrace, slicesOf, taskOf, traceOf } from '../trace-of.ts';

let sample: SampleTrace;

beforeAll(async () => {
  sample = await traceOf('pprof-server');
});

test('each profile has the culprit at its top', () => {
  expect(sample.stdout).toMatch(/^main is in uniqueSlow\(\)/m);
  expect(sample.stdout).toMatch(/^profile: uniqueSlow has/m);
  expect(sample.stdout).toMatch(/^heap: fillCache has/m);
  expect(sample.stdout).toMatch(/^mutex: lock counter wait has/m);
  expect(sample.stdout).toMatch(/^block: uniqueSlow has/m);
});

test('the profiles lie beside the trace', () => {
  const names = ['profile', 'heap', 'mutex', 'block', 'goroutine'].map((name) => `trace-${name}.pb.gz`);
  expect(sample.files).toEqual(expect.arrayContaining(names));
});

test('the slow way is a block of an event loop in the timeline, and takes many times as long', () => {
  const slow = taskOf(sample, 'slow');
  const fast = taskOf(sample, 'fast');
  expect(slow.end - slow.start).toBeGreaterThan(10 * (fast.end - fast.start));
  expect(slicesOf(sample, 'region', 'unique')).toHaveLength(2);
  const blocks = sample.slices.filter(({ category, args }) => category === 'loop' && args.blocked === true);
  const shared = blocks.map(({ start, end }) => Math.min(end, slow.end) - Math.max(start, slow.start));
  expect(Math.max(...shared)).toBeGreaterThan(0.8 * (slow.end - slow.start));
});

test('the server’s own thread is none of the program’s', () => {
  expect(sample.trace.tracks.map(({ name }) => name).join()).not.toContain('ttrace');
});
