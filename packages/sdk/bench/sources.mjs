// What recording costs a program that knows nothing of it: an HTTP server under autocannon (requests a second, processor time a
// request, the slowest of a hundred), a pool of workers that compute, and a process that does nothing. Each way of recording has a
// process of its own beside one that is not recorded; they take turns in short rounds, and there are several sets of them, for
// neither two moments nor two processes of a kind are equally fast. Client, server and collector share the processors.
//
//   node packages/sdk/bench/sources.mjs [--strict]     MODES='off;none,gc;none,http' PARTS=pool SETS=1 for parts of it
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { print, row } from '@ttrace/bench';
import { SOURCE_NAMES } from '@ttrace/sdk';
import autocannon from 'autocannon';
import { compute } from './sources-program.mjs';

const SETS = Number(process.env.SETS ?? 2);
const ROUNDS = Number(process.env.ROUNDS ?? 6);
const PARTS = (process.env.PARTS ?? 'idle,http,pool').split(',');
const SECONDS = 1;
const IDLE_MS = 4000;
const POOL_MS = 500;
const CONNECTIONS = 16;
const BODY = JSON.stringify({
  items: Array.from({ length: 20 }, (_, id) => ({ id, name: `item ${id}`, price: id * 1.5 })),
});
/** Each with the least share of the throughput that it may leave; undefined: a peer, not us. */
const TARGETS = new Map([
  ['default', 0.98],
  ['flight', 0.98],
  ['samples', 0.94],
  ['opentelemetry', undefined],
]);
const MODES = process.env.MODES?.split(';') ?? [
  'off',
  ...[...TARGETS.keys()].filter((mode) => mode !== 'samples' || SOURCE_NAMES.includes('samples')),
];

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const percent = (ratio) => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %`;

async function ask(child, what, more) {
  child.send({ what, ...more });
  return (await once(child, 'message'))[0];
}

/** A second of requests over connections of their own. */
async function load({ child, port }) {
  const times = [];
  const before = await ask(child, 'cpu');
  const run = autocannon({
    url: `http://127.0.0.1:${port}/orders/17`,
    method: 'POST',
    body: BODY,
    connections: CONNECTIONS,
    duration: SECONDS,
  });
  run.on('response', (_client, _status, _bytes, millis) => times.push(millis));
  const { requests, finish, start, errors, non2xx } = await run;
  if (errors + non2xx > 0) throw new Error(`${errors} requests failed, ${non2xx} were refused`);
  times.sort((a, b) => a - b);
  return {
    rate: (requests.total * 1000) / (finish - start),
    cpu: ((await ask(child, 'cpu')) - before) / requests.total,
    slowest: times[Math.floor(times.length * 0.99)],
  };
}

/** How many steps of `compute` take a millisecond here. */
function stepsOfMillisecond() {
  const steps = 2e5;
  const times = Array.from({ length: 30 }, () => {
    const start = performance.now();
    compute(steps);
    return performance.now() - start;
  });
  return Math.round(steps / median(times));
}

const STEPS = stepsOfMillisecond();

/** Runs each of a set's programs in turn, first in one order, then in the other. */
async function inTurns(programs, rounds, measure) {
  for (let round = 0; round < rounds; round++) {
    for (const program of round % 2 === 0 ? programs : [...programs].reverse()) await measure(program);
  }
}

const parts = {
  async idle(programs, found) {
    const before = await Promise.all(programs.map(({ child }) => ask(child, 'cpu')));
    await sleep(IDLE_MS);
    for (const [i, { mode, child }] of programs.entries()) {
      found[mode].idle.push(((await ask(child, 'cpu')) - before[i]) / (IDLE_MS * 1000));
    }
  },
  async http(programs, found) {
    // As fast as it gets only after some thousand requests.
    for (const program of programs) await load(program);
    await inTurns(programs, ROUNDS, async (program) => {
      const { rate, cpu, slowest } = await load(program);
      found[program.mode].rate.push(rate);
      found[program.mode].cpu.push(cpu);
      found[program.mode].slowest.push(slowest);
    });
  },
  async pool(programs, found) {
    // OpenTelemetry's instrumentation is one of http alone.
    const pools = programs.filter(({ mode }) => mode !== 'opentelemetry');
    const jobs = ({ child }) => ask(child, 'pool', { steps: STEPS, millis: POOL_MS });
    for (const program of pools) await jobs(program);
    await inTurns(pools, ROUNDS, async (program) => {
      found[program.mode].jobs.push(await jobs(program));
    });
  },
};

async function measureSet(found) {
  const programs = [];
  for (const mode of MODES) {
    const child = fork(new URL('sources-program.mjs', import.meta.url), [mode]);
    const [port] = await once(child, 'message');
    programs.push({ mode, child, port });
  }
  await sleep(500);
  for (const part of PARTS) await parts[part](programs, found);
  for (const { child } of programs) {
    child.send({ what: 'end' });
    await once(child, 'exit');
  }
}

/** What a mode leaves of what `off` has: the median of neighbours in time. */
function against(off, values) {
  return median(values.map((value, i) => value / off[i]));
}

function report(found) {
  const { off, ...others } = found;
  const all = Object.entries(others);
  const compare = (label, key, text, isRate) => {
    for (const [mode, values] of all) {
      if (values[key].length === 0) continue;
      const ratio = against(off[key], values[key]);
      const least = isRate ? TARGETS.get(mode) : undefined;
      row(
        `${label}, ${mode}`,
        text(median(values[key])),
        `${text(median(off[key]))} off`,
        percent(ratio),
        least === undefined ? '' : `>= ${percent(least)}`,
        least === undefined ? undefined : ratio >= least,
      );
    }
  };
  compare('requests/s', 'rate', (rate) => rate.toFixed(0), true);
  compare('slowest of 100 requests', 'slowest', (millis) => `${millis.toFixed(2)} ms`, false);
  compare('processor time a request', 'cpu', (micros) => `${micros.toFixed(1)} us`, false);
  compare('jobs of 1 ms a second', 'jobs', (rate) => rate.toFixed(0), true);
  for (const [mode, { idle }] of all) {
    if (idle.length === 0) continue;
    const share = median(idle);
    const isOurs = TARGETS.get(mode) !== undefined;
    row(
      `processor while idle, ${mode}`,
      `${(share * 100).toFixed(2)} %`,
      `${(median(off.idle) * 100).toFixed(2)} % off`,
      '',
      isOurs ? '<= 1 %' : '',
      isOurs ? share <= 0.01 : undefined,
    );
  }
  print(`What recording costs a program, Node ${process.version}`);
}

const found = Object.fromEntries(
  MODES.map((mode) => [mode, { rate: [], cpu: [], slowest: [], jobs: [], idle: [] }]),
);
for (let set = 0; set < SETS; set++) await measureSet(found);
report(found);
