// What a debug server costs an HTTP server in processor time: while nobody asks, and while a CPU profile of a second is taken; beside the
// recorder alone, V8's heap sampler alone, and a profiler that is always on. Each way has a process of its own; they take turns in short
// rounds of as many requests. Times are the system's count for the server's main thread and for all its threads (Linux).
//
//   node packages/debug-server/bench/cost.mjs        ROUNDS=12 for longer, MODES=off,served for some
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { print, row } from '@ttrace/bench';
import autocannon from 'autocannon';

const ROUNDS = Number(process.env.ROUNDS ?? 6);
const REQUESTS = 3000;
const MODES = (
  process.env.MODES ??
  'off,recorder,served,without heap,heap alone,pending stacks,profiler,looked at,looked at not exactly'
).split(',');
const LOOKS = { 'looked at': 'profile?seconds=1', 'looked at not exactly': 'profile?seconds=1&exact=0' };
const BODY = JSON.stringify({
  items: Array.from({ length: 20 }, (_, id) => ({ id, name: `item ${id}`, price: id * 1.5 })),
});

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Microseconds. */
function processorTime({ pid }) {
  let all = 0;
  let main = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const micros =
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]) / 1000;
    all += micros;
    if (Number(thread) === pid) main = micros;
  }
  return { main, all };
}

async function load({ child, port, url, mode }) {
  const path = LOOKS[mode];
  const look = path === undefined ? undefined : fetch(`${url}${path}`).then((answer) => answer.arrayBuffer());
  const before = processorTime(child);
  const { errors } = await autocannon({
    url: `http://127.0.0.1:${port}/`,
    method: 'POST',
    body: BODY,
    connections: 16,
    amount: REQUESTS,
  });
  await look;
  const after = processorTime(child);
  if (errors > 0) throw new Error(`${errors} requests failed`);
  return { main: (after.main - before.main) / REQUESTS, all: (after.all - before.all) / REQUESTS };
}

const programs = [];
for (const mode of MODES) {
  const child = fork(new URL('cost-program.mjs', import.meta.url), [mode]);
  const [facts] = await once(child, 'message');
  programs.push({ mode, child, ...facts, found: [] });
}
for (const program of programs) await load(program);
for (let round = 0; round < ROUNDS; round++) {
  for (const program of round % 2 === 0 ? programs : [...programs].reverse())
    program.found.push(await load(program));
}
for (const { child } of programs) child.send('end');
const [off, ...others] = programs;
const text = (value) => `${value.toFixed(1)} us`;
for (const [key, label] of [
  ['main', 'main thread, a request'],
  ['all', 'all threads, a request'],
]) {
  for (const { mode, found } of others) {
    const more = median(found.map((each, i) => each[key] - off.found[i][key]));
    const of = (program) => text(median(program.found.map((each) => each[key])));
    row(`${label}, ${mode}`, of({ found }), `${of(off)} off`, `${more >= 0 ? '+' : ''}${text(more)}`);
  }
}
print(`What a debug server costs, Node ${process.version}`);
