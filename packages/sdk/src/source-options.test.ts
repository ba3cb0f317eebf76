/** How a choice of sources is read, as an object and as text. */
import { expect, test } from 'vitest';
import { chooseSources, hasSource, PROPAGATE, parseSources, SOURCE_NAMES } from './source-options.ts';
import { TraceUsageError } from './trace-usage-error.ts';

const chosen = (value: unknown): string[] => {
  const { mask } = chooseSources(value);
  return SOURCE_NAMES.filter((name) => hasSource(mask, name));
};

test('an object changes the default ones, false is none, true the default ones', () => {
  expect(chosen(false)).toEqual([]);
  expect(chosen({})).toEqual(chosen(true));
  expect(chosen({ gc: false })).toEqual(chosen(true).filter((name) => name !== 'gc'));
  expect(chosen({ gc: undefined })).toEqual(chosen(true));
});

test('text adds to the default ones, takes away from them, or begins with none', () => {
  expect(chosen(parseSources('none'))).toEqual([]);
  expect(chosen(parseSources('none, gc,loop'))).toEqual(['loop', 'gc']);
  expect(chosen(parseSources('no-http'))).toEqual(chosen(true).filter((name) => name !== 'http'));
  expect(chosen(parseSources(''))).toEqual(chosen(true));
});

test('requests carry their trace when that is asked for, as an object or as text', () => {
  const propagates = (value: unknown): boolean => (chooseSources(value).mask & PROPAGATE) !== 0;
  expect(propagates({ http: { propagate: true } })).toBe(true);
  expect(propagates(parseSources('none,http:propagate'))).toBe(true);
  expect(chosen(parseSources('none,http:propagate'))).toEqual(['http']);
  expect(propagates({ http: true })).toBe(false);
  expect(propagates({ http: { propagate: false } })).toBe(false);
  expect(propagates(parseSources('http:propagate,no-http,http'))).toBe(false);
});

test('thresholds of the loop are kept in microseconds', () => {
  expect(chooseSources({ loop: { turnMs: 0.5, blockMs: 100 } })).toMatchObject({
    turnMicros: 500,
    blockMicros: 100_000,
  });
});

test.each([
  ['a number', 1],
  ['null', null],
  ['an unknown source', { everything: true }],
  ['a source that is a text', { gc: 'yes' }],
  ['options for a source without any', { gc: {} }],
  ['a wish that is no truth value', { http: { propagate: 'yes' } }],
  ['a threshold that is no number', { loop: { blockMs: '20' } }],
  ['a threshold that is too small', { loop: { blockMs: 1 } }],
  ['a threshold that is no number at all', { loop: { turnMs: Number.NaN } }],
])('%s is refused with the reason', (_, value) => {
  expect(() => chooseSources(value)).toThrow(TraceUsageError);
  expect(() => chooseSources(value)).toThrow(/sources?\b/);
});

test('text with an unknown word is refused, naming it and those that there are', () => {
  expect(() => parseSources('gc,nothing')).toThrow(/no source nothing; there are loop, gc/);
});
