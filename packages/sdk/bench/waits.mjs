/**
 * What it costs to record waits on shared memory, beside the same calls while nothing is recorded. A wait of a millisecond is looked at: its
 * caller, 20 frames deep, is in the trace. Rounds are interleaved; medians.
 *
 * node packages/sdk/bench/waits.mjs [rounds]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { nanoseconds, print, row, times } from '@ttrace/bench';
import { trace } from '@ttrace/sdk';

const ROUNDS = Number(process.argv[2] ?? 11);
const DEPTH = 20;
const directory = mkdtempSync(join(tmpdir(), 'ttrace-bench-'));
const cell = new Int32Array(new SharedArrayBuffer(64));
const [PING, PONG] = [8, 9];

const worker = new Worker(
  `const cell = require('node:worker_threads').workerData;
  for (let n = 0; ; ) {
    Atomics.wait(cell, ${PING}, n);
    n = Atomics.load(cell, ${PING});
    Atomics.store(cell, ${PONG}, n);
    Atomics.notify(cell, ${PONG}, 1);
  }`,
  { eval: true, workerData: cell },
);

function deep(levels, call) {
  return levels === 0 ? call() : deep(levels - 1, call);
}

/** Median of nanoseconds a call. */
function each(calls, call) {
  const took = [];
  for (let i = 0; i < calls; i++) {
    const start = performance.now();
    call();
    took.push((performance.now() - start) * 1e6);
  }
  return median(took);
}

/** Mean of nanoseconds a call. */
function mean(calls, call) {
  const start = performance.now();
  for (let i = 0; i < calls; i++) call();
  return ((performance.now() - start) * 1e6) / calls;
}

function pingPong() {
  const n = Atomics.add(cell, PING, 1) + 1;
  Atomics.notify(cell, PING, 1);
  while (Atomics.load(cell, PONG) !== n) Atomics.wait(cell, PONG, n - 1);
}

const WORK = {
  'notify, nobody waits': () => mean(1_000_000, () => Atomics.notify(cell, 0)),
  'wait, the value has changed': () => mean(1_000_000, () => Atomics.wait(cell, 0, 1)),
  'wait of 50 us': () => mean(2000, () => Atomics.wait(cell, 0, 0, 0.05)),
  'message to a thread and back, a wait on both': () => mean(10_000, pingPong),
  'wait of 1 ms': () => each(200, () => deep(DEPTH, () => Atomics.wait(cell, 0, 0, 1))),
};

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const off = Object.fromEntries(Object.keys(WORK).map((name) => [name, []]));
const on = structuredClone(off);
const NOTHING_ELSE = Object.fromEntries(
  ['loop', 'gc', 'memory', 'messages', 'http', 'workers', 'processes', 'errors'].map((name) => [name, false]),
);
for (let round = 0; round <= ROUNDS; round++) {
  for (const into of [off, on]) {
    if (into === on) await trace.start({ file: join(directory, 'trace.json'), sources: NOTHING_ELSE });
    // The first round warms up.
    for (const [name, work] of Object.entries(WORK)) {
      const value = work();
      if (round > 0) into[name].push(value);
    }
    if (into === on) await trace.stop();
  }
}
await worker.terminate();
rmSync(directory, { recursive: true });
for (const name of Object.keys(WORK)) {
  const [floor, value] = [median(off[name]), median(on[name])];
  row(name, nanoseconds(value), `${nanoseconds(floor)}, nothing recorded`, times(value / floor));
}
print(`Waits on shared memory, recorded, Node ${process.versions.node}`);
