// What it costs to note all the time where asynchronous work is begun (`pendingStacks`): calls of async functions that wait once, and
// timers, in one process, without and with it in turns; and how long a request for 10,000 pending promises of one place, and of
// 1000 stacks, takes.
//
//   node packages/debug-server/bench/pending.mjs        ROUNDS=12 for longer
import { setImmediate as turn } from 'node:timers/promises';
import { print, row } from '@ttrace/bench';
import { startDebugServer } from '@ttrace/debug-server';

const ROUNDS = Number(process.env.ROUNDS ?? 6);
const CALLS = 20_000;
const TIMERS = 5000;

async function leaf(value) {
  await undefined;
  return value + 1;
}

async function branch(value) {
  return (await leaf(value)) + (await leaf(value + 1));
}

const WORK = {
  'async calls': async () => {
    let sum = 0;
    for (let i = 0; i < CALLS; i++) sum += await branch(i);
    if (sum < 0) throw new Error('never');
    return CALLS * 3;
  },
  timers: async () => {
    await Promise.all(Array.from({ length: TIMERS }, () => new Promise((done) => setTimeout(done, 0))));
    return TIMERS;
  },
};

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const serve = (pendingStacks) => startDebugServer({ port: 0, record: false, heap: false, pendingStacks });

/** Nanoseconds of processor time for each. */
async function timed(work) {
  await turn();
  const before = process.cpuUsage();
  const count = await work();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / count;
}

for (const [name, work] of Object.entries(WORK)) {
  const found = { off: [], on: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const mode of round % 2 === 0 ? ['off', 'on'] : ['on', 'off']) {
      const server = await serve(mode === 'on');
      if (round === 0) await work();
      found[mode].push(await timed(work));
      await server.close();
    }
  }
  const [off, on] = [median(found.off), median(found.on)];
  row(
    `${name}, noted`,
    `${on.toFixed(0)} ns`,
    `${off.toFixed(0)} ns not noted`,
    `${(on / off).toFixed(1)} times`,
  );
}

const server = await serve(true);
const kept = [];
for (let i = 0; i < 10_000; i++) kept.push(new Promise(() => {}));
for (let i = 0; i < 1000; i++) kept.push(new Function(`${'\n'.repeat(i)}return new Promise(() => {})`)());
for (const what of ['first', 'second']) {
  const start = performance.now();
  const answer = await fetch(`${server.url}goroutine`);
  await answer.arrayBuffer();
  row(`${what} request, 11,000 promises`, `${(performance.now() - start).toFixed(0)} ms`, '', '');
}
await server.close();
if (kept.length === 0) throw new Error('never');
print(`What noting the stacks of pending work costs, Node ${process.version}`);
