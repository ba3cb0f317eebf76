// How exactly blocks are found: 100 blocks of 30-300 ms on the main thread and three workers at once. Each block notes its own
// begin and end; the trace is read back and laid beside them. Targets: all found, 95 of 100 right to a millisecond at both ends,
// 98 of 100 with a stack that names the function.
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { print, row } from '@ttrace/bench';
import { trace } from '@ttrace/sdk';

const BLOCKS_PER_THREAD = 25;
const THREADS = 4;
const nanos = () => Number(process.hrtime.bigint());

function blockingFunction(millis) {
  const end = nanos() + millis * 1e6;
  while (nanos() < end);
}

/** Blocks of all lengths from 30 to 300 ms, in an order that looks like chance; pauses between them. */
async function blockOften(seed) {
  const truth = [];
  for (let i = 0; i < BLOCKS_PER_THREAD; i++) {
    const step = (i * 7 + seed * 3) % BLOCKS_PER_THREAD;
    await sleep(20 + ((i * 13 + seed * 17) % 40));
    const begin = nanos();
    blockingFunction(30 + (270 * step) / (BLOCKS_PER_THREAD - 1));
    truth.push([begin, nanos()]);
  }
  await sleep(50);
  return truth;
}

function findBlocks(file, tids) {
  const events = JSON.parse(readFileSync(file, 'utf8'));
  const blocks = [];
  const open = new Map();
  for (const { ph, ts, id2, args, cat, name } of events) {
    if (cat !== 'loop') continue;
    const tid = Number(id2.local);
    if (ph === 'b')
      open.set(tid, {
        tid,
        begin: ts * 1000,
        stack: args?.stack ?? [],
        isBlock: args?.blocked === true,
        name,
      });
    else if (open.get(tid)?.isBlock) blocks.push({ ...open.get(tid), end: ts * 1000 });
  }
  return blocks.filter(({ tid }) => tids.size === 0 || tids.has(tid));
}

async function main() {
  const file = join(tmpdir(), `ttrace-bench-blocks-${process.pid}.json`);
  await trace.start({ file, sources: { loop: true } });
  const workers = Array.from(
    { length: THREADS - 1 },
    (_, i) => new Worker(new URL(import.meta.url), { workerData: i + 1 }),
  );
  await Promise.all(workers.map((worker) => new Promise((done) => worker.once('online', done))));
  await sleep(200);
  const answers = workers.map((worker) => new Promise((done) => worker.once('message', done)));
  for (const worker of workers) worker.postMessage('go');
  const truth = (await Promise.all([blockOften(0), ...answers])).flat();
  await trace.stop();
  const found = findBlocks(file, new Set());
  if (process.env.KEEP === undefined) rmSync(file);
  report(truth, found);
  for (const worker of workers) await worker.terminate();
}

function report(truth, found) {
  const errors = [];
  let exact = 0;
  let named = 0;
  let hits = 0;
  for (const [begin, end] of truth) {
    const block = found.filter(
      (one) =>
        one.begin < end && one.end > begin && Math.abs(one.begin - begin) + Math.abs(one.end - end) < 60e6,
    );
    block.sort(
      (a, b) =>
        Math.abs(a.begin - begin) + Math.abs(a.end - end) - Math.abs(b.begin - begin) - Math.abs(b.end - end),
    );
    if (block.length === 0) continue;
    hits++;
    const error = Math.max(Math.abs(block[0].begin - begin), Math.abs(block[0].end - end)) / 1e6;
    errors.push(error);
    if (error <= 1) exact++;
    if (block[0].stack.some((frame) => frame.startsWith('blockingFunction '))) named++;
  }
  errors.sort((a, b) => a - b);
  const of = (count) => `${count} of ${truth.length}`;
  row('found', of(hits), '', '', 'all', hits === truth.length);
  row('begin and end right to 1 ms', of(exact), '', '', '95 %', exact >= truth.length * 0.95);
  row('with a stack that names the function', of(named), '', '', '98 %', named >= truth.length * 0.98);
  row('error, median', `${errors[errors.length >> 1]?.toFixed(2)} ms`);
  row('error, largest', `${errors.at(-1)?.toFixed(2)} ms`);
  row('blocks in the trace', String(found.length));
  print(`Blocks of 30-300 ms on ${THREADS} threads at once, Node ${process.version}`);
}

if (isMainThread) await main();
else {
  parentPort.once('message', async () => {
    parentPort.postMessage(await blockOften(workerData));
    parentPort.once('message', () => {});
  });
}
