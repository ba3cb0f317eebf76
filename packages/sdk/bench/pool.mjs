/**
 * What it costs to record the thread pool: processor time of the whole process for each operation, with the source `pool`, and with
 * trace events of Node.js, which is the other way to learn of them. Rounds of all ways are interleaved; medians of ratios.
 *
 * node packages/sdk/bench/pool.mjs [rounds]
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, openSync, read, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Session } from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzip } from 'node:zlib';
import { trace } from '@ttrace/sdk';

const ROUNDS = Number(process.argv[2] ?? 9);
const directory = mkdtempSync(join(tmpdir(), 'ttrace-bench-'));
const descriptor = openSync(process.execPath);
const buffer = Buffer.alloc(4096);
const page = Buffer.alloc(4096, 'some text ');

/** Runs so many operations, eight at a time. */
async function run(count, operation) {
  let left = count;
  const one = async () => {
    while (left-- > 0) await operation();
  };
  await Promise.all(Array.from({ length: 8 }, one));
}

const called = (call) => () => new Promise((done) => call(done));
// Fewer than make 65,000 trace events a round: past that Node.js 20 (a segmentation fault) and 24 (an assertion) end the process.
// Looked up at each call, as the functions that programs import are: those that start the recording have replaced them.
const WORK = {
  'fs.promises.stat': [20_000, () => stat('.')],
  'fs.read 4 KB': [20_000, called((done) => read(descriptor, buffer, 0, 4096, 0, done))],
  'crypto.randomBytes 64': [12_000, called((done) => randomBytes(64, done))],
  'zlib.gzip 4 KB': [4000, called((done) => gzip(page, done))],
};

const session = new Session();
session.connect();
const post = (method, params) =>
  new Promise((resolve, reject) =>
    session.post(method, params, (error, value) => (error ? reject(error) : resolve(value))),
  );
let events = 0;
session.on('NodeTracing.dataCollected', ({ params }) => {
  events += params.value.length;
});
const traced = (...includedCategories) => ({
  start: () => post('NodeTracing.start', { traceConfig: { includedCategories } }),
  async stop() {
    const complete = new Promise((done) => session.once('NodeTracing.tracingComplete', done));
    await post('NodeTracing.stop');
    await complete;
  },
});
const recorded = (sources) => ({
  start: () => trace.start({ file: join(directory, 'trace.json'), sources }),
  stop: () => trace.stop(),
});

const WAYS = {
  off: { start() {}, stop() {} },
  'recording, no source': recorded(false),
  'source pool': recorded({
    ...Object.fromEntries(
      ['loop', 'gc', 'memory', 'messages', 'waits', 'http', 'workers', 'processes', 'errors'].map((name) => [
        name,
        false,
      ]),
    ),
    pool: true,
  }),
  'trace events, crypto and zlib': traced('node.threadpoolwork.sync', 'node.threadpoolwork.async'),
  'trace events, all of the pool': traced(
    'node.threadpoolwork.sync',
    'node.threadpoolwork.async',
    'node.fs.async',
    'node.dns.native',
  ),
};

/** Microseconds of processor time an operation. */
async function measure(way, count, operation) {
  // Before it starts, so that starting is not counted, but what stopping brings is.
  await way.start();
  await new Promise((done) => setTimeout(done, 100));
  const before = process.cpuUsage();
  await run(count, operation);
  await way.stop();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

for (const [name, [count, operation]] of Object.entries(WORK)) {
  await run(count, operation);
  const results = Object.fromEntries(Object.keys(WAYS).map((way) => [way, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [way, how] of Object.entries(WAYS)) results[way].push(await measure(how, count, operation));
  }
  const base = results.off.slice();
  console.log(`\n${name}: ${median(base.slice()).toFixed(1)} us`);
  for (const [way, values] of Object.entries(results)) {
    const micros = median(values.map((value, round) => value - base[round]));
    const ratio = median(values.map((value, round) => value / base[round]));
    if (way !== 'off')
      console.log(
        `  ${way.padEnd(32)} ${micros >= 0 ? '+' : ''}${micros.toFixed(1)} us  x ${ratio.toFixed(2)}`,
      );
  }
}
session.disconnect();
rmSync(directory, { recursive: true });
console.log(`\n${events} trace events`);
