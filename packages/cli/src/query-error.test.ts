/** What DuckDB says in several lines, in one with its place. */
import { expect, test } from 'vitest';
import { queryErrorText } from './query-error.ts';

test('the place is said as line and column', () => {
  const message =
    'Binder Error: Referenced column "foo" not found in FROM clause!\nCandidate bindings: "name"\n\nLINE 2:   foo FROM t\n          ^';
  expect(queryErrorText(message, 'SELECT name,\n  foo FROM t')).toBe(
    'Binder Error: Referenced column "foo" not found in FROM clause. Candidate bindings: "name" (line 2, column 3)',
  );
});

test('a place in a long line that DuckDB cuts is found again', () => {
  const columns = Array.from({ length: 60 }, (_, at) => `c${at}`).join(', ');
  const sql = `SELECT ${columns}, bad FROM t`;
  const from = sql.indexOf('bad') - 50;
  const message = `Binder Error: no bad\n\nLINE 1: ...${sql.slice(from)}\n${' '.repeat('LINE 1: ...'.length + 50)}^`;
  expect(queryErrorText(message, sql)).toBe(
    `Binder Error: no bad (line 1, column ${sql.indexOf('bad') + 1})`,
  );
});

test('without a place there is none', () => {
  expect(queryErrorText('Failed to extract statements: Parser Error: empty', '')).toBe('Parser Error: empty');
});
