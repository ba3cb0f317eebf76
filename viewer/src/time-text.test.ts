/** Times as text. */
import { describe, expect, it } from 'vitest';
import { formatTime, parseTime, timeInUrl } from './time-text.ts';

describe('parseTime', () => {
  it('takes seconds without a unit, and s, ms, us, µs and ns', () => {
    const cases: [string, number][] = [
      ['1.25', 1_250_000_000],
      ['2s', 2_000_000_000],
      ['1.5ms', 1_500_000],
      ['20us', 20_000],
      ['20µs', 20_000],
      ['7ns', 7],
      ['.5', 500_000_000],
      ['0', 0],
      ['3e-3', 3_000_000],
      [' 4 ms ', 4_000_000],
    ];
    for (const [text, nanos] of cases) expect.soft(parseTime(text), text).toBe(nanos);
  });

  it('takes nothing else', () => {
    const bad = [
      '',
      ' ',
      '-1',
      'abc',
      '1h',
      '1.2.3',
      '1e99',
      'NaN',
      'Infinity',
      '0x10',
      '1ms2',
      '9007199254740993',
    ];
    for (const text of bad) expect.soft(parseTime(text), text).toBeUndefined();
  });

  it('reads back what a link says, to the nanosecond', () => {
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
