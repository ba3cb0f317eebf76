/** Critical paths: steps that follow each other and add up, over threads, waits, messages and gaps. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CriticalPath, criticalPath, timeByKind } from './critical-path.ts';
import { tasksOf } from './tasks.ts';
import { indexOf } from './trace-index.ts';
import { randomTrace, traceOf } from './trace-test-kit.ts';

function pathOf(text: string, name = 'order'): CriticalPath {
  const index = indexOf(traceOf(text));
  return criticalPath(index, tasksOf(index).all.find((task) => task.name === name)!);
}

const steps = ({ steps: all }: CriticalPath): string[] =>
  all.map(
    ({ kind, name, thread, start, end }) =>
      `${kind} ${name}${thread === '' ? '' : ` @${thread}`} ${start}-${end}`,
  );

test('the steps of every task follow each other, have a length, and add up to the task', () => {
  fc.assert(
    fc.property(randomTrace, (trace) => {
      const index = indexOf(trace);
      for (const task of tasksOf(index).all) {
        const path = criticalPath(index, task);
        let time = task.start;
        for (const { start, end } of path.steps) {
          expect(start).toBe(time);
          expect(end).toBeGreaterThan(start);
          time = end;
        }
        expect(time).toBe(task.end);
        const sum = Object.values(timeByKind(path)).reduce((total, each) => total + each, 0);
        expect(sum).toBeCloseTo(task.end - task.start, 3);
      }
    }),
  );
});

test('code, an awaited request and a gap are told apart, and of things side by side the one that ends last counts', () => {
  const path = pathOf(`process 1 "shop"
track 1/1 thread "main"
track t async 1 task "0x1" "order"
track a async 1 http "0x2" "GET stock"
track b async 1 http "0x3" "GET price"
slice t +0.000000100 0.000001000 task "order" {"task":1}
slice 1/1 +0.000000100 0.000000100 region "parse" {"task":1}
slice a +0.000000200 0.000000300 http "GET stock" {"task":1}
slice b +0.000000200 0.000000600 http "GET price" {"task":1}
slice 1/1 +0.000000900 0.000000200 region "answer" {"task":1}
`);
  expect(steps(path)).toEqual([
    'running parse @main 100-200',
    'async GET price 200-800',
    'gap nothing recorded @main 800-900',
    'running answer @main 900-1100',
  ]);
});

test('a message leads from its handler back to the sender, with the time that it was on its way', () => {
  const path = pathOf(`process 1 "shop"
track 1/1 thread "main"
track 1/2 thread "worker"
track t async 1 task "0x1" "order"
slice t +0.000000000 0.000001000 task "order" {"task":1}
slice 1/1 +0.000000000 0.000000200 region "parse" {"task":1}
slice 1/1 +0.000000100 0.000000050 message "postMessage" {"task":1}
flow-out 1/1 +0.000000100 1 flow "flow"
slice 1/2 +0.000000500 0.000000500 message "message"
flow-in 1/2 +0.000000500 1 flow "flow"
slice 1/2 +0.000000600 0.000000400 region "charge" {"task":1}
`);
  expect(steps(path)).toEqual([
    'running parse @main 0-100',
    'message postMessage main → worker @worker 100-500',
    'running message @worker 500-600',
    'running charge @worker 600-1000',
  ]);
});

test('what a message of the task has made run is part of it where it belongs to no other task', () => {
  const path = pathOf(`process 1 "shop"
track 1/1 thread "main"
track 1/2 thread "worker"
track t async 1 task "0x1" "order"
slice t +0.000000000 0.000001000 task "order" {"task":1}
slice 1/1 +0.000000000 0.000000100 message "postMessage" {"task":1}
flow-out 1/1 +0.000000000 1 flow "flow"
slice 1/2 +0.000000400 0.000000100 message "message"
flow-in 1/2 +0.000000400 1 flow "flow"
`);
  expect(steps(path)).toEqual([
    'message postMessage main → worker @worker 0-400',
    'running message @worker 400-500',
    'gap nothing recorded @main 500-1000',
  ]);
});

test('a message says what it was queued behind, and its handler which lock it waited for', () => {
  const path = pathOf(`process 1 "shop"
track 1/1 thread "main"
track 1/2 thread "worker"
track l async 1 loop "0x1" "main event loop"
track t async 1 task "0x1" "order"
track f async 1 task "0x2" "publish feed"
slice t +0.000000000 0.001000000 task "order" {"task":1}
slice f +0.000000000 0.000500000 task "publish feed" {"task":2}
slice 1/1 +0.000000000 0.000010000 message "postMessage" {"task":1}
flow-out 1/1 +0.000000000 1 flow "flow"
slice 1/2 +0.000000000 0.000450000 message "message"
slice 1/2 +0.000050000 0.000400000 region "feed" {"task":2}
slice 1/2 +0.000500000 0.000200000 message "message"
flow-in 1/2 +0.000500000 1 flow "flow"
slice 1/2 +0.000510000 0.000150000 wait "lock ledger wait"
slice 1/2 +0.000680000 0.000010000 message "postMessage"
flow-out 1/2 +0.000680000 2 flow "flow"
slice l +0.000650000 0.000300000 loop "arrange a.js:2" {"blocked":true,"location":"/a.js:2","task":9}
slice 1/1 +0.000950000 0.000050000 message "message"
flow-in 1/1 +0.000950000 2 flow "flow"
`);
  expect(steps(path)).toEqual([
    'message postMessage main → worker, queued behind feed of publish feed @worker 0-450000',
    'message postMessage main → worker @worker 450000-500000',
    'running message @worker 500000-510000',
    'waiting lock ledger wait @worker 510000-660000',
    'running message @worker 660000-680000',
    'message postMessage worker → main, queued behind arrange a.js:2 @main 680000-950000',
    'running message @main 950000-1000000',
  ]);
});

test('a task that waits for a lock says so, and what its subtasks do is part of it', () => {
  const path = pathOf(`process 1 "shop"
track 1/1 thread "main"
track t async 1 task "0x1" "order"
track s async 1 task "0x2" "charge"
slice t +0.000000000 0.000001000 task "order" {"task":1}
slice s +0.000000300 0.000000700 task "charge" {"task":2,"parent":1}
slice 1/1 +0.000000000 0.000000300 wait "lock stock wait" {"task":1}
slice 1/1 +0.000000300 0.000000700 region "pay" {"task":2}
`);
  expect(steps(path)).toEqual(['waiting lock stock wait @main 0-300', 'running pay @main 300-1000']);
});

test('a region that is open across an await is no running code', () => {
  const path = pathOf(`process 1 "shop"
track 1/1 thread "main"
track l async 1 loop "0x1" "main event loop"
track t async 1 task "0x1" "order"
slice t +0.000000000 0.400000000 task "order" {"task":1}
slice 1/1 +0.000000000 0.400000000 region "load" {"task":1}
slice l +0.000000000 0.002000000 loop "turn"
slice l +0.399000000 0.002000000 loop "turn"
`);
  expect(path.steps.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['async load']);
});

test('a hundred thousand regions in one task take a moment', () => {
  const lines = ['process 1 "shop"', 'track 1/1 thread "main"', 'track t async 1 task "0x1" "order"'];
  lines.push('slice t +0.000000000 0.100000000 task "order" {"task":1}');
  for (let i = 0; i < 100_000; i++) {
    lines.push(`slice 1/1 +${((i * 1000 + 1) / 1e9).toFixed(9)} 0.000000900 region "step" {"task":1}`);
  }
  const { steps: all } = pathOf(lines.join('\n'));
  expect(all).toHaveLength(200_001);
});
