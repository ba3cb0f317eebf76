/** Who let whom go on, where the waiter stops and where it awaits. */
import { expect, test } from 'vitest';
import { handoversTable } from './handovers.ts';
import { indexOf } from './trace-index.ts';
import { traceOf } from './trace-test-kit.ts';

test('one that awaits has waited as well, for what its own task began to wait for', () => {
  const index = indexOf(
    traceOf(`process 1 "shop"
track 1/1 thread "main"
track 1/2 thread "worker 2"
track a async 1 wait "0x1" "lock db wait"
track b async 1 wait "0x2" "lock db wait"
slice a +0.000000010 0.000000095 wait "lock db wait" {"task":7}
slice b +0.000000060 0.000000041 wait "lock db wait" {"task":8}
slice 1/2 +0.000000098 0.000000001 flow "lock db unlock"
flow-out 1/2 +0.000000098 1 flow "flow"
slice 1/1 +0.000000100 0.000000001 flow "lock db wait over" {"task":7}
flow-in 1/1 +0.000000100 1 flow "flow"`),
  );
  expect(handoversTable(index).rows).toEqual([
    {
      name: 'lock db',
      from: 'worker 2',
      to: 'main',
      count: 1,
      waitedNanos: 90,
      worst: { start: index.start, end: index.start + 90 },
    },
  ]);
});
