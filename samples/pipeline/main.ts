/**
 * Pipelines: every item through three stages one after the other, against a thread for each stage, against three such pipelines.
 *
 * The stages wait 10, 20 and 15 ms for something outside, as for a database or another service, so that threads help also where
 * there are few processors. What to see in the timeline: each `item` is a task whose three regions lie one after the other, on one
 * thread, or on a thread each, where the regions of different items lie below one another. The counter `before stage 2` rises all
 * the time: the slowest stage decides how fast a pipeline is.
 *
 *   npm run sample pipeline           records samples/out/pipeline.json and prints its summary
 */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, MessageChannel, type MessagePort, Worker, workerData } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';

const ITEMS = Array.from({ length: 40 }, (_, i) => i + 1);
const STAGES = [
  { name: 'stage 1', millis: 10, run: (value: number) => value * 2 },
  { name: 'stage 2', millis: 20, run: (value: number) => value + 10 },
  { name: 'stage 3', millis: 15, run: (value: number) => value * value },
] as const;

type Item = { readonly item: number; readonly value: number; readonly taskId: number };
type StageData = { readonly stage: number; readonly input: MessagePort; readonly output: MessagePort };

function runStage(stage: number, value: number): Promise<number> {
  const { name, millis, run } = STAGES[stage]!;
  return trace.withRegion(name, async () => {
    await wait(millis);
    return run(value);
  });
}

async function sequential(): Promise<number[]> {
  const results: number[] = [];
  for (const item of ITEMS) {
    await trace.withTask('item', { item }, async () => {
      let value = item;
      for (let stage = 0; stage < STAGES.length; stage++) value = await runStage(stage, value);
      results.push(value);
    });
  }
  return results;
}

/** The two ends of a pipeline whose threads run, each joined to the next one. */
async function startPipeline(): Promise<{ readonly input: MessagePort; readonly output: MessagePort }> {
  const channels = Array.from({ length: STAGES.length + 1 }, () => new MessageChannel());
  const workers = STAGES.map(({ name }, stage) => {
    const [input, output] = [channels[stage]!.port2, channels[stage + 1]!.port1];
    const options = { workerData: { stage, input, output }, transferList: [input, output], name };
    return new Worker(new URL(import.meta.url), options);
  });
  await Promise.all(workers.map((worker) => once(worker, 'online')));
  return { input: channels[0]!.port1, output: channels.at(-1)!.port2 };
}

async function pipelined(pipelines: readonly Awaited<ReturnType<typeof startPipeline>>[]): Promise<number[]> {
  const done = new Map<number, (value: number) => void>();
  for (const { output } of pipelines) {
    output.on('message', ({ item, value }: Item) => done.get(item)!(value));
  }
  const put = (item: number): Promise<number> =>
    trace.withTask('item', { item }, ({ id }) => {
      const { input } = pipelines[item % pipelines.length]!;
      input.postMessage({ item, value: item, taskId: id } satisfies Item);
      return new Promise((resolve) => done.set(item, resolve));
    });
  const results = await Promise.all(ITEMS.map(put));
  // A stage ends when nothing can come any more, and with it the next one.
  for (const { input } of pipelines) input.close();
  return results;
}

/** A stage's thread: one item at a time. */
function serve({ stage, input, output }: StageData): void {
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  input.on('message', ({ item, value, taskId }: Item) => {
    trace.counter(`before ${STAGES[stage]!.name}`, ++waiting);
    last = last.then(async () => {
      const result = await trace.adoptTask(taskId).run(() => runStage(stage, value));
      trace.counter(`before ${STAGES[stage]!.name}`, --waiting);
      output.postMessage({ item, value: result, taskId } satisfies Item);
    });
  });
  input.once('close', () => void last.then(() => output.close()));
}

async function timed(name: string, run: () => Promise<number[]>): Promise<number> {
  const start = performance.now();
  const results = await trace.withTask(name, { items: ITEMS.length }, run);
  const millis = performance.now() - start;
  const sum = results.reduce((total, value) => total + value, 0);
  console.log(`${name}: ${results.length} results (sum ${sum}) in ${millis.toFixed(0)} ms`);
  return millis;
}

async function main(): Promise<void> {
  const file = process.argv[2] ?? fileURLToPath(new URL('../../out/pipeline.json', import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  await trace.start({ file });
  const [first, ...others] = await Promise.all([1, 2, 3, 4].map(startPipeline));
  const one = await timed('one after the other', sequential);
  const pipeline = await timed('a pipeline', () => pipelined([first!]));
  const parallel = await timed('three pipelines', () => pipelined(others));
  console.log(`a pipeline against one after the other: ${(one / pipeline).toFixed(2)} x`);
  console.log(`three pipelines against one after the other: ${(one / parallel).toFixed(2)} x`);
  console.log(`three pipelines against one: ${(pipeline / parallel).toFixed(2)} x`);
  const report = await trace.stop();
  console.log(`${report?.events} events in ${report?.file}`);
}

if (isMainThread) await main();
else serve(workerData as StageData);
