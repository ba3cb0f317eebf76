/** The tables of digits against the texts that they stand for. */
import { expect, test } from 'vitest';
import { FRACTION, SPACES, textWords, ZEROS } from './json-words.ts';

const wordOf = (text: string) => textWords(text)[0];

test('each number has its four characters', () => {
  expect([...ZEROS]).toEqual(Array.from(ZEROS, (_, n) => wordOf(String(n).padStart(4, '0'))));
  expect([...SPACES]).toEqual(Array.from(SPACES, (_, n) => wordOf(String(n).padStart(4, ' '))));
  expect([...FRACTION]).toEqual(Array.from(FRACTION, (_, n) => wordOf(`.${String(n).padStart(3, '0')}`)));
  expect([ZEROS.length, SPACES.length, FRACTION.length]).toEqual([10_000, 10_000, 1000]);
});
