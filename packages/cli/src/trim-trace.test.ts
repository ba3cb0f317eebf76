/** Trimming: what overlaps stays as it was, and nothing else. */
import { EventKind, readTextTrace, type Trace, textLines, timeRange } from '@ttrace/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryTrace, sortedText } from './arbitrary-trace-test-kit.ts';
import { type Trimming, trimTrace } from './trim-trace.ts';

/** Whether an event has a moment in common with the stretch; a sample of a counter lasts until the next one. */
function overlaps({ columns, length }: Trace, row: number, from: number, to: number): boolean {
  const { kind, start, value, track } = columns;
  const begin = start[row]!;
  let end = begin;
  if (kind[row] === EventKind.slice) end = value[row]! < 0 ? Infinity : begin + value[row]!;
  if (kind[row] === EventKind.counter) {
    end = Infinity;
    for (let other = 0; other < length; other++) {
      if (track[other] !== track[row] || kind[other] !== EventKind.counter) continue;
      const isLater = start[other]! > begin || (start[other] === begin && other > row);
      // The last sample before the stretch says what the value is as it begins.
      if (isLater && start[other]! < from) end = begin;
    }
  }
  return begin <= to && end >= from;
}

test('trim keeps every event that overlaps the stretch, unchanged, and nothing else', () => {
  const time = fc.integer({ min: 0, max: 520 });
  fc.assert(
    fc.property(arbitraryTrace, time, time, (trace, one, other) => {
      const { start } = timeRange(trace);
      const scale = timeRange(trace).end - start > 10_000 ? 1000 : 1;
      const [from, to] = [Math.min(one, other) * scale, Math.max(one, other) * scale];
      const events = (of: Trace): string[] =>
        sortedText(of).filter((line) => /^(slice|instant|counter)/.test(line));
      const expected: number[] = [];
      for (let row = 0; row < trace.length; row++)
        if (overlaps(trace, row, start + from, start + to)) expected.push(row);
      fc.pre(from <= timeRange(trace).end - start);
      const trimmed = trimTrace(trace, { from, to });
      expect(trimmed.length).toBe(expected.length);
      const all = events(trace);
      for (const line of events(trimmed)) expect(all).toContain(line);
      for (const [place, row] of expected.entries()) {
        expect(trimmed.columns.start[place]).toBe(trace.columns.start[row]);
        expect(trimmed.columns.value[place]).toBe(trace.columns.value[row]);
      }
      const used = new Set(trimmed.columns.track);
      expect(trimmed.tracks.length).toBe(used.size);
    }),
    { numRuns: 300 },
  );
});

const SHOP = readTextTrace(`# ttrace text 1
meta ttrace_part {"recording":"x","part":2}
process 7 "shop"
process 8 "other"
track 7/7 thread "main"
track 7/8 thread "worker 1"
track 8/8 thread "main"
track a1 async 7 loop "0x8" "worker 1 event loop"
track a2 async 7 sample "lane" "worker 1 samples"
track a3 async 7 task "0x1" "order"
track a4 async 7 task "0x2" "pay"
track a5 async 7 task "0x3" "mail"
track a6 async 8 task "0x2" "pay"
track a7 async 7 region "0x9" "store"
track c1 counter 7 "" "queue"
slice a3 +0.000000000 0.000001000 task "order" {"task":1}
slice a4 +0.000000100 0.000000500 task "pay" {"task":2,"parent":1}
slice a5 +0.000000100 0.000000500 task "mail" {"task":3}
slice a6 +0.000000100 0.000000500 task "pay" {"task":2}
slice 7/7 +0.000000110 0.000000100 region "parse" {"task":2}
slice 7/7 +0.000000120 0.000000010 gc "GC minor"
slice 7/7 +0.000000300 0.000000100 region "send" {"task":3}
slice 7/8 +0.000000300 0.000000100 region "render" {"x":"y","task":1}
slice 8/8 +0.000000110 0.000000100 region "elsewhere" {"task":2}
slice a1 +0.000000300 0.000000100 loop "turn"
slice a2 +0.000000300 0.000000100 sample "f"
slice a7 +0.000000300 0.000000100 region "store" {"task":2}
counter c1 +0.000000300 5 "queue"
flow-out 7/7 +0.000000110 1 flow "flow"
flow-in 7/8 +0.000000300 1 flow "flow"
flow-in 7/7 +0.000000300 2 flow "flow"
`);

function namesOf(trimming: Trimming): string[] {
  const { columns, strings, length } = trimTrace(SHOP, trimming);
  return Array.from({ length }, (_, row) => strings.text(columns.name[row]!));
}

test('a thread is named by name, tid or pid/tid, and comes with its event loop and samples', () => {
  expect(namesOf({ threads: ['worker 1'] })).toEqual(['render', 'turn', 'f', 'flow']);
  expect(namesOf({ threads: ['7/7'] })).toEqual(['parse', 'GC minor', 'send', 'flow', 'flow']);
  expect(namesOf({ threads: ['main'] })).toHaveLength(6);
  expect(namesOf({ threads: ['8'] })).toEqual(['render', 'elsewhere', 'turn', 'f', 'flow']);
});

test('a task comes with its descendants in its process and with what lies in its slices', () => {
  const order = ['order', 'pay', 'parse', 'GC minor', 'render', 'store', 'flow', 'flow'];
  expect(namesOf({ tasks: ['order'] })).toEqual(order);
  expect(namesOf({ tasks: ['1'] })).toEqual(order);
  expect(namesOf({ tasks: ['mail'] })).toEqual(['mail', 'send', 'flow']);
  expect(namesOf({ tasks: ['order'], threads: ['main'] })).toEqual([
    'order',
    'pay',
    'parse',
    'GC minor',
    'flow',
  ]);
  expect(namesOf({ tasks: ['order'], from: 350 })).toEqual(['order', 'pay', 'render', 'store']);
});

test('tasks that are their own ancestors do no harm', () => {
  const circle = readTextTrace(`# ttrace text 1
track a1 async 7 task "0x1" "a"
track a2 async 7 task "0x2" "b"
track a3 async 7 task "0x3" "c"
slice a1 +0.000000000 0.000000001 task "a" {"task":1,"parent":2}
slice a2 +0.000000000 0.000000001 task "b" {"task":2,"parent":1}
slice a3 +0.000000000 0.000000001 task "c" {"task":3}
`);
  expect(trimTrace(circle, { tasks: ['c'] }).length).toBe(1);
  expect(trimTrace(circle, { tasks: ['a'] }).length).toBe(2);
});

test('names that the trace does not have are said, with what it has', () => {
  expect(() => trimTrace(SHOP, { threads: ['mian'] })).toThrow(
    'there is no thread mian in the trace, only main (7/7), worker 1 (7/8), main (8/8)',
  );
  expect(() => trimTrace(SHOP, { tasks: ['order', '77'] })).toThrow('there is no task 77');
  expect(() => trimTrace(SHOP, { from: 1001 })).toThrow('the trace lasts only 1.00 µs');
  expect(trimTrace(SHOP, { from: 1000 }).length).toBe(2);
});

test('tracks and processes without events go, as does what only a part says', () => {
  const lines = [...textLines(trimTrace(SHOP, { threads: ['worker 1'] }))];
  expect(lines.filter((line) => /^(process|track|meta)/.test(line))).toEqual([
    'process 7 "shop"',
    'track 7/8 thread "worker 1"',
    'track a1 async 7 loop "0x8" "worker 1 event loop"',
    'track a2 async 7 sample "lane" "worker 1 samples"',
  ]);
});
