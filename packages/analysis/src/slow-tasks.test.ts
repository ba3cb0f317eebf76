/** Where the slow ones' time went, and paths without their short steps. */
import { expect, test } from 'vitest';
import { criticalPathTable } from './task-tables.ts';
import { eachTaskTable } from './tasks-table.ts';
import { indexOf } from './trace-index.ts';
import { traceOf } from './trace-test-kit.ts';

/** Seconds as the text form has them. */
const s = (millis: number): string => (millis / 1e3).toFixed(9);
const HEAD = 'process 1 "shop"\ntrack 1/1 thread "main"';
/** A task of 10 ms of code, before which it waits for a lock for so long. */
const order = (id: number, wait: number): string[] => [
  `track t${id} async 1 task "0x${id}" "order"`,
  `slice t${id} +${s(id * 1000)} ${s(wait + 10)} task "order" {"task":${id}}`,
  ...(wait > 0 ? [`slice 1/1 +${s(id * 1000)} ${s(wait)} wait "lock stock wait" {"task":${id}}`] : []),
  `slice 1/1 +${s(id * 1000 + wait)} ${s(10)} region "pack" {"task":${id}}`,
];
const orders = (count: number, waitOf: (id: number) => number) =>
  indexOf(
    traceOf(
      [HEAD, ...Array.from({ length: count }, (_, at) => order(at + 1, waitOf(at + 1))).flat()].join('\n'),
    ),
  );

test('of tasks of one name the slowest 5 % are beside all, what they have more of first', () => {
  const aside = eachTaskTable(
    orders(40, (id) => (id <= 2 ? 300 : 20)),
    { name: 'order' },
  ).aside?.();
  expect(aside?.title).toBe('Where the time of the slowest 2 tasks of 40 went');
  expect(aside?.rows).toEqual([
    { what: 'waiting for locks, queues, pools', slowNanos: 300e6, allNanos: 34e6, mostly: 'lock stock wait' },
    { what: 'running code', slowNanos: 10e6, allNanos: 10e6, mostly: 'pack' },
  ]);
});

test('there is no such table for few tasks, for those of several names, and for those that have not ended', () => {
  expect(
    eachTaskTable(
      orders(19, () => 1),
      { name: 'order' },
    ).aside?.(),
  ).toBeUndefined();
  expect(eachTaskTable(orders(40, () => 1)).aside).toBeUndefined();
  const open = Array.from({ length: 30 }, (_, id) => [
    `track t${id} async 1 task "0x${id + 1}" "order"`,
    `slice t${id} +${s(id)} open task "order" {"task":${id + 1}}`,
  ]);
  const index = indexOf(traceOf([HEAD, ...open.flat()].join('\n')));
  expect(eachTaskTable(index, { name: 'order' }).aside?.()).toBeUndefined();
});

test('of many tasks some are looked at, from the slowest to the fastest, and it is said', () => {
  const aside = eachTaskTable(
    orders(200, (id) => id),
    { name: 'order' },
  ).aside?.();
  expect(aside?.help).toContain('50 are looked at, evenly by length');
  const [waiting] = aside!.rows as { slowNanos: number; allNanos: number }[];
  expect(waiting!.slowNanos).toBe(195.5e6);
  expect(waiting!.allNanos / 100.5e6).toBeCloseTo(1, 2);
});

test('a critical path in short has its short steps in one row, and is as long', () => {
  const steps = Array.from(
    { length: 9 },
    (_, at) => `slice 1/1 +${s(1000 + at)} ${s(1)} region "step ${at % 2}" {"task":1}`,
  );
  const lines = [
    'track t async 1 task "0x1" "order"',
    `slice t +${s(1000)} ${s(500)} task "order" {"task":1}`,
    ...steps,
    `slice 1/1 +${s(1009)} ${s(491)} region "pack" {"task":1}`,
  ];
  const table = criticalPathTable(indexOf(traceOf([HEAD, ...lines].join('\n'))));
  expect(table.rows).toHaveLength(10);
  const rows = table.inShort!();
  expect(rows.map(({ name }) => name)).toEqual(['pack', '9 short steps, mostly step 0']);
  const length = (all: readonly { start: number; end: number }[]): number =>
    all.reduce((sum, { start, end }) => sum + end - start, 0);
  expect(length(rows)).toBe(length(table.rows));
  expect(table.columns.find(({ id }) => id === 'startNanos')!.of(rows[1]!)).toBeUndefined();
});
