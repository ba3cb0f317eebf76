/**
 * Ten thousand small jobs: each handed to a thread by a message of its own, against one message a thread.
 *
 * In Go the cost is the scheduler's, with ten thousand goroutines. Node has no goroutines; what it switches between are turns of an
 * event loop, and a message is one: the sender's clone, a wake-up of the other thread, a turn there. All messages of the first way
 * are sent at once, so nobody waits for an answer: what it costs is the switching alone. What to see in the timeline: thousands of
 * arrows and `message` slices that dwarf the work between them, against one long region a worker. The counter `context switches` is
 * what the system counted for the whole process: fewer than there are messages, for those that have come together are handled in one
 * turn, and not always more than in the second way. The price is the clones and the calls, more than the switches.
 *
 *   npm run sample context-switching  records samples/out/context-switching.json and prints its summary
 */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';

const WORKERS = availableParallelism();
const JOBS = 10_000;
/** Of one job: about a microsecond. */
const NUMBERS = 1000;
/** The whole is over in no time: it is done so many times. */
const ROUNDS = 30;

function work(jobs: number): number {
  let sum = 0;
  for (let job = 0; job < jobs; job++) {
    for (let i = 0; i < NUMBERS; i++) sum = (sum + i) % 1_000_003;
  }
  return sum;
}

/** Sends so many messages of so many jobs to the workers in turn; they say when they have done their share. */
async function spread(workers: readonly Worker[], messages: number, jobs: number): Promise<void> {
  const answers = workers.map((worker) => once(worker, 'message'));
  for (let i = 0; i < messages; i++) {
    const isLast = i >= messages - workers.length;
    workers[i % workers.length]!.postMessage({ jobs, isLast });
  }
  await Promise.all(answers);
}

async function timed(name: string, run: () => Promise<void>): Promise<number> {
  const switches = (): number => {
    const { voluntaryContextSwitches, involuntaryContextSwitches } = process.resourceUsage();
    return voluntaryContextSwitches + involuntaryContextSwitches;
  };
  const before = switches();
  const start = performance.now();
  await trace.withTask(name, { jobs: JOBS * ROUNDS }, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await run();
      trace.counter('context switches', switches() - before);
    }
  });
  const millis = performance.now() - start;
  console.log(`${name}: ${millis.toFixed(0)} ms, ${switches() - before} context switches`);
  return millis;
}

async function main(): Promise<void> {
  const file = process.argv[2] ?? fileURLToPath(new URL('../../out/context-switching.json', import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  await trace.start({ file });
  const workers = Array.from({ length: WORKERS }, () => new Worker(new URL(import.meta.url)));
  await Promise.all(workers.map((worker) => once(worker, 'online')));
  console.log(`${ROUNDS} x ${JOBS} jobs on ${WORKERS} threads`);
  const many = await timed('a message a job', () => spread(workers, JOBS, 1));
  const few = await timed('a message a thread', () => spread(workers, WORKERS, JOBS / WORKERS));
  console.log(`speed-up: ${(many / few).toFixed(2)} x`);
  await Promise.all(workers.map((worker) => worker.terminate()));
  const report = await trace.stop();
  console.log(`${report?.events} events in ${report?.file}`);
}

function serve(): void {
  parentPort!.on('message', ({ jobs, isLast }: { readonly jobs: number; readonly isLast: boolean }) => {
    const sum = trace.withRegion('work', () => work(jobs));
    if (isLast) parentPort!.postMessage(sum);
  });
}

if (isMainThread) await main();
else serve();
