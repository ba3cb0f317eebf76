/** Blocks that come regularly, and those that do not. */
import { expect, test } from 'vitest';
import { blockersTable } from './blockers-table.ts';
import { findingsOf } from './findings.ts';
import { indexOf, type TraceIndex } from './trace-index.ts';
import { traceOf } from './trace-test-kit.ts';

/** Seconds as the text form has them. */
const s = (millis: number): string => (millis / 1e3).toFixed(9);
const HEAD = `process 1 "shop"
track 1/1 thread "main"
track 1/2 thread "worker 2"
track m async 1 loop "0x1" "main event loop"
track w async 1 loop "0x2" "worker 2 event loop"`;
const block = (at: number, task = 0, track = 'm'): string =>
  `slice ${track} +${s(at)} ${s(30)} loop "sweep a.js:1" ${JSON.stringify({ blocked: true, task, location: 'a.js:1' })}`;
const task = (id: number, at: number, length: number, name: string): string[] => [
  `track t${id} async 1 task "0x${id}" "${name}"`,
  `slice t${id} +${s(at)} ${s(length)} task "${name}" {"task":${id}}`,
];
const index = (lines: readonly string[]): TraceIndex => indexOf(traceOf([HEAD, ...lines].join('\n')));
const regularity = (lines: readonly string[]): unknown => {
  const table = blockersTable(index(lines));
  return table.columns.find(({ id }) => id === 'regularity')!.of(table.rows[0]!);
};
const six = [0, 1, 2, 3, 4, 5];

test('blocks at even intervals are every so often, five at least, and not where one in five is far off', () => {
  expect(regularity(six.map((at) => block(at * 5000 + (at % 2) * 90)))).toBe('every 5.09 s');
  expect(regularity(six.slice(2).map((at) => block(at * 5000)))).toBe('');
  expect(regularity([0, 100, 200, 300, 600, 700].map((at) => block(at)))).toBe('');
  const other = block(777, 0, 'w');
  expect(regularity([...six.map((at) => block(at * 5000)), other])).toBe('every 5.00 s on main');
});

test('blocks in nearly each task of a name are in each or after each, not where many tasks have none', () => {
  const requests = (from: number): string[] =>
    six.flatMap((at) => [
      ...task(at + 1, at * at * 1000 + 100, 50, 'GET /report'),
      block(at * at * 1000 + from, at + 1),
    ]);
  expect(regularity(requests(110))).toBe('in each GET /report');
  expect(regularity(requests(160))).toBe('after each GET /report');
  const more = six.flatMap((at) => task(at + 10, at * 1000, 50, 'GET /report'));
  expect(regularity([...requests(110), ...more])).toBe('');
  const strangers = six.map((at) => block(at * at * 1000 + 300));
  expect(regularity([...requests(110), ...strangers])).toBe('');
});

test('a finding says it', () => {
  const [finding] = findingsOf(index(six.map((at) => block(at * 5000))));
  expect(finding!.sentence).toBe(
    'sweep a.js:1 (a.js:1) blocked the event loop of main for 30.0 ms, 6 times and 180 ms in all, every 5.00 s.',
  );
});
