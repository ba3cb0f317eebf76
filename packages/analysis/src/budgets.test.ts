/** Which limits a trace keeps, and that none is kept because there is nothing to look at. */
import { expect, test } from 'vitest';
import { checkBudgets } from './budgets.ts';
import { indexOf } from './trace-index.ts';
import { traceOf } from './trace-test-kit.ts';

test('a budget is kept, broken, or about nothing that is there; each says which', () => {
  const index = indexOf(
    traceOf(
      `process 1 "shop"
      track 1/1 thread "main"
      track m async 1 loop "0x1" "main event loop"
      track t1 async 1 task "0x1" "order"
      track t2 async 1 task "0x2" "order"
      slice t1 +0.000000000 0.010000000 task "order" {"task":1}
      slice t2 +0.000000000 0.020000000 task "order" {"task":2}
      slice m +0.050000000 0.030000000 loop "hash a.js:1" {"blocked":true,"location":"a.js:1"}
      slice 1/1 +3.000000000 0.001000000 region "end"`.replace(/^ +/gm, ''),
    ),
  );
  const results = checkBudgets(index, [
    { kind: 'max-block', nanos: 50e6 },
    { kind: 'max-block', nanos: 20e6 },
    { kind: 'percentile', p: 95, name: 'order', nanos: 15e6 },
    { kind: 'percentile', p: 100, name: 'end', nanos: 5e6 },
    { kind: 'percentile', p: 95, name: 'ordr', nanos: 5e6 },
    { kind: 'max-gc', share: 0.05 },
    { kind: 'max-drops', count: 0 },
    { kind: 'max-unfinished', count: 0 },
  ]);
  expect(results.map(({ isKept, sentence }) => `${isKept ? 'ok' : 'broken'} ${sentence}`)).toEqual([
    'ok longest block: 30.0 ms (hash a.js:1, a.js:1), within 50.0 ms',
    'broken longest block: 30.0 ms (hash a.js:1, a.js:1), over 20.0 ms',
    'broken p95 of order: 20.0 ms, over 15.0 ms',
    'ok max of end: 1.00 ms, within 5.00 ms',
    'broken p95 of ordr: nothing of that name in the trace, limit 5.00 ms',
    'broken garbage collection: no garbage collection was recorded, limit 5.0 %',
    'ok dropped events: 0, within 0',
    'ok unfinished tasks: 0, within 0',
  ]);
});

test('a trace without events keeps no limit', () => {
  const results = checkBudgets(indexOf(traceOf('process 1 "shop"')), [
    { kind: 'max-block', nanos: 1e9 },
    { kind: 'max-drops', count: 0 },
  ]);
  expect(results.map(({ isKept, sentence }) => `${isKept ? 'ok' : 'broken'} ${sentence}`)).toEqual([
    'broken longest block: nothing in the trace, limit 1.00 s',
    'broken dropped events: nothing in the trace, limit 0',
  ]);
});

test('a limit is not kept because nobody looked', () => {
  const index = indexOf(
    traceOf('process 1 "shop"\ntrack 1/1 thread "main"\nslice 1/1 +0.000000001 0.000000001 region "x"'),
  );
  expect(checkBudgets(index, [{ kind: 'max-block', nanos: 1e9 }]).map(({ sentence }) => sentence)).toEqual([
    'longest block: no event loop was recorded, limit 1.00 s',
  ]);
});
