/** Held, held while others wait, and waited: by lock and by thread. */
import { expect, test } from 'vitest';
import { lockThreadsTable } from './lock-threads.ts';
import { locksTable } from './locks-table.ts';
import type { Table } from './table.ts';
import { indexOf } from './trace-index.ts';
import { traceOf } from './trace-test-kit.ts';

const HEAD = `process 1 "shop"
track 1/1 thread "main"
track 1/2 thread "worker 2"
track 1/3 thread "worker 3"
track h async 1 region "0x1" "lock db"
track w async 1 wait "0x2" "lock db wait"
track r async 1 region "0x3" "piscina run"
track q async 1 wait "0x4" "piscina wait"
track t async 1 task "0x7" "order"
slice t +0.000000000 0.000000900 task "order" {"task":7}`;

/** worker 2 has it from 100 to 200, worker 3 from 200 to 500, main from 600 to 700. */
const lines = (tid: (number: number) => object): string[] => [
  HEAD,
  `slice h +0.000000100 0.000000100 region "lock db" ${JSON.stringify(tid(2))}`,
  `slice h +0.000000200 0.000000300 region "lock db" ${JSON.stringify({ task: 7, ...tid(3) })}`,
  `slice h +0.000000600 0.000000100 region "lock db" ${JSON.stringify(tid(1))}`,
  'slice 1/3 +0.000000150 0.000000050 wait "lock db wait"',
  `slice w +0.000000400 0.000000200 wait "lock db wait" ${JSON.stringify(tid(1))}`,
  `slice q +0.000000100 0.000000010 wait "piscina wait" ${JSON.stringify(tid(1))}`,
  `slice r +0.000000110 0.000000040 region "piscina run" ${JSON.stringify(tid(1))}`,
];
const known = indexOf(traceOf(lines((tid) => ({ tid })).join('\n')));
const old = indexOf(traceOf(lines(() => ({})).join('\n')));

const FIGURES = ['name', 'thread', 'heldNanos', 'contendedNanos', 'waitedNanos', 'holds', 'waits', 'heldBy'];

function figures<Row>({ columns, rows }: Table<Row>): unknown[][] {
  const shown = FIGURES.flatMap((id) => columns.filter((column) => column.id === id));
  return rows.map((row) => shown.map((column) => column.of(row)));
}

test('a thread has what it held, the part of that in which others waited, and what it waited itself', () => {
  expect(figures(lockThreadsTable(known, { name: 'lock db' }))).toEqual([
    ['lock db', 'worker 3', 300, 100, 50, 1, 1],
    ['lock db', 'worker 2', 100, 50, 0, 1, 0],
    ['lock db', 'main', 100, 0, 200, 1, 1],
  ]);
  expect(figures(lockThreadsTable(known, { thread: 'main' }))).toEqual([
    ['lock db', 'main', 100, 0, 200, 1, 1],
    // It runs somewhere else.
    ['piscina', 'main', undefined, undefined, 10, undefined, 1],
  ]);
});

test('the table of locks can be asked about one thread, and says on which threads it was held', () => {
  expect(figures(locksTable(known, { name: 'lock db' }))).toEqual([
    [
      'lock db',
      500,
      150,
      250,
      3,
      2,
      'order on worker 3 300 ns (1, 300 ns at most), worker 2 100 ns (1, 100 ns at most), and 1 more',
    ],
  ]);
  expect(figures(locksTable(known, { name: 'lock db', thread: 'worker 2' }))).toEqual([
    ['lock db', 100, 50, 0, 1, 0, 'worker 2 100 ns (1, 100 ns at most)'],
  ]);
});

test('where the trace does not say whose holds they are, a thread has no figures instead of zeros', () => {
  expect(figures(locksTable(old, { name: 'lock db', thread: 'worker 3' }))).toEqual([
    ['lock db', undefined, undefined, 50, undefined, 1, ''],
  ]);
  expect(figures(locksTable(old, { name: 'lock db' }))[0]?.slice(0, 5)).toEqual([
    'lock db',
    500,
    150,
    250,
    3,
  ]);
  expect(figures(lockThreadsTable(old, { name: 'lock db' }))).toEqual([
    ['lock db', '', 500, 150, 200, 3, 1],
    ['lock db', 'worker 3', undefined, undefined, 50, undefined, 1],
  ]);
});
