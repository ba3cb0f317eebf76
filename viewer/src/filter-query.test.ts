/** Addresses of tables: whatever a page can show, its address says, and what an address says is taken or complained about. */
import type { Filter } from '@ttrace/analysis';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { narrowed, type PageQuery, parsePageQuery, printPageQuery, withoutEmpty } from './filter-query.ts';

const text = fc.string({ unit: 'binary' });
const time = fc.maxSafeNat();
const query: fc.Arbitrary<PageQuery> = fc.record(
  {
    filter: fc
      .record(
        {
          from: time,
          to: time,
          thread: text,
          task: text,
          name: text,
          min: time,
          max: time,
          text,
          attribute: text,
          complete: fc.boolean(),
        },
        { requiredKeys: [] },
      )
      .filter(({ from, to }) => from === undefined || to === undefined || from < to),
    where: fc.array(text, { minLength: 1, maxLength: 3 }),
    sort: text,
    order: fc.constantFrom('up', 'down'),
    page: fc.integer({ min: 1, max: 999_999_999 }),
  },
  { requiredKeys: ['filter', 'page'] },
);

const parse = (search: string) => parsePageQuery(new URLSearchParams(search));
const complaintsOf = (search: string) => {
  const parsed = parse(search);
  return 'complaints' in parsed ? parsed.complaints : [];
};

describe('a query', () => {
  it('that is printed is parsed as it was, to the nanosecond and the last character', () => {
    fc.assert(
      fc.property(query, (each) => {
        expect(parse(printPageQuery(each))).toEqual(each);
      }),
    );
  });

  it('carries times that people can read', () => {
    const filter = { from: 1_500_000_000, to: 3_600_000_000_007, min: 300_000_000, max: 999 };
    expect(printPageQuery({ filter })).toBe('?from=1.5s&to=3600.000000007s&min=300ms&max=999ns');
  });

  it('is empty for a whole table', () => {
    expect(printPageQuery({ filter: {}, page: 1 })).toBe('');
    expect(parse('')).toEqual({ filter: {}, page: 1 });
  });

  it.each([
    ['from=x', 'from takes a time such as 1.5s, 300ms or 20us, not "x".'],
    ['min=-1', 'min takes a time'],
    ['max=', 'max takes a time'],
    ['from=2s&to=1s', 'from must be before to.'],
    ['from=1s&to=1s', 'from must be before to.'],
    ['page=0', 'page is a number from 1 on, not "0".'],
    ['page=1.5', 'page is a number'],
    ['order=sideways', 'order is up or down, not "sideways".'],
    ['complete=1', 'complete is true or false, not "1".'],
    ['pc=0x4f', 'There is nothing called "pc"'],
    ['name=a&name=b', 'name is there more than once.'],
  ])('%s is complained about, not ignored', (search, complaint) => {
    expect(complaintsOf(search)).toEqual([expect.stringContaining(complaint)]);
  });

  it('from a form has no empty fields; in an address an empty name is a name', () => {
    const form = new URLSearchParams('apply=1&from=&to=&thread=main&name=&complete=&sort=totalNanos');
    expect(String(withoutEmpty(form))).toBe('thread=main&sort=totalNanos');
    expect(parse('name=')).toEqual({ filter: { name: '' }, page: 1 });
  });
});

describe('narrowing a filter', () => {
  it('keeps what is given, takes the common part of stretches and durations, and the inner name', () => {
    const outer: Filter = { from: 10, to: 50, thread: 'main', name: 'a', min: 7, complete: true };
    const inner: Filter = { to: 20, name: 'b', task: undefined, min: 5, max: 9 };
    expect(narrowed(outer, inner)).toEqual({
      from: 10,
      to: 20,
      thread: 'main',
      name: 'b',
      min: 7,
      max: 9,
      complete: true,
    });
  });
});
