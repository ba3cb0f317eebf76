// One run of sustained.mjs: FILE, millions of regions a second (0 = as many as two threads can), seconds. Prints JSON.
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';

const names = Array.from({ length: 50 }, (_, i) => `region-${i}`);
const noop = () => 1;

/** Calls withRegion for some milliseconds as fast as it can; returns how often. */
function flood(millis) {
  const end = performance.now() + millis;
  let called = 0;
  while (performance.now() < end) {
    for (let i = 0; i < 100; i++) trace.withRegion(names[called++ % 50], noop);
  }
  return called;
}

async function paced(file, rate, seconds) {
  const rssBefore = process.memoryUsage().rss;
  await trace.start({ sources: false, file });
  // The collector starts, code gets optimised, the ring's pages are touched.
  let called = 0;
  for (; called < 200_000; called++) trace.withRegion(names[called % 50], noop);
  await sleep(300);
  const perMilli = Math.round(rate * 1000);
  let rss = 0;
  const start = performance.now();
  for (let milli = 0; milli < seconds * 1000; milli++) {
    for (let i = 0; i < perMilli; i++) trace.withRegion(names[called++ % 50], noop);
    if (milli % 100 === 0) rss = Math.max(rss, process.memoryUsage().rss);
    while (performance.now() - start < milli + 1);
  }
  const elapsed = performance.now() - start;
  const { events, dropped } = await trace.stop();
  return {
    perSecond: ((called - 200_000) / elapsed) * 1000,
    called,
    recorded: events,
    dropped,
    bytes: statSync(file).size / events,
    rssMegabytes: (rss - rssBefore) / 1e6,
  };
}

async function unpaced(file, seconds) {
  await trace.start({ sources: false, file });
  const worker = new Worker(new URL(import.meta.url), { workerData: seconds });
  const fromWorker = new Promise((resolve) => worker.once('message', resolve));
  const own = flood(seconds * 1000);
  const called = own + (await fromWorker);
  const { events, dropped } = await trace.stop();
  return { called, recorded: events, dropped, bytes: statSync(file).size / events };
}

if (isMainThread) {
  const [file, rate, seconds] = process.argv.slice(2);
  const found =
    Number(rate) > 0
      ? await paced(file, Number(rate), Number(seconds))
      : await unpaced(file, Number(seconds));
  console.log(JSON.stringify(found));
} else parentPort.postMessage(flood(workerData * 1000));
