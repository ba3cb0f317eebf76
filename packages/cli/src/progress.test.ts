/** Progress is for people who wait: on a terminal, after a second, and gone afterwards. The clock is a parameter. */
import { expect, test } from 'vitest';
import { startProgress } from './progress.ts';

function terminal(isTTY: boolean): { isTTY: boolean; text: string; write: (text: string) => boolean } {
  return {
    isTTY,
    text: '',
    write(text: string) {
      this.text += text;
      return true;
    },
  };
}

test('work of less than a second shows nothing', () => {
  const stream = terminal(true);
  const progress = startProgress('Reading', 100, stream, () => 0);
  progress.update(50);
  progress.clear();
  expect(stream.text).toBe('');
});

test('longer work is shown at most ten times a second, and the line is taken away', () => {
  const stream = terminal(true);
  let now = 0;
  const progress = startProgress('Reading', 4096, stream, () => now);
  for (now = 0; now < 2000; now += 10) progress.update(1024);
  expect(stream.text.split('\r').length - 1).toBe(10);
  expect(stream.text).toContain('Reading: 1.00 KiB of 4.00 KiB (25.0 %)');
  progress.clear();
  expect(stream.text.endsWith('\r\u001b[K')).toBe(true);
});

test('a stream that is no terminal stays clean', () => {
  const stream = terminal(false);
  let now = 0;
  const progress = startProgress('Reading', 100, stream, () => now);
  now = 60_000;
  progress.update(50);
  progress.clear();
  expect(stream.text).toBe('');
});
