/**
 * What tables lead to: each bucket of a distribution to exactly the rows that it counts, each row to rows that are there. Over all tables, in
 * random programs with what they list: tasks, regions in one slice and in two, some without an end, waits, messages, blocks.
 */
import { Category, TraceBuilder } from '@ttrace/format';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Filter } from './filter.ts';
import { someHappenings, traceOfHappenings } from './happenings-test-kit.ts';
import { eachRegionTable } from './regions-table.ts';
import type { Table, TableLink } from './table.ts';
import { TABLES } from './tables.ts';
import { indexOf, type TraceIndex } from './trace-index.ts';

function linkedTable(index: TraceIndex, { page, filter }: TableLink): Table<unknown> {
  const question = TABLES.find(({ id }) => id === page.replace(/\/each$/, ''));
  const table = page.endsWith('/each') ? question?.each : question?.table;
  if (table === undefined) throw new Error(`there is no page ${page}`);
  return table(index, filter);
}

const all = TABLES.flatMap(({ id, table, each }) => [
  { id, table },
  ...(each === undefined ? [] : [{ id: `${id}/each`, table: each }]),
]);

const filters: fc.Arbitrary<Filter> = fc.constantFrom<Filter>({}, { from: 500_000 }, { thread: 'main' });

describe.each(all)('the table $id', ({ table }) => {
  it('counts in each bucket exactly the rows that its link leads to', () => {
    fc.assert(
      fc.property(someHappenings(12), filters, (happenings, filter) => {
        const index = indexOf(traceOfHappenings(happenings));
        const shown = table(index, filter);
        for (const row of shown.rows) {
          const link = shown.linkOf?.(row);
          for (const { min, max, count } of shown.histogramOf?.(row) ?? []) {
            if (link === undefined) continue;
            const narrower = { ...filter, ...link.filter, min, max };
            expect(linkedTable(index, { ...link, filter: narrower }).rows).toHaveLength(count);
          }
        }
      }),
    );
  });

  it('leads from each row that sums something up to rows, and from each task id to that task', () => {
    fc.assert(
      fc.property(someHappenings(12), (happenings) => {
        const index = indexOf(traceOfHappenings(happenings));
        const shown = table(index, {});
        for (const row of shown.rows) {
          const links = [shown.linkOf?.(row), ...shown.columns.map((column) => column.linkOf?.(row))];
          for (const link of links) {
            if (link !== undefined) expect(() => linkedTable(index, link)).not.toThrow();
          }
          const [link] = links;
          const count = shown.columns.find(({ id }) => id === 'count' || id === 'waits')?.of(row);
          if (count !== undefined && link !== undefined && link.page === `${shown.id}/each`)
            expect(linkedTable(index, link).rows).toHaveLength(Number(count));
          if (shown.histogramOf?.(row) !== undefined && link !== undefined) {
            expect(linkedTable(index, link).rows.length).toBeGreaterThan(0);
          }
        }
        for (const link of shown.related ?? []) expect(() => linkedTable(index, link)).not.toThrow();
      }),
    );
  });
});

describe('regions one by one', () => {
  it('are at most 100,000, the longest; of equally long ones the first', () => {
    const builder = new TraceBuilder();
    const [name, category] = ['job', Category.region].map((each) => builder.strings.intern(each));
    const track = builder.threadTrack(1, 1);
    const time = builder.relative(1_000_000, 0);
    for (let at = 0; at < 100_500; at++) {
      builder.slice(track, name!, category!, time + at * 1000, at >= 100_400 ? 700 : 500, 0);
    }
    const { rows, note } = eachRegionTable(indexOf(builder.finish('json', 1)));
    expect(rows.map(({ row }) => row)).toEqual([
      ...Array.from({ length: 100 }, (_, at) => 100_400 + at),
      ...Array.from({ length: 99_900 }, (_, at) => at),
    ]);
    expect(note).toContain('500 shorter ones');
  });
});
