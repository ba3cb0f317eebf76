/** Numbers as people read them. */
import { expect, test } from 'vitest';
import { bytesText, counted, countText, shareText, timeText, valueText } from './quantity.ts';
import { alignedLines, cellText } from './text-columns.ts';

test('times have the largest unit that leaves at least one, and three digits', () => {
  expect([0, 999, 1500, 12_345_678, 2e9, 4_821_000_000_000].map(timeText)).toEqual([
    '0 ns',
    '999 ns',
    '1.50 µs',
    '12.3 ms',
    '2.00 s',
    '4821 s',
  ]);
});

test('sizes, counts, shares and values have units and groups', () => {
  expect([0, 1023, 1536, 200 << 20].map(bytesText)).toEqual(['0 B', '1023 B', '1.50 KiB', '200 MiB']);
  expect([0, 999, 1000, 1_234_567].map(countText)).toEqual(['0', '999', '1,000', '1,234,567']);
  expect(shareText(0.1234)).toBe('12.3 %');
  expect([counted(1, 'task'), counted(2, 'task')]).toEqual(['1 task', '2 tasks']);
  expect([3, 1 / 3].map(valueText)).toEqual(['3', '0.333333']);
});

test('a table aligns its columns and ends no line in spaces', () => {
  const lines = alignedLines(
    [
      { title: 'Name', align: 'left' },
      { title: 'Count', align: 'right' },
    ],
    [
      ['a', '1'],
      ['longer', '12345678'],
    ],
  );
  expect(lines).toEqual(['Name       Count', 'a              1', 'longer  12345678']);
});

test('a name cannot break its line, and is cut when it is too long', () => {
  expect(cellText('a\nb\u001b[31m')).toBe('a\\nb\\u001b[31m');
  expect(cellText('x'.repeat(100), 10)).toBe(`${'x'.repeat(9)}…`);
});
