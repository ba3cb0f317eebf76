import { expect, test } from 'vitest';
import { instrumentPLimit } from './queue-waits.ts';

test('p-limit that has itself as its default export, as version 2, is recorded by that name too', () => {
  const limit = { activeCount: 0, pendingCount: 0 };
  const old = Object.assign(() => limit, { default: undefined as unknown });
  old.default = old;
  const recorded = instrumentPLimit(old) as typeof old;
  expect(recorded).not.toBe(old);
  expect(recorded.default).toBe(recorded);
  expect((recorded.default as typeof old)()).toBe(limit);
});
