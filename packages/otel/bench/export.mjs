// Spans a second from a trace in memory to the last answer of a local collector (nop exporter), beside the SDK's own exporter with spans
// that are ready-made; and what encoding alone takes beside @opentelemetry/otlp-transformer. `npm run build` first.
//
//   OTELCOL_BIN=… node packages/otel/bench/export.mjs [spans]

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { print, row, times } from '@ttrace/bench';
import { TraceBuilder } from '@ttrace/format';
import { exportOtlp, givenResource, otlpTarget, wallEpochOf } from '../dist/otlp.js';
import { otlpBodies } from '../dist/otlp-bodies.js';
import { Epoch } from '../dist/otlp-epoch.js';
import { TraceSpans } from '../dist/otlp-trace-spans.js';

const SPANS = Number(process.argv[2] ?? 200_000);
const BATCH = 5000;
const TARGET = 200_000;
const ROUNDS = 3;

/** Requests of one task with regions, logs and a message each, on four threads. */
function traceOf(spans) {
  const builder = new TraceBuilder();
  const text = (value) => builder.strings.intern(value);
  builder.relative(1_000_000, 0);
  builder.clock = { monotonicNanos: 1_000_000_000n, wallMillis: 1_795_705_098_308 };
  builder.process(7).name = 'bench';
  const threads = [1, 2, 3, 4].map((tid) => builder.threadTrack(7, tid));
  for (const [i, track] of threads.entries()) builder.tracks[track].name = `thread ${i + 1}`;
  const [task, region, log, message] = ['task', 'region', 'log', 'message'].map(text);
  const names = Array.from({ length: 20 }, (_, i) => text(`step ${i}`));
  let time = 0;
  for (let at = 0, id = 1; at < spans; at += 10, id++) {
    const args = text(`{"task":${id}}`);
    const track = threads[id % 4];
    const own = builder.asyncTrack(7, 'task', `0x${id.toString(16)}`, 'order');
    builder.slice(
      own,
      text('order'),
      task,
      time,
      90_000,
      text(`{"task":${id},"id":${id},"customer":"c${id % 99}"}`),
    );
    for (let step = 0; step < 8; step++) {
      builder.slice(track, names[(id + step) % 20], region, time + 1000 + step * 10_000, 9000, args);
    }
    builder.instant(
      track,
      text('cache'),
      log,
      time + 2000,
      text(`{"task":${id},"message":"miss ${id % 50}"}`),
    );
    builder.slice(track, text('postMessage'), message, time + 85_000, 2000, args);
    builder.flowEvent(3, track, text('flow'), text('flow'), time + 85_000, id);
    time += 100_000;
  }
  return builder.finish('json', 0);
}

/** The same amount as the SDK has them: three attributes, an event at each tenth. */
function readableSpans(spans) {
  const resource = { attributes: { 'service.name': 'bench' }, asyncAttributesPending: false };
  const instrumentationScope = { name: 'bench', version: '1' };
  return Array.from({ length: spans }, (_, i) => {
    const context = { traceId: hex(i / 10, 32), spanId: hex(i + 1, 16), traceFlags: 1 };
    const begin = [1_795_705_098, (i * 1000) % 1e9];
    return {
      name: `step ${i % 20}`,
      kind: 0,
      spanContext: () => context,
      parentSpanContext: { ...context, spanId: hex(i + 2, 16) },
      startTime: begin,
      endTime: [1_795_705_098, (i * 1000 + 900) % 1e9],
      duration: [0, 900],
      status: { code: 0 },
      attributes: { 'ttrace.category': 'region', 'thread.id': 1, 'thread.name': 'main' },
      events: i % 10 === 0 ? [{ name: 'cache', time: begin, attributes: { message: 'miss' } }] : [],
      links: [],
      ended: true,
      resource,
      instrumentationScope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  });
}

const hex = (value, digits) => (Math.floor(value) + 1).toString(16).padStart(digits, '0');

/** Spans a second of the best of some rounds, and the processor time of this process for one span, which a busy machine changes less. */
async function best(run) {
  let least = Infinity;
  let leastCpu = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    leastCpu = Math.min(leastCpu, user + system);
    least = Math.min(least, performance.now() - started);
  }
  return { rate: (SPANS / least) * 1000, cpu: leastCpu / SPANS };
}

async function startCollector(binary) {
  const port = await new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address();
      server.close(() => resolve(free));
    });
  });
  const directory = mkdtempSync(join(tmpdir(), 'ttrace-otelcol-'));
  const config = join(directory, 'config.yaml');
  writeFileSync(
    config,
    `receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:${port} } } } }
exporters: { nop: {} }
service:
  telemetry: { metrics: { level: none }, logs: { level: error } }
  pipelines: { traces: { receivers: [otlp], exporters: [nop] } }
`,
  );
  const child = spawn(binary, ['--config', config], { stdio: 'inherit' });
  for (;;) {
    const isUp = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isUp) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => {
      child.kill();
      rmSync(directory, { recursive: true });
    },
  };
}

const shown = ({ rate, cpu }) => `${Math.round(rate / 1000)}k spans/s, ${cpu.toFixed(1)} us CPU a span`;
const trace = traceOf(SPANS);
const ready = readableSpans(SPANS);
const batches = Array.from({ length: Math.ceil(SPANS / BATCH) }, (_, i) =>
  ready.slice(i * BATCH, (i + 1) * BATCH),
);
const resource = givenResource({});
const epochNanos = wallEpochOf(trace);

for (const [encoding, serializer] of [
  ['protobuf', ProtobufTraceSerializer],
  ['json', JsonTraceSerializer],
]) {
  const theirs = await best(() => batches.map((batch) => serializer.serializeRequest(batch).length));
  const ours = await best(() => {
    const spans = new TraceSpans(trace);
    const options = { encoding, maxSpans: BATCH, maxBytes: 4e6, resource, epoch: new Epoch(epochNanos) };
    for (const body of otlpBodies(trace, spans, options))
      if (body.bytes.length === 0) throw new Error('empty');
  });
  row(
    `rows to ${encoding}`,
    shown(ours),
    `otlp-transformer, spans ready-made: ${shown(theirs)}`,
    times(ours.rate / theirs.rate),
  );
}

const binary = process.env.OTELCOL_BIN ?? '';
if (binary === '') console.log('skipped: OTELCOL_BIN is not set');
else {
  const collector = await startCollector(binary);
  const exporter = new OTLPTraceExporter({ url: `${collector.url}/v1/traces` });
  const send = (batch) =>
    new Promise((resolve, reject) => {
      exporter.export(batch, ({ code, error }) => (code === 0 ? resolve() : reject(error)));
    });
  const theirs = await best(async () => {
    const waiting = [...batches];
    const worker = async () => {
      for (let batch = waiting.pop(); batch !== undefined; batch = waiting.pop()) await send(batch);
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
  });
  for (const [what, choice] of [
    ['protobuf', {}],
    ['protobuf, gzip', { isGzip: true }],
    ['json', { encoding: 'json' }],
  ]) {
    const target = otlpTarget({ url: collector.url, ...choice }, {});
    const ours = await best(async () => {
      const { signal } = new AbortController();
      const options = { choice: {}, resource, epochNanos, deadlineMs: 30_000, signal };
      const { sent, counts } = await exportOtlp(trace, target, options);
      if (sent !== counts.spans) throw new Error(`${sent} of ${counts.spans}`);
    });
    const isDefault = what === 'protobuf';
    row(
      `trace in memory to last answer, ${what}`,
      shown(ours),
      `SDK exporter, protobuf: ${shown(theirs)}`,
      times(ours.rate / theirs.rate),
      isDefault ? `>= ${TARGET / 1000}k` : '',
      isDefault ? ours.rate >= TARGET : undefined,
    );
  }
  await exporter.shutdown();
  collector.stop();
}
print(`OTLP export of ${SPANS.toLocaleString('en')} spans, Node ${process.version}`);
