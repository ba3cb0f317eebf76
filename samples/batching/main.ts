/**
 * Batching: items sent to a worker one by one, each answer awaited, against a hundred in each message.
 *
 * An item takes a microsecond, its way to the other thread and back some fifty times as long: two clones, two wake-ups. What to see
 * in the timeline: both threads' rows full of gaps between slices too small to see, and an arrow for every item; then one arrow for
 * a hundred, with a region `process` in the worker that is mostly work. The counter `items a message` is what changes.
 *
 *   npm run sample batching           records samples/out/batching.json and prints its summary
 */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';

const ITEMS = Array.from({ length: 60_000 }, (_, i) => i + 1);
const BATCH = 100;
/** Of one item: about a microsecond. */
const STEPS = 1000;

function processItem(item: number): number {
  let rest = item;
  for (let i = 0; i < STEPS; i++) rest = (rest + i) & 0xffff;
  return item * 2 + (rest & 0);
}

/** Hands over so many items at a time, and waits for their results. */
async function inBatches(worker: Worker, size: number): Promise<number[]> {
  const results: number[] = [];
  trace.counter('items a message', size);
  for (let start = 0; start < ITEMS.length; start += size) {
    worker.postMessage(ITEMS.slice(start, start + size));
    results.push(...((await once(worker, 'message')) as [number[]])[0]);
  }
  return results;
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
  const file = process.argv[2] ?? fileURLToPath(new URL('../../out/batching.json', import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  await trace.start({ file });
  const worker = new Worker(new URL(import.meta.url));
  await once(worker, 'online');
  const single = await timed('one by one', () => inBatches(worker, 1));
  const batches = await timed(`in batches of ${BATCH}`, () => inBatches(worker, BATCH));
  console.log(`speed-up: ${(single / batches).toFixed(2)} x`);
  await worker.terminate();
  const report = await trace.stop();
  console.log(`${report?.events} events in ${report?.file}`);
}

function serve(): void {
  parentPort!.on('message', (items: number[]) => {
    const results = trace.withRegion('process', () => items.map(processItem));
    parentPort!.postMessage(results);
  });
}

if (isMainThread) await main();
else serve();
