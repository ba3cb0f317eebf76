/** When threads that come while a profile is taken are asked for it. */
import { expect, test } from 'vitest';
import { captureCpu } from './cpu-capture.ts';
import type { InspectedThread, InspectedThreads } from './inspected-threads.ts';

/** A thread that notes what it is asked, and says so many times that it is not there yet. */
function thread(id: number, asked: string[], looks = 0): InspectedThread {
  let left = looks;
  const answer = (method: string, params: object | undefined): unknown => {
    const isLook = JSON.stringify(params ?? {}).includes(' in globalThis');
    asked.push(isLook ? 'look' : method);
    return isLook ? { result: { value: left-- <= 0 } } : {};
  };
  return {
    id,
    name: `worker ${id}`,
    url: '',
    post: async <T>(method: string, params?: object) => answer(method, params) as T,
  };
}

function capture(asked: string[], late: InspectedThread, seconds: number): Promise<unknown> {
  const threads = {
    each(listener: (thread: InspectedThread) => void) {
      listener(thread(0, asked));
      setTimeout(listener, 50, late);
      return () => {};
    },
  } as unknown as InspectedThreads;
  const { signal } = new AbortController();
  return captureCpu(threads, { seconds, isWanted: () => true, canThrowAway: true, signal });
}

test('a worker that comes later is profiled once it runs the program, and not before', async () => {
  const [asked, askedLate]: [string[], string[]] = [[], []];
  await capture(asked, thread(1, askedLate, 2), 1);
  expect(asked).toContain('Profiler.startPreciseCoverage');
  expect(askedLate.slice(0, 4)).toEqual(['look', 'look', 'look', 'Profiler.enable']);
  expect(askedLate.filter((method) => method === 'Profiler.start')).toHaveLength(1);
  expect(askedLate).not.toContain('Profiler.startPreciseCoverage');
});

test('a worker that is not there when the profile ends has no profiler afterwards', async () => {
  const askedLate: string[] = [];
  await capture([], thread(1, askedLate, 1e6), 0.3);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(askedLate).toContain('look');
  expect(askedLate).not.toContain('Profiler.start');
});
