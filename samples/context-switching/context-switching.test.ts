/** What it costs to hand over small jobs one by one, by the trace. */
import { beforeAll, expect, test } from 'vitest';
import { type SampleTrace, type Slice, slicesOf, taskOf, total, traceOf } from '../trace-of.ts';

let sample: SampleTrace;
let many: Slice;
let few: Slice;

beforeAll(async () => {
  sample = await traceOf('context-switching');
  many = taskOf(sample, 'a message a job');
  few = taskOf(sample, 'a message a thread');
});

test('the same jobs take a message each, or one a thread', () => {
  const [messages, fewMessages] = [many, few].map(
    (task) => slicesOf(sample, 'message', 'message', task).length,
  );
  expect(messages).toBeGreaterThan(99_990);
  expect(fewMessages).toBeLessThan(messages! / 1000);
});

test('handing over takes the time in which the threads could have worked', () => {
  const share = (task: Slice): number =>
    total(slicesOf(sample, 'region', 'work', task)) / (task.end - task.start);
  expect(share(few)).toBeGreaterThan(1.3 * share(many));
  expect(few.end - few.start).toBeLessThan(many.end - many.start);
});
