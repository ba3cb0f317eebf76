/** Which tables are kept, for how long, and that pages ask for each but once. */
import { indexOf, type Table, type TableQuestion } from '@ttrace/analysis';
import { describe, expect, it } from 'vitest';
import { TableStore } from './table-store.ts';
import { tableView } from './table-view.ts';
import { sampleTrace } from './viewer-test-kit.ts';

interface Numbered {
  readonly number: number;
}

/** A table of numbers below `min`, and how often it was made. */
function numbers(rows: number): { question: TableQuestion; made: () => number } {
  let made = 0;
  const table = (count: number): Table<Numbered> => ({
    id: 'numbers',
    title: 'Numbers',
    help: 'Numbers.',
    columns: [{ id: 'number', title: 'Number', unit: 'count', help: 'It.', of: ({ number }) => number }],
    rows: Array.from({ length: count }, (_, number) => ({ number })),
  });
  const question: TableQuestion = {
    id: 'numbers',
    summary: 'Numbers',
    table: (_, { min }) => {
      made++;
      return table(min ?? rows);
    },
  };
  return { question, made: () => made };
}

const index = indexOf(sampleTrace());

describe('the store', () => {
  it('makes a table once, however it is sorted and paged', () => {
    const { question, made } = numbers(10);
    const store = new TableStore([question], () => index);
    for (const page of [1, 2]) tableView(store, question, { filter: {}, page, sort: 'number' }, 5);
    tableView(store, question, { filter: {}, page: 1, sort: 'number', order: 'up' });
    store.get(question, { from: undefined });
    expect(made()).toBe(1);
  });

  it('lets go of what was asked for longest ago when it has 32 others', () => {
    const { question, made } = numbers(10);
    const store = new TableStore([question], () => index);
    for (let min = 0; min < 33; min++) store.get(question, { min });
    store.get(question, { min: 32 });
    expect(made()).toBe(33);
    store.get(question, { min: 0 });
    expect(made()).toBe(34);
  });

  it('keeps no more than two million rows beside the newest table', () => {
    const { question, made } = numbers(0);
    const store = new TableStore([question], () => index);
    store.get(question, { min: 1_500_000 });
    store.get(question, { min: 600_000 });
    store.get(question, { min: 600_000 });
    store.get(question, { min: 1_500_000 });
    expect(made()).toBe(3);
  });
});

describe('a page of rows', () => {
  const { question } = numbers(450);
  const store = new TableStore([question], () => index);
  const view = (page: number) => {
    const found = tableView(store, question, { filter: {}, page });
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
