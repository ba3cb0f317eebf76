// A program with the real instrumentations of http, undici, express and ioredis, on SDK 2, recorded into the file of its argument.
// What it does is asserted in spans-in.test.ts. Its own small servers are on 127.0.0.1.
import { createRequire } from 'node:module';
import net from 'node:net';
import { context, trace as otel, propagation, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { TtraceSpanProcessor } from '@ttrace/otel';
import { trace } from '@ttrace/sdk';

const [file, tasks] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const exporter = new InMemorySpanExporter();
const processor = new TtraceSpanProcessor({ tasks });
new NodeTracerProvider({ spanProcessors: [processor, new SimpleSpanProcessor(exporter)] }).register();
registerInstrumentations({
  instrumentations: [
    new HttpInstrumentation(),
    new UndiciInstrumentation(),
    new ExpressInstrumentation(),
    new IORedisInstrumentation(),
  ],
});
const http = require('node:http');
const express = require('express');
const Redis = require('ioredis');
const { request } = require('undici');
const tracer = otel.getTracer('app', '1.2.3');

// As much of Redis as a client asks for: https://redis.io/docs/latest/develop/reference/protocol-spec/
const redisServer = net.createServer((socket) => {
  socket.on('data', (data) => {
    for (const command of String(data).split('*').slice(1)) {
      const name = command.split('\r\n')[2]?.toLowerCase();
      socket.write(name === 'get' ? '$5\r\nvalue\r\n' : name === 'info' ? '$0\r\n\r\n' : '+OK\r\n');
    }
  });
  socket.on('error', () => {});
});
await new Promise((done) => redisServer.listen(0, '127.0.0.1', done));

const early = tracer.startSpan('begun before');
await trace.start({ file, sources: { loop: false, gc: false, memory: false, http: true } });
early.end();

const app = express();
const redis = new Redis(redisServer.address().port, '127.0.0.1');
const heads = [];
app.get('/echo', (req, res) => {
  heads.push(req.headers);
  res.send('echo');
});
app.get('/orders/:id', async (_req, res) => {
  await trace.withTask('load', async () => {
    await trace.withRegion('cached', () => redis.get('order'));
  });
  // Read to its end: a span whose body nobody reads may end after what asked for it.
  await (await fetch(`${base}/echo`)).text();
  await (await request(`${base}/echo`)).body.text();
  await new Promise((done) => http.get(`${base}/echo`, (response) => response.resume().on('end', done)));
  res.send('done');
});
const server = app.listen(0, '127.0.0.1');
await new Promise((done) => server.once('listening', done));
const base = `http://127.0.0.1:${server.address().port}`;

const answered = context.with(
  propagation.extract(context.active(), {}),
  () =>
    new Promise((done, fail) => {
      const socket = net.connect(server.address().port, '127.0.0.1', () => {
        socket.write(
          'GET /orders/17 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n' +
            'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: a=1\r\n\r\n',
        );
      });
      socket.resume().on('close', done).on('error', fail);
    }),
);
await answered;

// Spans of the program itself: what they may say, and times.
const linked = tracer.startSpan('linked to');
tracer.startActiveSpan(
  'parent',
  { kind: SpanKind.CONSUMER, links: [{ context: linked.spanContext(), attributes: { why: 'test' } }] },
  (span) => {
    span.setAttributes({
      text: 'é',
      number: 0.5,
      list: ['a', 'b'],
      kind: 'mine',
      parent: 'mine too',
      nan: Number.NaN,
      long: 'x'.repeat(20_000),
    });
    span.addEvent('seen', { 'a.b': 1 });
    span.recordException(new Error('odd'));
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'went wrong' });
    trace.withRegion('inside', () => {});
    for (let i = 0; i < 200; i++) tracer.startActiveSpan('child', (child) => child.end());
    span.end();
  },
);
linked.end();
const past = Date.now() - 50;
tracer.startSpan('in the past', { startTime: past }).end(past + 20);
tracer.startSpan('before the recording', { startTime: Date.now() - 3_600_000 }).end();
tracer.startSpan('wholly before', { startTime: Date.now() - 3_600_000 }).end(Date.now() - 3_500_000);
await tracer.startActiveSpan('renamed later', async (span) => {
  await sleep(3);
  await trace.withTask('in a span', async () => tracer.startActiveSpan('in a task', (child) => child.end()));
  span.updateName('renamed');
  span.end();
});
tracer.startSpan('never ended');
const open = tracer.startSpan('ended after');
await trace.stop();
open.end();
tracer.startSpan('begun after').end();
redis.disconnect();
server.closeAllConnections();
server.close();
redisServer.close();
const spans = exporter
  .getFinishedSpans()
  .map((span) => ({ name: span.name, ...span.spanContext(), parent: span.parentSpanContext?.spanId }));
process.stdout.write(JSON.stringify({ spans, heads }));
