/**
 * Worker pools: a message for every job against a message for every chunk of jobs, with plain workers and with piscina.
 *
 * A job takes some 20 us, to hand it over takes about as long again, on both sides. What to see in the timeline: in the simple
 * ways main is busy from begin to end with messages, and the workers' rows have gaps between ever so small turns; in the
 * chunked ways main sleeps, and every worker has one region of jobs. The summary's table of threads says how busy each was.
 *
 *   npm run sample worker-pool        records samples/out/worker-pool.json and prints its summary
 */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';
import { Piscina } from 'piscina';

const WORKERS = availableParallelism();
const JOBS = 20_000;
const NUMBERS = 10_000;

type Results = readonly number[];

/** Does jobs, one or many: what a worker of either pool is sent, and what it answers. */
export function work(jobs: readonly number[]): Results {
  return trace.withRegion('jobs', () =>
    jobs.map((job) => {
      let sum = job;
      for (let i = 0; i < NUMBERS; i++) sum = (sum + i * i) % 1_000_003;
      return sum;
    }),
  );
}

function chunksOf(size: number): number[][] {
  const jobs = Array.from({ length: JOBS }, (_, id) => id);
  return Array.from({ length: Math.ceil(JOBS / size) }, (_, i) => jobs.slice(i * size, (i + 1) * size));
}

/** Each worker gets the next chunk when it has answered. */
async function plainPool(workers: readonly Worker[], chunks: readonly number[][]): Promise<Results> {
  const results: Results[] = [];
  let next = 0;
  const serve = async (worker: Worker): Promise<void> => {
    while (next < chunks.length) {
      const index = next++;
      worker.postMessage(chunks[index]);
      results[index] = ((await once(worker, 'message')) as [Results])[0];
    }
  };
  await Promise.all(workers.map(serve));
  return results.flat();
}

async function piscinaPool(pool: Piscina, chunks: readonly number[][]): Promise<Results> {
  const results = await Promise.all(chunks.map((chunk) => pool.run(chunk) as Promise<Results>));
  return results.flat();
}

async function timed(name: string, run: () => Promise<Results>): Promise<number> {
  const start = performance.now();
  const results = await trace.withTask(name, { workers: WORKERS, jobs: JOBS }, run);
  const millis = performance.now() - start;
  const sum = results.reduce((total, result) => total + result, 0);
  console.log(`${name}: ${results.length} results (sum ${sum}) in ${millis.toFixed(0)} ms`);
  return millis;
}

async function main(): Promise<void> {
  const file = process.argv[2] ?? fileURLToPath(new URL('../../out/worker-pool.json', import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  await trace.start({ file });
  const workers = Array.from({ length: WORKERS }, (_, i) => {
    return new Worker(new URL(import.meta.url), { name: `plain-${i}` });
  });
  const pool = new Piscina({
    filename: import.meta.url,
    name: 'work',
    minThreads: WORKERS,
    maxThreads: WORKERS,
  });
  await Promise.all([...workers.map((worker) => once(worker, 'online')), pool.run([0])]);
  const [single, chunks] = [chunksOf(1), chunksOf(Math.ceil(JOBS / WORKERS))];
  console.log(`${JOBS} jobs for ${WORKERS} workers`);
  const plain = await timed('plain workers, a message a job', () => plainPool(workers, single));
  const plainChunks = await timed('plain workers, a message a chunk', () => plainPool(workers, chunks));
  const piscina = await timed('piscina, a message a job', () => piscinaPool(pool, single));
  const piscinaChunks = await timed('piscina, a message a chunk', () => piscinaPool(pool, chunks));
  console.log(`speed-up with plain workers: ${(plain / plainChunks).toFixed(2)} x`);
  console.log(`speed-up with piscina: ${(piscina / piscinaChunks).toFixed(2)} x`);
  await Promise.all([...workers.map((worker) => worker.terminate()), pool.destroy()]);
  const report = await trace.stop();
  console.log(`${report?.events} events in ${report?.file}`);
}

if (isMainThread) await main();
else if (!Piscina.isWorkerThread) {
  parentPort!.on('message', (jobs: number[]) => parentPort!.postMessage(work(jobs)));
}
