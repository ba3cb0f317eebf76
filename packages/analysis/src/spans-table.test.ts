/** What has ids of OpenTelemetry is found by them, whatever it is, and nothing that only mentions one. */
import { Category, TraceBuilder } from '@ttrace/format';
import { expect, test } from 'vitest';
import { spansTable, spansWithId, traceFilter } from './spans-table.ts';
import { indexOf } from './trace-index.ts';

function sample() {
  const builder = new TraceBuilder();
  const text = (value: string) => builder.strings.intern(value);
  const base = builder.relative(1000, 0);
  const slice = (category: string, name: string, at: number, args: object, duration = 10) => {
    const track = builder.asyncTrack(1, category, name, name);
    builder.slice(track, text(name), text(category), base + at, duration, text(JSON.stringify(args)));
  };
  const ids = (trace: string, span: string) => ({ trace_id: trace, span_id: span, parent_span_id: 'ff' });
  slice(Category.http, 'GET host', 30, { task: 1, status: 200, ...ids('a', '3') });
  slice(Category.span, 'GET /', 0, {
    task: 1,
    kind: 'server',
    status: 'error',
    scope: 'http',
    ...ids('a', '1'),
  });
  slice(Category.task, 'GET /', 0, { task: 1, ...ids('a', '1') });
  slice(Category.region, 'parse', 5, { task: 1, ...ids('b', '2') });
  slice(Category.region, 'mentions', 6, { note: { span_id: '9' } });
  return indexOf(builder.finish('json', 1));
}

test('all that has a span id is listed in order, the task before its span; a trace narrows it', () => {
  const index = sample();
  const rows = spansTable(index).rows.map(({ name, what, status }) => [name, what, status]);
  expect(rows).toEqual([
    ['GET /', 'task', ''],
    ['GET /', 'span', 'error'],
    ['parse', 'region', ''],
    ['GET host', 'request', '200'],
  ]);
  expect(spansTable(index, traceFilter('b')).rows.map(({ name }) => name)).toEqual(['parse']);
});

test('an id leads to what has it, or else to what was begun in it', () => {
  const index = sample();
  expect(spansWithId(index, '1').map(({ what }) => what)).toEqual(['task', 'span']);
  expect(spansWithId(index, 'FF')).toHaveLength(4);
  expect(spansWithId(index, '9')).toEqual([]);
});
