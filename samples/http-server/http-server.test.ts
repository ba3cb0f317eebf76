/** What a pool that is too small costs, by the trace. */
import { beforeAll, expect, test } from 'vitest';
import { type SampleTrace, type Slice, slicesOf, taskOf, total, traceOf } from '../trace-of.ts';

const REQUESTS = 1000;
let sample: SampleTrace;
let one: Slice;
let many: Slice;
let steady: Slice;

const data = (during?: Slice): Slice[] => slicesOf(sample, 'task', 'GET /api/data', during);
/** How many slices of this category and name each task has. */
function byTask(category: string, name: string): Map<unknown, number> {
  const counts = new Map<unknown, number>();
  for (const { args } of slicesOf(sample, category, name))
    counts.set(args.task, (counts.get(args.task) ?? 0) + 1);
  return counts;
}

beforeAll(async () => {
  sample = await traceOf('http-server');
  one = taskOf(sample, 'one connection');
  many = sample.slices.find(({ category, name }) => category === 'task' && /^\d connections$/.test(name))!;
  steady = taskOf(sample, 'steady rate');
});

test('every request is one task, as the server and the client count them', () => {
  const answers = [...sample.stdout.matchAll(/: (\d+) answers/g)].map((match) => Number(match[1]));
  expect(answers.slice(0, 2)).toEqual([REQUESTS, REQUESTS]);
  const served = [...sample.stdout.matchAll(/"total":(\d+),"successful":(\d+),"failed":(\d+)/g)].map(
    (match) => match.slice(1).map(Number),
  );
  expect(served).toHaveLength(2);
  expect(served[0]).toEqual([REQUESTS, REQUESTS, 0]);
  // Those that the client gave up at its end are perhaps being answered still.
  expect(served[1]![0]! - served[1]![1]!).toBeLessThanOrEqual(10);
  expect(served[1]![2]).toBe(0);
  expect(data(one)).toHaveLength(REQUESTS);
  expect(data(many)).toHaveLength(REQUESTS);
  expect(data()).toHaveLength(served[0]![0]! + served[1]![0]!);
  expect(served[1]![0]! - REQUESTS - answers[2]!).toBeLessThanOrEqual(10);
  expect(slicesOf(sample, 'task', 'GET /stats')).toHaveLength(2);
});

test('every request gets one connection, and waits for it once unless one was free', () => {
  const ids = data().map(({ args }) => args.task);
  expect(new Set(ids).size).toBe(ids.length);
  const acquired = byTask('region', 'get connection');
  const waited = byTask('wait', 'pool acquire');
  for (const id of ids) {
    expect(acquired.get(id)).toBe(1);
    expect(waited.get(id) ?? 0).toBeLessThanOrEqual(1);
  }
  const bursts = [...data(one), ...data(many)];
  expect(bursts.filter(({ args }) => waited.has(args.task)).length).toBeGreaterThan(0.9 * bursts.length);
});

test('with one connection the wait for it is nearly all of a request, with more it is shorter', () => {
  const mean = (slices: readonly Slice[]): number => total(slices) / slices.length;
  const waits = (way: Slice): Slice[] => slicesOf(sample, 'region', 'get connection', way);
  expect(mean(waits(one))).toBeGreaterThan(0.8 * mean(data(one)));
  // In lengths of a query, which grow where the workers share their processors with others.
  const queries = (way: Slice): number => mean(waits(way)) / mean(slicesOf(sample, 'region', 'select', way));
  expect(queries(one)).toBeGreaterThan(1.3 * queries(many));
  // At a rate that it can keep up with, a request hardly waits.
  expect(queries(steady)).toBeLessThan(0.5 * queries(many));
});

test('the workers are busier with more than one, and each query ran on one of them', () => {
  const selects = slicesOf(sample, 'region', 'select');
  expect(selects).toHaveLength(data().length);
  expect(new Set(selects.filter(({ start }) => start < one.end).map(({ row }) => row)).size).toBe(1);
  expect(new Set(selects.filter(({ start }) => start > one.end).map(({ row }) => row)).size).toBeGreaterThan(
    1,
  );
});

test('the flight recorder has left a file', () => {
  expect(sample.files.filter((name) => name.endsWith('-flight.json.gz'))).toHaveLength(1);
});
