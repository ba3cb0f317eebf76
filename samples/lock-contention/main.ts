/**
 * Lock contention: a hundred jobs of a thousand increments on four workers, each increment worked out while the lock is held,
 * against worked out without it and added under the lock once a job.
 *
 * What happens under a lock happens on one thread at a time, however many there are. What to see in the timeline: four workers of
 * which one at a time is not in `lock counter wait`, the rows `lock counter` together without a gap, and an arrow from each unlock to
 * who went on; then workers that run side by side, and a lock that is held for moments. Sort the summary by `Waiting`.
 *
 *   npm run sample lock-contention    records samples/out/lock-contention.json and prints its summary
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';
import { Channel, Mutex, WaitGroup } from '@ttrace/sync';

const WORKERS = 4;
const JOBS = 100;
const INCREMENTS = 1000;
/** Of working out one increment: some fifteen microseconds. */
const STEPS = 15_000;

/** What all threads share: plain data and objects of @ttrace/sync arrive in `workerData` as they are. */
interface Shared {
  readonly jobs: Channel<Int32Array>;
  readonly lock: Mutex;
  readonly group: WaitGroup;
  readonly counter: Int32Array;
}

function workOut(seed: number): number {
  let rest = seed;
  for (let i = 0; i < STEPS; i++) rest = (rest + i) & 0xffff;
  return 1 + (rest & 0);
}

/** Everybody waits for everybody else, a thousand times a job. */
function withHighContention(lock: Mutex, counter: Int32Array): void {
  for (let i = 0; i < INCREMENTS; i++) {
    lock.withLock(() => {
      counter[0]! += workOut(i);
    });
  }
}

/** The same work, and the lock once. */
function withLowContention(lock: Mutex, counter: Int32Array): void {
  let own = 0;
  for (let i = 0; i < INCREMENTS; i++) own += workOut(i);
  lock.withLock(() => {
    counter[0]! += own;
  });
}

const WAYS = [withHighContention, withLowContention];

async function timed(name: string, way: number, shared: Shared): Promise<number> {
  shared.counter[0] = 0;
  const start = performance.now();
  await trace.withTask(name, { jobs: JOBS, increments: INCREMENTS }, async (task) => {
    shared.group.add(JOBS);
    for (let i = 0; i < JOBS; i++) await shared.jobs.sendAsync(Int32Array.of(way, task.id));
    await shared.group.waitAsync();
  });
  const millis = performance.now() - start;
  console.log(`${name}: counter ${shared.counter[0]} in ${millis.toFixed(0)} ms`);
  return millis;
}

async function main(): Promise<void> {
  const file = process.argv[2] ?? fileURLToPath(new URL('../../out/lock-contention.json', import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  await trace.start({ file });
  const shared: Shared = {
    jobs: Channel.of(Int32Array, 2, { capacity: JOBS, name: 'jobs' }),
    lock: new Mutex('counter'),
    group: new WaitGroup('jobs'),
    counter: new Int32Array(new SharedArrayBuffer(4)),
  };
  const workers = Array.from(
    { length: WORKERS },
    () => new Worker(new URL(import.meta.url), { workerData: shared }),
  );
  const ends = workers.map((worker) => new Promise((done) => worker.once('exit', done)));
  const high = await timed('high contention', 0, shared);
  const low = await timed('low contention', 1, shared);
  console.log(`speed-up: ${(high / low).toFixed(2)} x`);
  shared.jobs.close();
  await Promise.all(ends);
  const report = await trace.stop();
  console.log(`${report?.events} events in ${report?.file}`);
}

function work(): void {
  const { jobs, lock, group, counter } = workerData as Shared;
  const own = { lock: Mutex.from(lock), group: WaitGroup.from(group) };
  for (const [way, task] of Channel.from<Int32Array>(jobs)) {
    trace.adoptTask(task!).run(() => {
      trace.withRegion('job', () => WAYS[way!]!(own.lock, counter));
    });
    own.group.done();
  }
}

if (isMainThread) await main();
else work();
