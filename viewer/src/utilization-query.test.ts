/** Addresses of the page of utilisation. */
import { STOPS } from '@ttrace/analysis';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseUtilizationQuery, printUtilizationQuery, type UtilizationQuery } from './utilization-query.ts';

const parse = (query: string) => parseUtilizationQuery(new URLSearchParams(query));

test('what is printed is what is read', () => {
  const query: fc.Arbitrary<UtilizationQuery> = fc.record({
    filter: fc.record({
      from: fc.option(fc.nat(1e9), { nil: undefined }),
      to: fc.option(fc.integer({ min: 1e9 + 1, max: 2e9 }), { nil: undefined }),
      thread: fc.option(fc.string(), { nil: undefined }),
    }),
    stops: fc.subarray([...STOPS], { minLength: 1 }),
    showsPercentiles: fc.boolean(),
    windowNanos: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(query, (each) => {
      expect(parse(printUtilizationQuery(each))).toEqual(each);
    }),
  );
});

test('a form says the same as an address, and its empty fields say nothing', () => {
  expect(parse('apply=1&count=gc&count=blocks&percentiles=1&window=50ms&thread=main&from=')).toEqual(
    parse('count=blocks,gc&percentiles=1&window=50ms&thread=main'),
  );
  expect(printUtilizationQuery(parse('apply=1&count=blocks&count=gc&count=waits') as UtilizationQuery)).toBe(
    '',
  );
});

test.each([
  ['count=sleep', 'count is made of'],
  ['window=soon', 'window takes a time'],
  ['window=0', 'window takes a time'],
  ['from=2s&to=1s', 'from must be before to'],
  ['task=order', 'This page has nothing to do with "task"'],
  ['colour=red', 'colour'],
])('%s is complained about', (query, complaint) => {
  const found = parse(query);
  expect('complaints' in found && found.complaints.join(' ')).toContain(complaint);
});
