/** `ttrace mmu` as users and programs meet it. */
import { expect, test } from 'vitest';
import { testdata, ttrace } from './ttrace-process.ts';

const file = testdata('order.json');
const rowsOf = (stdout: string): Record<string, number>[] => JSON.parse(stdout) as Record<string, number>[];

test('each window length has its minimum and percentiles, in order, up to the whole trace', async () => {
  const { code, stdout, stderr } = await ttrace([
    'mmu',
    file,
    '--json',
    '--count',
    'blocks,gc,waits,running',
  ]);
  // The loops of its program were not recorded.
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/^ttrace: Of threads without recorded event loops .*\n$/),
  ]);
  const rows = rowsOf(stdout);
  expect(rows.length).toBeGreaterThan(3);
  for (const { minimum, p999, p99, p95 } of rows) {
    const shares = [0, minimum!, p999!, p99!, p95!, 1];
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
  }
  expect(rows.at(-1)!.minimum).toBeLessThan(1);
});

test('--window lists windows of that length that do not overlap, the worst first', async () => {
  const { code, stdout } = await ttrace(['mmu', file, '--json', '--count', 'running', '--window', '100us']);
  expect(code).toBe(0);
  const rows = rowsOf(stdout);
  expect(rows.length).toBeGreaterThan(0);
  const shares = rows.map(({ utilization }) => utilization!);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  const inTime = rows
    .map(({ startNanos, endNanos }) => [startNanos!, endNanos!] as const)
    .sort((a, b) => a[0] - b[0]);
  for (const [at, [start, end]] of inTime.entries()) {
    expect(end - start).toBe(100_000);
    if (at > 0) expect(start).toBeGreaterThanOrEqual(inTime[at - 1]![1]);
  }
});

test('a window longer than the trace is refused with both lengths', async () => {
  const { code, stderr } = await ttrace(['mmu', file, '--window', '3600s']);
  expect(code).toBe(1);
  expect(stderr).toContain('--window is longer than what was asked for: 3600 s, of ');
});
