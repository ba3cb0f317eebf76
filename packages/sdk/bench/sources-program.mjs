// The program that sources.mjs measures: an HTTP server (JSON in, JSON out, one asynchronous hop) and a pool of workers that
// compute, recorded in one of several ways or not at all. It does what its parent asks and answers with numbers.
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const require = createRequire(import.meta.url);
const POOL_THREADS = 2;
const POOL_IN_FLIGHT = 8;

/** A job of the pool: the same work each time, for a job of the same time would not become slower. */
export function compute(steps) {
  let sum = 0;
  for (let i = 1; i <= steps; i++) sum += Math.sqrt(i);
  return sum;
}

/** Switches a way of recording on; the result switches it off. */
async function record(mode) {
  if (mode === 'off') return () => {};
  if (mode === 'opentelemetry') return instrument();
  const { parseSources, trace } = await import('@ttrace/sdk');
  if (mode === 'flight') {
    const recorder = new trace.FlightRecorder();
    await recorder.start();
    return () => recorder.stop();
  }
  const file = join(tmpdir(), `ttrace-bench-sources-${process.pid}.pftrace`);
  await trace.start({ file, sources: mode === 'default' ? true : parseSources(mode) });
  return async () => {
    const { dropped } = await trace.stop();
    rmSync(file);
    if (dropped > 0) console.error(`${mode}: ${dropped} events dropped, the figures are of no use`);
  };
}

/** OpenTelemetry as its documentation sets it up, with an exporter that throws everything away. */
async function instrument() {
  const { BatchSpanProcessor, NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node');
  const { HttpInstrumentation } = await import('@opentelemetry/instrumentation-http');
  let spans = 0;
  const exporter = {
    export(batch, done) {
      spans += batch.length;
      done({ code: 0 });
    },
    shutdown: async () => {},
  };
  const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
  provider.register();
  new HttpInstrumentation().setTracerProvider(provider);
  return async () => {
    await provider.shutdown();
    if (spans === 0) console.error('opentelemetry made no spans: its figures are of no use');
  };
}

function listen() {
  // Required when the instrumentation is there: that replaces it as it is loaded.
  const http = require('node:http');
  const server = http.createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (piece) => {
      text += piece;
    });
    request.on('end', async () => {
      const { items } = JSON.parse(text);
      await new Promise((done) => setImmediate(done));
      const total = items.reduce((sum, { price }) => sum + price, 0);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ total, items }));
    });
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));
}

let pool;

/** Jobs a second over a while. */
async function poolRate({ steps, millis }) {
  const { default: Piscina } = await import('piscina');
  pool ??= new Piscina({
    filename: import.meta.filename,
    minThreads: POOL_THREADS,
    maxThreads: POOL_THREADS,
  });
  const start = performance.now();
  let jobs = 0;
  const runUntilEnd = async () => {
    while (performance.now() < start + millis) {
      await pool.run(steps, { name: 'compute' });
      jobs++;
    }
  };
  await Promise.all(Array.from({ length: POOL_IN_FLIGHT }, runUntilEnd));
  return (jobs * 1000) / (performance.now() - start);
}

async function main(mode) {
  const stop = await record(mode);
  const answers = {
    cpu: async () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    pool: poolRate,
  };
  process.on('message', async (question) => {
    if (question.what !== 'end') return process.send(await answers[question.what](question));
    await pool?.destroy();
    await stop();
    process.exit();
  });
  process.send(await listen());
}

if (isMainThread && process.send !== undefined) await main(process.argv[2]);
