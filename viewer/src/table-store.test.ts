/** Which tables are kept, for how long, and that pages ask for each but once. */
import { indexOf, type Table } from '@ttrace/analysis';
import { describe, expect, it } from 'vitest';
import { type TablePage, tablePages } from './table-pages.ts';
import { TableStore } from './table-store.ts';
import { tableView } from './table-view.ts';
import { sampleTrace } from './viewer-test-kit.ts';

interface Numbered {
  readonly number: number;
}

/** A table of numbers below `min`, and how often it was made. */
function numbers(rows: number): { page: TablePage; made: () => number } {
  let made = 0;
  const table = (count: number): Table<Numbered> => ({
    id: 'numbers',
    title: 'Numbers',
    help: 'Numbers.',
    columns: [{ id: 'number', title: 'Number', unit: 'count', help: 'It.', of: ({ number }) => number }],
    rows: Array.from({ length: count }, (_, number) => ({ number })),
  });
  const [page] = tablePages([
    {
      id: 'numbers',
      summary: 'Numbers',
      table: (_, { min }) => {
        made++;
        return table(min ?? rows);
      },
    },
  ]);
  return { page: page!, made: () => made };
}

const index = indexOf(sampleTrace());

describe('the store', () => {
  it('makes a table once, however it is sorted and paged', () => {
    const { page, made } = numbers(10);
    const store = new TableStore([page], () => index);
    for (const at of [1, 2]) tableView(store, page, { filter: {}, page: at, sort: 'number' }, 5);
    tableView(store, page, { filter: {}, page: 1, sort: 'number', order: 'up' });
    store.get(page, { from: undefined });
    expect(made()).toBe(1);
  });

  it('lets go of what was asked for longest ago when it has 32 others', () => {
    const { page, made } = numbers(10);
    const store = new TableStore([page], () => index);
    for (let min = 0; min < 33; min++) store.get(page, { min });
    store.get(page, { min: 32 });
    expect(made()).toBe(33);
    store.get(page, { min: 0 });
    expect(made()).toBe(34);
  });

  it('keeps no more than two million rows beside the newest table', () => {
    const { page, made } = numbers(0);
    const store = new TableStore([page], () => index);
    store.get(page, { min: 1_500_000 });
    store.get(page, { min: 600_000 });
    store.get(page, { min: 600_000 });
    store.get(page, { min: 1_500_000 });
    expect(made()).toBe(3);
  });
});

describe('a page of rows', () => {
  const { page } = numbers(450);
  const store = new TableStore([page], () => index);
  const view = (at: number) => {
    const found = tableView(store, page, { filter: {}, page: at });
    if ('complaints' in found) throw new Error(found.complaints.join());
    return found;
  };

  it('has 200 rows, the last one the rest', () => {
    expect(view(1)).toMatchObject({ firstRow: 0, pages: 3 });
    expect(view(2).rows).toHaveLength(200);
    expect(view(3).rows).toHaveLength(50);
    expect(view(3).rows[0]).toEqual({ number: 400 });
  });

  it('beyond the last is the last', () => {
    expect(view(9).query.page).toBe(3);
    expect(view(9).rows).toEqual(view(3).rows);
  });
});
