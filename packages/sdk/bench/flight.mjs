// The flight recorder in a program: memory under a flood of regions and tasks from two threads, and for how long a snapshot of a
// full window keeps the main thread from its work. SECONDS=60 is the whole test; the default is a part of it.
import { statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { print, row } from '@ttrace/bench';
import { trace } from '@ttrace/sdk';

const SECONDS = Number(process.env.SECONDS ?? 10);
const MAX_BYTES = 10 << 20;
const DELAY_WARM_UP_MS = 50;
const names = Array.from({ length: 50 }, (_, i) => `region-${i}`);
const noop = () => 1;

/** Regions and a task in every hundred, in pieces of a few milliseconds, as fast as the thread can. */
async function flood(seconds, onPiece) {
  const end = performance.now() + seconds * 1000;
  let count = 0;
  while (performance.now() < end) {
    for (let i = 0; i < 20_000; i++) {
      if (i % 100 === 0) trace.withTask('request', noop);
      else trace.withRegion(names[i % 50], noop);
    }
    count += 20_000;
    onPiece();
    await sleep(0);
  }
  return count;
}

/** Longest stretch in which a timer of a millisecond did not run, while `act` runs. */
async function longestDelay(act) {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  await sleep(DELAY_WARM_UP_MS);
  delays.reset();
  await act();
  delays.disable();
  return delays.max / 1e6;
}

/** A thread that is as busy as the collector then is. */
async function burn(millis) {
  const text = `const end = performance.now() + ${millis}; while (performance.now() < end);`;
  await new Promise((done) => new Worker(text, { eval: true, execArgv: [] }).once('exit', done));
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

async function main() {
  const before = process.memoryUsage.rss();
  const recorder = new trace.FlightRecorder({ maxBytes: MAX_BYTES });
  await recorder.start();
  const workerHeap = new Float64Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL(import.meta.url), { workerData: workerHeap });
  const samples = [];
  // The program's own heaps are its own affair: V8 makes their young part larger while they are flooded.
  const note = () => {
    const { rss, heapTotal } = process.memoryUsage();
    samples.push({
      time: performance.now(),
      rss: rss - heapTotal - workerHeap[0],
      heaps: heapTotal + workerHeap[0],
    });
  };
  const start = performance.now();
  const count = await flood(SECONDS, note);
  await new Promise((done) => worker.once('exit', done));
  // The rings and the window are full, and all code compiled, after a second.
  const warm = samples.filter(({ time }) => time > start + 1000).map(({ rss }) => rss);
  const tenth = Math.ceil(warm.length / 10);
  const highest = (values) => Math.max(...values);
  const growth = highest(warm.slice(-tenth)) - highest(warm.slice(0, tenth));
  row(
    `${SECONDS} s flood`,
    `${(count / 1e6 / SECONDS).toFixed(1)} M events/s on main`,
    'as many on a worker',
  );
  const own = `${megabytes(samples.at(-1).heaps)} MB are the program's heaps`;
  row('RSS at its end over that before start', `${megabytes(process.memoryUsage.rss() - before)} MB`, own);
  row(
    'RSS growth after a second, but for these',
    `${megabytes(growth)} MB`,
    '',
    '',
    '<= 32 MB',
    growth <= 32e6,
  );

  await sleep(300);
  for (const extension of ['.json.gz', '.pftrace', '.json']) {
    const file = join(tmpdir(), `ttrace-bench-flight-${process.pid}${extension}`);
    const took = [];
    const delays = [];
    for (let i = 0; i < 5; i++) {
      const from = performance.now();
      delays.push(await longestDelay(() => recorder.writeTo(file)));
      took.push(performance.now() - from - DELAY_WARM_UP_MS);
    }
    const size = `${megabytes(statSync(file).size)} MB`;
    row(`writeTo of a full window, ${extension}`, `${median(took).toFixed(0)} ms`, size);
    const beside = [];
    for (let i = 0; i < 5; i++) beside.push(await longestDelay(() => burn(median(took))));
    const extra = median(delays) - median(beside);
    const spin = `${median(beside).toFixed(1)} ms beside any busy thread`;
    row(
      'longest delay of the main loop, median',
      `${median(delays).toFixed(1)} ms`,
      spin,
      '',
      '<= 2 ms more',
      extra <= 2,
    );
    unlinkSync(file);
  }
  await recorder.stop();
  print(`Flight recorder, Node ${process.version}`);
}

if (isMainThread) await main();
else {
  await flood(SECONDS, () => {
    workerData[0] = process.memoryUsage().heapTotal;
  });
}
