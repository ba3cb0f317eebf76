/** What a pool pays for each message, by the trace. */
import { beforeAll, expect, test } from 'vitest';
import { type SampleTrace, type Slice, slicesOf, taskOf, total, traceOf } from '../trace-of.ts';

const JOBS = 20_000;
let sample: SampleTrace;

beforeAll(async () => {
  sample = await traceOf('worker-pool');
});

const way = (name: string): Slice => taskOf(sample, name);
const jobsIn = (task: Slice): Slice[] => slicesOf(sample, 'region', 'jobs', task);
const sentIn = (task: Slice): Slice[] => slicesOf(sample, 'message', 'postMessage', task);

/** Share of the time in which the workers did jobs. */
function utilization(task: Slice): number {
  const jobs = jobsIn(task);
  return total(jobs) / (task.end - task.start) / new Set(jobs.map(({ row }) => row)).size;
}

test('all ways come to the same results', () => {
  const results = [...sample.stdout.matchAll(/(\d+) results \(sum (\d+)\)/g)].map((match) => match.slice(1));
  expect(results).toHaveLength(4);
  for (const result of results) expect(result).toEqual([String(JOBS), results[0]![1]]);
});

test.each(['plain workers', 'piscina'])(
  '%s: messages fall by the size of a chunk, and workers do more',
  (pool) => {
    const single = way(`${pool}, a message a job`);
    const chunks = way(`${pool}, a message a chunk`);
    expect(jobsIn(single)).toHaveLength(JOBS);
    const workers = jobsIn(chunks).length;
    expect(workers).toBeGreaterThan(0);
    const messages = sentIn(single).length / sentIn(chunks).length;
    expect(messages).toBeGreaterThan(JOBS / workers / 4);
    expect(utilization(chunks)).toBeGreaterThan(1.3 * utilization(single));
  },
);
