// What each call costs, off and on, beside an empty call, two clock reads and the peers. One process, rounds in turn, the
// best of each: the machine's other work makes rounds slower, never faster.
//
//   node packages/sdk/bench/calls.mjs [--strict]
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import v8 from 'node:v8';
import vm from 'node:vm';
import { trace as otel } from '@opentelemetry/api';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { nanoseconds, print, row, times } from '@ttrace/bench';
import { trace } from '@ttrace/sdk';
import chromeTraceEvent from 'chrome-trace-event';

const CALLS = 10_000;
const ROUNDS = 40;
const file = join(tmpdir(), `ttrace-bench-${process.pid}.json`);
const noop = () => 1;
const names = Array.from({ length: 50 }, (_, i) => `region-${i}`);

const provider = new NodeTracerProvider({
  spanProcessors: [
    new BatchSpanProcessor({
      export: (_spans, done) => done({ code: 0 }),
      shutdown: async () => {},
    }),
  ],
});
provider.register();
const tracer = otel.getTracer('bench');
const chrome = new chromeTraceEvent.Tracer({ noStream: true });

const each = (body) =>
  new Function(
    'trace',
    'noop',
    'names',
    'performance',
    'tracer',
    'chrome',
    `return (n) => {
  let sum = 0;
  for (let i = 0; i < n; i++) { ${body} }
  return sum;
}`,
  )(trace, noop, names, performance, tracer, chrome);

const clocks = each('sum += performance.now(); sum -= performance.now();');
const empty = { empty: each('sum += noop();') };
const cases = {
  region: each("sum += trace.withRegion('hot', noop);"),
  names: each('sum += trace.withRegion(names[i % 50], noop);'),
  startEnd: each("trace.startRegion('hot').end();"),
  counter: each("trace.counter('queue', i);"),
};
/** Calls that give the collector much to do, measured apart: it may share a processor core with the caller. */
const heavy = {
  attributes: each("sum += trace.withRegion('hot', { id: 17 }, noop);"),
  log: each("trace.log('cache', 'miss');"),
  task: each("sum += trace.withTask('order', noop);"),
};
const peers = {
  measure: each("performance.measure('hot', { start: performance.now(), end: performance.now() });"),
  span: each(
    "sum += tracer.startActiveSpan('hot', (span) => { const value = noop(); span.end(); return value; });",
  ),
  chrome: each(
    "const event = { name: 'hot', cat: ['region'] }; chrome.begin(event); sum += noop(); chrome.end(event);",
  ),
};

/**
 * Nanoseconds a call, and that as a multiple of two clock reads: medians over rounds in which the cases take turns and each
 * stands right behind its own clock reads, for the machine's speed changes by half from one moment to the next.
 */
async function measure(group, rounds = ROUNDS, calls = CALLS) {
  const found = Object.fromEntries(
    Object.keys(group).map((name) => [name, { nanos: [], floors: [], ratios: [] }]),
  );
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(group)) {
      const floor = timed(clocks, calls);
      const nanos = timed(run, calls);
      found[name].floors.push(floor);
      found[name].nanos.push(nanos);
      found[name].ratios.push(nanos / floor);
      performance.clearMeasures();
      chrome.events.length = 0;
      // Lets the collector and the peers' exporters catch up, so that nobody measures a full buffer.
      await sleep(trace.isEnabled() ? (group === heavy ? 45 : 15) : 1);
    }
  }
  return Object.fromEntries(
    Object.entries(found).map(([name, { nanos, floors, ratios }]) => [
      name,
      { nanos: median(nanos), floor: median(floors), ratio: median(ratios) },
    ]),
  );
}

function timed(run, calls) {
  const start = process.hrtime.bigint();
  run(calls);
  return Number(process.hrtime.bigint() - start) / calls;
}

function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

/** Every page of the ring is touched once before anything is measured, as in any recording that lasts. */
async function warmRing() {
  for (let burst = 0; burst < 30; burst++) {
    cases.region(20_000);
    await sleep(25);
  }
}

/** Bytes a call leaves on the heap, between two collections. */
function allocated(run) {
  v8.setFlagsFromString('--expose-gc');
  const gc = vm.runInNewContext('gc');
  run(1e5);
  gc();
  const before = process.memoryUsage().heapUsed;
  run(1e6);
  return (process.memoryUsage().heapUsed - before) / 1e6;
}

const off = await measure({ ...empty, ...cases, log: heavy.log });
const offBytes = allocated(cases.region);
const peer = await measure(peers, 15, 5000);
await trace.start({ sources: false, file });
await warmRing();
const on = await measure(cases);
const task = trace.newTask('bench');
const within = await measure({ sync: (calls) => task.run(() => cases.region(calls)) });
Object.assign(within, await task.run(() => measure({ async: cases.region })));
task.end();
Object.assign(on, await measure(heavy, 20));
const report = await trace.stop();
rmSync(file);
if (report.dropped > 0) throw new Error(`${report.dropped} events dropped: the figures are of no use`);

const againstFloor = (name, { nanos, floor, ratio }, target) =>
  row(
    name,
    nanoseconds(nanos),
    `${nanoseconds(floor)} two clock reads`,
    times(ratio),
    target === undefined ? '' : `<= ${target} x`,
    target === undefined ? undefined : ratio <= target,
  );
const overEmpty = (name, { nanos }) =>
  row(
    `${name}, off`,
    nanoseconds(nanos),
    `${nanoseconds(off.empty.nanos)} empty call`,
    `+${nanoseconds(nanos - off.empty.nanos)}`,
    '<= +1.5 ns',
    nanos - off.empty.nanos <= 1.5,
  );
const againstRegion = (name, { nanos, ratio }, target) =>
  row(
    name,
    nanoseconds(nanos),
    `${nanoseconds(on.region.nanos)} region`,
    times(ratio / on.region.ratio),
    target === undefined ? '' : `>= ${target} x`,
    target === undefined ? undefined : ratio / on.region.ratio >= target,
  );

overEmpty('region', off.region);
overEmpty('startRegion/end', off.startEnd);
overEmpty('log', off.log);
overEmpty('counter', off.counter);
row('region, off: bytes allocated', `${offBytes.toFixed(3)} B`, '', '', '0 B', offBytes < 0.05);
againstFloor('region', on.region, 1.3);
againstFloor('region in a task', within.sync, 1.4);
againstFloor('region in a task, after an await', within.async);
againstFloor('region, 50 names in turn', on.names, 1.5);
againstFloor('startRegion/end', on.startEnd);
againstFloor('region with an attribute', on.attributes);
againstFloor('log', on.log);
againstFloor('counter', on.counter);
againstFloor('task', on.task);
againstRegion('OpenTelemetry span', peer.span, 12);
againstRegion('performance.measure', peer.measure);
againstRegion('chrome-trace-event', peer.chrome);
print(`Calls, Node ${process.version}`);
await provider.shutdown();
