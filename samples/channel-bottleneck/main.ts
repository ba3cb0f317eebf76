/**
 * Channels: thirty thousand numbers from a thread that makes them to one that handles them, without a buffer, and with one.
 *
 * Without a buffer each number is a meeting: the sender sleeps until the receiver has come and taken it, then the receiver until
 * the next one is made, and neither works while the other does. What to see in the timeline: `channel numbers send wait` between
 * any two regions on the sender's row; then a sender that never waits, and both working at once, with the counter
 * `channel buffered length` as what lies between them.
 *
 *   npm run sample channel-bottleneck    records samples/out/channel-bottleneck.json and prints its summary
 */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';
import { Channel } from '@ttrace/sync';

const NUMBERS = 30_000;
const CAPACITY = 1000;
/** Of making a number, and of handling one: some ten microseconds. */
const MAKE_STEPS = 14_000;
const HANDLE_STEPS = 8000;

interface Job {
  readonly role: 'make' | 'handle';
  readonly channel: Channel<Int32Array>;
  readonly sum: Int32Array;
  readonly task: number;
}

function work(number: number, steps: number): number {
  let rest = number;
  for (let i = 0; i < steps; i++) rest = (rest + i) & 0xffff;
  return number + (rest & 0);
}

async function timed(name: string, channel: Channel<Int32Array>): Promise<number> {
  const sum = new Int32Array(new SharedArrayBuffer(4));
  const start = performance.now();
  await trace.withTask(name, { numbers: NUMBERS, capacity: channel.capacity }, async (task) => {
    const ends = (['make', 'handle'] as const).map((role) => {
      const job: Job = { role, channel, sum, task: task.id };
      return once(
        new Worker(new URL(import.meta.url), { workerData: job, name: `${role} ${channel.name}` }),
        'exit',
      );
    });
    await Promise.all(ends);
  });
  const millis = performance.now() - start;
  console.log(`${name}: sum ${sum[0]} in ${millis.toFixed(0)} ms`);
  return millis;
}

async function main(): Promise<void> {
  const file =
    process.argv[2] ?? fileURLToPath(new URL('../../out/channel-bottleneck.json', import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  await trace.start({ file });
  const unbuffered = await timed('without a buffer', Channel.of(Int32Array, 1, { name: 'unbuffered' }));
  const buffered = await timed(
    `with a buffer of ${CAPACITY}`,
    Channel.of(Int32Array, 1, { name: 'buffered', capacity: CAPACITY }),
  );
  console.log(`speed-up: ${(unbuffered / buffered).toFixed(2)} x`);
  const report = await trace.stop();
  console.log(`${report?.events} events in ${report?.file}`);
}

function make(channel: Channel<Int32Array>): void {
  for (let i = 0; i < NUMBERS; i++) channel.send(Int32Array.of(work(i, MAKE_STEPS)));
  channel.close();
}

function handle(channel: Channel<Int32Array>, sum: Int32Array): void {
  for (const [number] of channel) sum[0]! += work(number!, HANDLE_STEPS);
}

function serve({ role, channel, sum, task }: Job): void {
  const own = Channel.from<Int32Array>(channel);
  trace.adoptTask(task).run(() => {
    trace.withRegion(role, () => (role === 'make' ? make(own) : handle(own, sum)));
  });
}

if (isMainThread) await main();
else serve(workerData as Job);
