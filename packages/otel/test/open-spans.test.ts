/** Spans that are open in workers when the recording stops, or when the worker ends: shown without an end, or counted. */
import { expect, test } from 'vitest';
import { recorded } from './recorded.ts';

interface Report {
  readonly dropped: number;
  readonly events: number;
}

test('an open span of a worker is shown without an end, with its last name; of one that is blocked or terminated it is counted', async () => {
  const { slices, printed } = await recorded('open-spans-app.mjs');
  const { report, second } = printed as { report: Report; second: Report };
  const of = (isOpen: boolean): string[] =>
    slices
      .filter(({ end }) => (end === undefined) === isOpen)
      .map(({ name }) => name)
      .sort();
  const both = (name: string): string[] => [`${name} first`, `${name} second`];
  expect(of(true)).toEqual([...both('ending'), ...both('idle'), ...both('short')]);
  expect(slices.find(({ name }) => name === 'idle second')?.args).toMatchObject({
    worker: 'idle',
    scope: 'app',
  });
  expect(of(false)).toEqual(['ending', 'idle', 'long', 'short', 'terminated'].map((name) => `${name} over`));
  // Two of the worker that was blocked for longer than anybody waits, two of the one that was terminated.
  expect(report).toMatchObject({ dropped: 4, events: 6 + 5 * 2 });
  // What goes on in the next recording is not disturbed by what was open in this one.
  expect(second).toMatchObject({ dropped: 0, events: 2 });
});

test('the same when the process exits', async () => {
  const { slices } = await recorded('open-spans-app.mjs', ['exit']);
  const open = slices.filter(({ end }) => end === undefined).map(({ name }) => name);
  expect(open.sort()).toEqual(
    ['ending', 'idle', 'long', 'short'].flatMap((name) => [`${name} first`, `${name} second`]),
  );
});
