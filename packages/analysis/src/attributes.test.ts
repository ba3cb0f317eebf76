/** What is said of tasks: found by the text filter as it is shown. */
import { expect, test } from 'vitest';
import { attributesOf, tellingAttributes } from './attributes.ts';
import { taskOverview } from './task-overview.ts';
import { taskEventsTable } from './task-tables.ts';
import { tasksOf } from './tasks.ts';
import { eachTaskTable } from './tasks-table.ts';
import { indexOf } from './trace-index.ts';
import { traceOf } from './trace-test-kit.ts';

const task = (id: number, name: string, args: object): string[] => [
  `track t${id} async 1 task "0x${id}" ${JSON.stringify(name)}`,
  `slice t${id} +0.00000000${id} 0.001000000 task ${JSON.stringify(name)} ${JSON.stringify({ task: id, ...args })}`,
];
const LONG = 'x'.repeat(500);
const index = indexOf(
  traceOf(
    [
      'process 1 "shop"',
      ...task(1, 'GET /orders', { method: 'GET', url: '/orders?page=3', status: 200, trace_id: 'ab' }),
      ...task(2, 'settle', { parent: 1, user: 'Ada L', amounts: [1, 2.5], note: LONG }),
      ...task(3, 'idle', {}),
    ].join('\n'),
  ),
);
const row = (number: number): number => tasksOf(index).byNumber(number)!.row;
const found = (text: string): string[] =>
  eachTaskTable(index, { text }).rows.map(({ task: { name } }) => name);

test('the page of a task has all of its attributes, its list the telling ones, clipped', () => {
  expect(taskOverview(index, tasksOf(index).byNumber(1)!).attributes).toEqual([
    ['method', 'GET'],
    ['url', '/orders?page=3'],
    ['status', '200'],
    ['trace_id', 'ab'],
  ]);
  expect(tellingAttributes(index, row(1))).toBe('url=/orders?page=3 status=200');
  expect(tellingAttributes(index, row(2))).toMatch(/^user=Ada L amounts=\[1,2\.5\] note=x{39}…$/);
  expect(attributesOf(index, row(2)).at(-1)).toEqual(['note', LONG]);
  expect(attributesOf(index, row(3))).toEqual([]);
  expect(tellingAttributes(index, row(3))).toBe('');
  expect(taskEventsTable(index, { task: '#1' }).rows[0]!.what).toBe(
    'task GET /orders begin: url=/orders?page=3 status=200',
  );
});

test('the text filter finds attributes as the list shows them and as the trace has them', () => {
  expect(found('url=/orders')).toEqual(['GET /orders']);
  expect(found('page=3 STATUS=200')).toEqual(['GET /orders']);
  expect(found('user=ada')).toEqual(['settle']);
  expect(found('amounts=[1,2.5]')).toEqual(['settle']);
  expect(found('"user":"Ada')).toEqual(['settle']);
  expect(found('url=/settle')).toEqual([]);
  expect(found('task=1')).toEqual([]);
});
