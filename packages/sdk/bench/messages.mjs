// What messages between threads cost while they are recorded: nanoseconds of processor time a message in the user's threads, both
// ends together, in processes that are recorded over processes that are not. The collector's own time is apart: it has another
// processor where there is one. The processes take turns in short rounds, several of each kind, for neither two moments nor two
// processes of the same kind are equally fast. Beside it: two clock reads an end, the least that two slices take. Linux.
//
//   node packages/sdk/bench/messages.mjs [--strict]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { nanoseconds, print, row } from '@ttrace/bench';
import { trace } from '@ttrace/sdk';

const ROUNDS = Number(process.env.ROUNDS ?? 16);
const PROCESSES = Number(process.env.PROCESSES ?? 3);
const MESSAGES = 4000;
/** Messages on their way at once, so that threads do not sleep and wake for each. */
const IN_FLIGHT = 50;
const BUDGET = 250;

/** Nanoseconds that the calling thread has been on a processor. The kernel brings the figure up to date when it is asked for the process's. */
function threadNanos() {
  process.cpuUsage();
  return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]);
}

/** Sends until `count` answers are back; `IN_FLIGHT` go first, then one for each that comes. */
function exchange(sender, receiver, count) {
  return new Promise((done) => {
    let sent = 0;
    let got = 0;
    const onMessage = () => {
      if (sent < count) sender.postMessage({ id: sent++, ok: true });
      if (++got < count) return;
      receiver.off('message', onMessage);
      done();
    };
    receiver.on('message', onMessage);
    while (sent < IN_FLIGHT) sender.postMessage({ id: sent++, ok: true });
  });
}

let worker;

/** Each gives the nanoseconds of one message; one that a worker answers counts as two. */
const cases = {
  async channel() {
    const { port1, port2 } = new MessageChannel();
    const start = threadNanos();
    await exchange(port1, port2, MESSAGES);
    const nanos = threadNanos() - start;
    port1.close();
    return nanos / MESSAGES;
  },
  async fetched() {
    const { port1, port2 } = new MessageChannel();
    const start = threadNanos();
    for (let i = 0; i < MESSAGES; i++) {
      port1.postMessage({ id: i, ok: true });
      receiveMessageOnPort(port2);
    }
    const nanos = threadNanos() - start;
    port1.close();
    return nanos / MESSAGES;
  },
  async worker() {
    worker ??= new Worker(ECHO, { eval: true });
    const before = await workerNanos();
    const start = threadNanos();
    await exchange(worker, worker, MESSAGES / 2);
    const own = threadNanos() - start;
    return (own + (await workerNanos()) - before) / MESSAGES;
  },
  async clock() {
    let sum = 0;
    const start = threadNanos();
    for (let i = 0; i < MESSAGES * 4; i++) sum += performance.now();
    return sum === 0 ? 0 : (threadNanos() - start) / MESSAGES;
  },
};

const ECHO = `
  const { readFileSync } = require('node:fs');
  const { parentPort } = require('node:worker_threads');
  ${threadNanos}
  parentPort.on('message', (message) => parentPort.postMessage(message === 'cpu' ? threadNanos() : message));`;

async function workerNanos() {
  const answer = once(worker, 'message');
  worker.postMessage('cpu');
  return (await answer)[0];
}

/** Runs a case whenever it is asked to. */
async function answer(isRecorded) {
  const file = join(tmpdir(), `ttrace-bench-messages-${process.pid}.pftrace`);
  if (isRecorded) await trace.start({ file, sources: only('messages') });
  process.send('ready');
  process.on('message', async (name) => {
    if (name !== 'end') return process.send(await cases[name]());
    await worker?.terminate();
    if (isRecorded) {
      const { dropped } = await trace.stop();
      rmSync(file);
      if (dropped > 0) console.error(`${dropped} events dropped: the figures are of no use`);
    }
    process.exit();
  });
}

/** All sources off but one. */
function only(wanted) {
  const names = ['loop', 'gc', 'memory', 'messages', 'waits', 'http', 'workers', 'processes'];
  return Object.fromEntries(names.map((name) => [name, name === wanted]));
}

async function ask(child, name) {
  child.send(name);
  return (await once(child, 'message'))[0];
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

async function main() {
  const children = [];
  for (let i = 0; i < PROCESSES; i++) {
    for (const mode of ['off', 'on']) {
      const child = fork(import.meta.filename, [mode]);
      await once(child, 'message');
      children.push({ child, mode });
    }
  }
  const found = Object.fromEntries(Object.keys(cases).map((name) => [name, { off: [], on: [] }]));
  for (let round = -3; round < ROUNDS; round++) {
    for (const { child, mode } of children) {
      for (const name of Object.keys(cases)) {
        const nanos = await ask(child, name);
        if (round >= 0) found[name][mode].push(nanos);
        // Lets the collector catch up, or its work would be in the way of the next.
        if (mode === 'on') await sleep(25);
      }
    }
  }
  for (const { child } of children) {
    child.send('end');
    await once(child, 'exit');
  }
  row('floor: four clock reads', nanoseconds(median(found.clock.off)));
  for (const [label, { off, on }] of [
    ['within a thread, sent and handled', found.channel],
    ['within a thread, fetched by receiveMessageOnPort', found.fetched],
    ['to a worker and back, each way', found.worker],
  ]) {
    const [plain, recorded] = [median(off), median(on)];
    const more = recorded - plain;
    row(
      label,
      nanoseconds(recorded),
      `${nanoseconds(plain)} off`,
      `+${nanoseconds(more)}`,
      `<= +${BUDGET} ns`,
      more <= BUDGET,
    );
  }
  print(`Messages, Node ${process.version}`);
}

if (process.send === undefined) await main();
else await answer(process.argv[2] === 'on');
