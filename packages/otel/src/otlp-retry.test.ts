/** The policy of retries, by itself. */
import { expect, test } from 'vitest';
import { isRetryableError, isRetryableStatus, retryAfterMs, waitMs } from './otlp-retry.ts';

test('what may succeed later is tried again, what cannot is not', () => {
  expect([429, 502, 503, 504].every(isRetryableStatus)).toBe(true);
  expect([400, 401, 403, 404, 408, 413, 500, 501].some(isRetryableStatus)).toBe(false);
  expect(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT'].every(isRetryableError)).toBe(true);
  expect(
    ['ENOTFOUND', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'HPE_INVALID_CONSTANT', ''].some(isRetryableError),
  ).toBe(false);
});

test('waits grow, are bounded, and differ by half at most', () => {
  const waits = [1, 2, 3, 4, 5, 6, 20].map((tries) => waitMs(tries, undefined, () => 1));
  expect(waits).toEqual([300, 600, 1200, 2400, 4800, 5000, 5000]);
  expect(waitMs(3, undefined, () => 0)).toBe(600);
});

test('no wait is shorter than what the receiver asks for', () => {
  expect(waitMs(1, 2000, () => 0)).toBe(2000);
  expect(waitMs(1, 2000, () => 1)).toBe(2300);
  expect(waitMs(6, 1000, () => 1)).toBe(5000);
});

test.each([
  ['2', 2000],
  [' 0 ', 0],
  ['1.5', 1500],
  ['Thu, 26 Nov 2026 10:00:03 GMT', 3000],
  ['Thu, 26 Nov 2026 09:00:00 GMT', 0],
  ['-1', undefined],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After: %s', (header, expected) => {
  expect(retryAfterMs(header, Date.UTC(2026, 10, 26, 10))).toBe(expected);
});
