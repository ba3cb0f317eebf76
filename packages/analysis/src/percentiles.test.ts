/** Percentiles, totals and counts of every table that has them, and of a diff, are those of a plain sort of what is listed one by one. */
import { Category, type Trace } from '@ttrace/format';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blocksOf, plainFunction } from './blocks.ts';
import { diffTable } from './diff-table.ts';
import { someHappenings, traceOfHappenings } from './happenings-test-kit.ts';
import { statsByName } from './name-stats.ts';
import type { Table } from './table.ts';
import { TABLES } from './tables.ts';
import { indexOf, type TraceIndex } from './trace-index.ts';
import { randomTrace, traceOf } from './trace-test-kit.ts';
import { baseOf } from './wait-rows.ts';

const anyTrace: fc.Arbitrary<Trace> = fc.oneof(randomTrace, someHappenings(30).map(traceOfHappenings));
const PERCENTILES = [50, 95, 99, 100];

/** The smallest that `p` of a hundred do not exceed, by counting; undefined of none. */
function plainPercentile(values: readonly number[], p: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.find((value) => sorted.filter((each) => each <= value).length * 100 >= p * sorted.length);
}

const columnOf = (p: number): string => (p === 100 ? 'maxNanos' : `p${p}Nanos`);

function cell<Row>({ columns }: Table<Row>, row: Row, id: string): unknown {
  const column = columns.find((each) => each.id === id);
  if (column === undefined) throw new Error(`there is no column ${id}`);
  return column.of(row);
}

describe.each([
  { id: 'tasks', length: 'durationNanos' },
  { id: 'regions', length: 'totalNanos' },
  { id: 'gc', length: 'durationNanos' },
  { id: 'locks', length: 'durationNanos' },
  { id: 'messages', length: 'latencyNanos' },
])('$id', ({ id, length }) => {
  const { table, each } = TABLES.find((question) => question.id === id)!;

  it('has the percentiles of a plain sort of the rows that it sums up', () => {
    fc.assert(
      fc.property(anyTrace, (trace) => {
        const index = indexOf(trace);
        const made = table(index, {});
        for (const row of made.rows) {
          const { filter } = made.linkOf!(row)!;
          const ended = each!(index, { ...filter, complete: true });
          const plain = ended.rows.map((one) => Number(cell(ended, one, length)));
          for (const p of PERCENTILES) {
            // A lock may have been held and never waited for.
            const expected = plainPercentile(plain, p);
            const shown = cell(made, row, columnOf(p));
            expect(plain.length === 0 ? (shown ?? 0) : shown).toBe(expected ?? 0);
          }
          const total = { locks: 'waitedNanos', messages: undefined }[id] ?? 'totalNanos';
          if (id !== 'messages')
            expect(Number(cell(made, row, total) ?? 0)).toBeCloseTo(
              plain.reduce((a, b) => a + b, 0),
              3,
            );
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** Lengths of finished slices of a category by what a table calls them. */
function lengthsBy(index: TraceIndex, category: string, nameOf: (row: number) => string) {
  const { kind, value } = index.trace.columns;
  const lengths = new Map<string, number[]>();
  for (const row of index.rowsOf(category)) {
    if (kind[row] !== 0 || value[row]! < 0) continue;
    lengths.set(nameOf(row), [...(lengths.get(nameOf(row)) ?? []), value[row]!]);
  }
  return lengths;
}

it('turns have the percentiles of a plain sort of the slices of each loop', () => {
  fc.assert(
    fc.property(anyTrace, (trace) => {
      const index = indexOf(trace);
      const { track } = trace.columns;
      const plain = lengthsBy(index, Category.loop, (row) => index.threadOf(track[row]!)!.name);
      const made = TABLES.find(({ id }) => id === 'turns')!.table(index, {});
      expect(made.rows.map((row) => cell(made, row, 'thread')).sort()).toEqual([...plain.keys()].sort());
      for (const row of made.rows) {
        const lengths = plain.get(String(cell(made, row, 'thread')))!;
        for (const p of PERCENTILES) expect(cell(made, row, columnOf(p))).toBe(plainPercentile(lengths, p));
      }
    }),
  );
});

it('the summary’s slices by name have the percentiles of a plain sort', () => {
  fc.assert(
    fc.property(anyTrace, (trace) => {
      const index = indexOf(trace);
      const plain = lengthsBy(index, Category.gc, (row) => index.nameOf(row));
      for (const { name, p50Nanos, p95Nanos, p99Nanos, maxNanos } of statsByName(trace, Category.gc)) {
        const shown = [p50Nanos, p95Nanos, p99Nanos, maxNanos];
        expect(shown).toEqual(PERCENTILES.map((p) => plainPercentile(plain.get(name)!, p)));
      }
    }),
  );
});

it('a diff has the percentiles, totals and counts of a plain sort, of every kind, and loses no block', () => {
  const nothing = indexOf(traceOf(''));
  fc.assert(
    fc.property(anyTrace, (trace) => {
      const index = indexOf(trace);
      const { rows } = diffTable(index, nothing);
      const blocks = new Map<string, number[]>();
      for (const { name, start, end } of blocksOf(index)) {
        const plain = plainFunction(name);
        blocks.set(plain, [...(blocks.get(plain) ?? []), end - start]);
      }
      const plain = {
        task: lengthsBy(index, Category.task, (row) => index.nameOf(row)),
        wait: lengthsBy(index, Category.wait, (row) => baseOf(index.nameOf(row))),
        gc: lengthsBy(index, Category.gc, (row) => index.nameOf(row)),
        block: blocks.set('(all blocks)', [...blocks.values()].flat()),
      };
      for (const { kind, name, before } of rows) {
        if (kind === 'region') continue;
        const lengths = plain[kind].get(name) ?? [];
        const shown = [before!.p50, before!.p95, before!.p99, before!.max];
        expect([kind, name, shown]).toEqual([
          kind,
          name,
          PERCENTILES.map((p) => plainPercentile(lengths, p) ?? 0),
        ]);
        expect(before!.total).toBeCloseTo(
          lengths.reduce((a, b) => a + b, 0),
          3,
        );
        expect(before!.count).toBeGreaterThanOrEqual(lengths.length);
      }
      for (const [kind, names] of Object.entries(plain)) {
        const shown = rows.filter((row) => row.kind === kind).map(({ name }) => name);
        for (const [name, lengths] of names) if (lengths.length > 0) expect(shown).toContain(name);
      }
    }),
  );
});
