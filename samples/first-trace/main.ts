/**
 * The first trace: one task, ten workers at once, a region on each.
 *
 * What to see in the timeline: the task `main` from begin to end; ten threads, each with its region `work`; an arrow from the
 * moment main hands out a job to the moment its worker takes it up. On two cores ten threads take turns: their regions
 * last longer than the work in them.
 *
 *   npm run sample first-trace        records samples/out/first-trace.json and prints its summary
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';

const WORKERS = 10;
const NUMBERS = 25_000_000;

interface Job {
  readonly worker: number;
  /** The task goes on in the worker under this id. */
  readonly taskId: number;
  /** Joins the sending to the receiving. */
  readonly flowId: number;
}

/** Something to do for some ten milliseconds: a sum that the compiler cannot leave out. */
function work(): number {
  let sum = 0;
  for (let i = 0; i < NUMBERS; i++) sum = (sum + i * i) % 1_000_003;
  return sum;
}

async function main(): Promise<void> {
  const file = process.argv[2] ?? fileURLToPath(new URL('../../out/first-trace.json', import.meta.url));
  mkdirSync(new URL('.', `file://${file}`), { recursive: true });
  await trace.start({ file });
  await trace.withTask('main', { workers: WORKERS }, async (task) => {
    const sums = Array.from({ length: WORKERS }, (_, worker) => runWorker(worker, task.id));
    const total = (await Promise.all(sums)).reduce((sum, part) => sum + part, 0);
    trace.log('result', `sum ${total}`);
  });
  const report = await trace.stop();
  console.log(`${WORKERS} workers done; ${report?.events} events in ${report?.file}`);
}

function runWorker(worker: number, taskId: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const thread = trace.withRegion('start worker', { worker }, () => {
      const job: Job = { worker, taskId, flowId: trace.flowOut('hand out') };
      return new Worker(new URL(import.meta.url), { workerData: job, name: `worker-${worker}` });
    });
    thread.once('message', resolve);
    thread.once('error', reject);
  });
}

function runJob({ worker, taskId, flowId }: Job): void {
  trace.adoptTask(taskId).run(() => {
    const sum = trace.withRegion('work', { worker }, () => {
      trace.flowIn(flowId, 'take up');
      return work();
    });
    // After the region: main stops recording when it has the last answer.
    parentPort?.postMessage(sum);
  });
}

if (isMainThread) await main();
else runJob(workerData as Job);
