/** Conditions on columns: typed by the column's unit, and clear about what they cannot mean. */
import { expect, test } from 'vitest';
import type { Column } from './table.ts';
import { whereRows } from './where.ts';

interface Row {
  readonly name: string;
  readonly nanos: number | undefined;
  readonly share: number;
  readonly bytes: number;
  readonly count: number;
}

const column = (id: keyof Row, title: string, unit: Column<Row>['unit']): Column<Row> => ({
  id: unit === 'nanos' ? 'totalNanos' : id,
  title,
  unit,
  help: '',
  of: (row) => row[id],
});
const TABLE = {
  columns: [
    column('name', 'Region', 'text'),
    column('nanos', 'Total', 'nanos'),
    column('share', 'Part %', 'share'),
    column('bytes', 'Size', 'bytes'),
    column('count', 'Count', 'count'),
  ],
  rows: [
    { name: 'Parse a=b', nanos: 5e6, share: 0.05, bytes: 1000, count: 1 },
    { name: 'render', nanos: 6e6, share: 0.5, bytes: 1024, count: 2 },
    { name: 'open', nanos: undefined, share: 1, bytes: 0, count: 30 },
  ] satisfies Row[],
};

test.each([
  [['totalNanos>5ms'], ['render']],
  [['total >= 5ms'], ['Parse a=b', 'render']],
  [['TOTAL<6ms'], ['Parse a=b']],
  [['total=0.005s'], ['Parse a=b']],
  [['total>=0'], ['Parse a=b', 'render']],
  [['name=render'], ['render']],
  [['name!=render'], ['Parse a=b', 'open']],
  [['Region~PARSE'], ['Parse a=b']],
  [['name=Parse a=b'], ['Parse a=b']],
  [['name!~r'], ['open']],
  [['part %>5%'], ['render', 'open']],
  [['share<=0.05'], ['Parse a=b']],
  [['bytes>=1KiB'], ['render']],
  [['bytes=1KB'], ['Parse a=b']],
  [['count>1', 'count<30'], ['render']],
  [['count!=2', 'name~o'], ['open']],
  [[], ['Parse a=b', 'render', 'open']],
])('%j lets through %j', (conditions, names) => {
  const result = whereRows(TABLE, conditions);
  expect(result).toHaveProperty('rows');
  expect('rows' in result ? result.rows.map(({ name }) => name) : []).toEqual(names);
});

test.each([
  ['total>5', 'totalNanos takes a time with its unit'],
  ['total>soon', 'totalNanos takes a time with its unit'],
  ['total~5ms', 'totalNanos is a number: it takes >'],
  ['name>x', 'name is a text: it takes ='],
  ['name==render', 'name takes = or ~ alone, not ==. What begins with = is found by ~.'],
  ['name=~render', 'name takes = or ~ alone, not =~.'],
  ['part %>5', 'share takes a share, such as 5% or 0.05'],
  ['bytes>1 banana', 'bytes takes a size'],
  ['count>many', 'count takes a number'],
  ['count>', 'count takes a number'],
  ['speed>1', 'There is no column speed, only name, totalNanos'],
  ['fast', 'A condition is a column'],
])('%s is complained about', (condition, complaint) => {
  const result = whereRows(TABLE, [condition, 'count>0']);
  expect('complaints' in result ? result.complaints : []).toEqual([expect.stringContaining(complaint)]);
});
