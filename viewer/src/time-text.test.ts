/** Times as text. */
import { parseTime } from '@ttrace/format';
import { describe, expect, it } from 'vitest';
import { formatTime, timeInUrl } from './time-text.ts';

describe('timeInUrl', () => {
  it('is read back by parseTime, to the nanosecond', () => {
    for (const nanos of [0, 1, 999, 1_000_000_001, 86_400_000_000_007]) {
      expect.soft(parseTime(timeInUrl(nanos))).toBe(nanos);
    }
  });
});

describe('formatTime', () => {
  it('picks the unit that fits', () => {
    expect(formatTime(0)).toBe('0 ns');
    expect(formatTime(1_234)).toBe('1.234 µs');
    expect(formatTime(12_345_678)).toBe('12.35 ms');
    expect(formatTime(2_000_000_000)).toBe('2.000 s');
    expect(formatTime(150_000_000_000)).toBe('2 min 30 s');
  });
});
