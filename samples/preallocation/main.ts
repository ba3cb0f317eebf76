/**
 * Preallocation: a million numbers into an array that grows, against one that has its size from the start, and a typed array.
 *
 * A growing array is copied into a larger one again and again; what it was copied from is garbage. An array of a known size is
 * allocated once, and a typed array takes half of the memory, outside of the heap. Each way runs on a thread with a heap of its
 * own. What to see in the timeline: the `GC` slices of each worker below its regions; their time falls by several times, though
 * not always their share, for the rest falls as well. The counters `heap total` and `array buffers` say where the numbers are.
 *
 *   npm run sample preallocation      records samples/out/preallocation.json and prints its summary
 */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';

const NUMBERS = 1_000_000;
const ROUNDS = 80;

/** Each fills an array and returns its last number. */
const WAYS: Readonly<Record<string, () => number>> = {
  growing() {
    const numbers: number[] = [];
    for (let i = 0; i < NUMBERS; i++) numbers.push(i);
    return numbers.at(-1)!;
  },
  preallocated() {
    const numbers = new Array<number>(NUMBERS);
    for (let i = 0; i < NUMBERS; i++) numbers[i] = i;
    return numbers.at(-1)!;
  },
  'typed array'() {
    const numbers = new Int32Array(NUMBERS);
    for (let i = 0; i < NUMBERS; i++) numbers[i] = i;
    return numbers.at(-1)!;
  },
};

interface Job {
  readonly way: string;
  readonly taskId: number;
}

async function timed(way: string): Promise<number> {
  const worker = new Worker(new URL(import.meta.url), { name: way });
  await once(worker, 'online');
  const start = performance.now();
  const sum = await trace.withTask(way, { rounds: ROUNDS }, async ({ id }) => {
    worker.postMessage({ way, taskId: id } satisfies Job);
    const [answer] = (await once(worker, 'message')) as [number];
    return answer;
  });
  const millis = performance.now() - start;
  console.log(`${way}: ${ROUNDS} x ${NUMBERS} numbers (check ${sum}) in ${millis.toFixed(0)} ms`);
  await once(worker, 'exit');
  return millis;
}

function serve(): void {
  parentPort!.once('message', ({ way, taskId }: Job) => {
    const sum = trace.adoptTask(taskId).run(() => {
      let total = 0;
      for (let round = 0; round < ROUNDS; round++) total += trace.withRegion(way, WAYS[way]!);
      return total;
    });
    parentPort!.postMessage(sum);
  });
}

async function main(): Promise<void> {
  const file = process.argv[2] ?? fileURLToPath(new URL('../../out/preallocation.json', import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  await trace.start({ file });
  const growing = await timed('growing');
  const preallocated = await timed('preallocated');
  const typed = await timed('typed array');
  console.log(`speed-up by preallocation: ${(growing / preallocated).toFixed(2)} x`);
  console.log(`speed-up by a typed array: ${(growing / typed).toFixed(2)} x`);
  const report = await trace.stop();
  console.log(`${report?.events} events in ${report?.file}`);
}

if (isMainThread) await main();
else serve();
