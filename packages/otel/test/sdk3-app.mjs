// A program on SDK 3, with the copy of the API that belongs to it and no instrumentation: root spans are tasks, and requests made carry
// their trace. Recorded into the file of its argument; what it does is asserted in spans-in.test.ts.
import diagnostics from 'node:diagnostics_channel';
import http from 'node:http';
import { Worker } from 'node:worker_threads';
import { TtraceSpanProcessor } from '@ttrace/otel';
import {
  AsyncLocalStorageContextManager,
  api,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@ttrace/otel-sdk3';
import { trace } from '@ttrace/sdk';
import { fetch as undiciFetch } from 'undici';

const [file] = process.argv.slice(2);
const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({
  spanProcessors: [new TtraceSpanProcessor({ tasks: 'roots' }), new SimpleSpanProcessor({ exporter })],
});
api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
api.trace.setGlobalTracerProvider(provider);
const tracer = api.trace.getTracer('app');

await trace.start({ file, sources: { loop: false, gc: false, memory: false, http: { propagate: true } } });

// Root spans one after the other, each with work in it, some of it later.
for (const name of ['job 1', 'job 2']) {
  await tracer.startActiveSpan(name, { kind: api.SpanKind.CONSUMER }, async (span) => {
    trace.withRegion('at once', () => {});
    await new Promise((done) => setTimeout(done, 2));
    tracer.startActiveSpan('part', (part) => {
      trace.withRegion('in a part', () => {});
      part.end();
    });
    trace.log('note', 'later');
    span.end();
  });
}
trace.withRegion('outside', () => {});

// What the services hear that are asked from within a request, with and without a trace of its own.
const heard = {};
const server = http.createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://x');
  if (pathname !== '/ask') {
    heard[pathname] = { traceparent: request.headers.traceparent, tracestate: request.headers.tracestate };
    return response.end();
  }
  const made = new Promise((done, fail) =>
    http.get(`${base}/node`, (answer) => answer.resume().on('end', done)).on('error', fail),
  );
  const own = new Promise((done, fail) =>
    http
      .get(`${base}/own`, { headers: { traceparent: 'mine' } }, (answer) => answer.resume().on('end', done))
      .on('error', fail),
  );
  await Promise.all([made, own]);
  await (await fetch(`${base}/fetch`)).text();
  await (await undiciFetch(`${base}/undici`)).text();
  // As an instrumentation does that is told after us.
  const late = ({ request: made }) => {
    if (made.path === '/late') made.addHeader('traceparent', 'theirs');
  };
  diagnostics.subscribe('undici:request:create', late);
  await (await fetch(`${base}/late`)).text();
  diagnostics.unsubscribe('undici:request:create', late);
  const worker = new Worker(new URL('sdk3-worker.mjs', import.meta.url), {
    workerData: trace.newTask('handed over').id,
  });
  await new Promise((done) => worker.once('exit', done));
  response.end();
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const base = `http://127.0.0.1:${server.address().port}`;
const ask = (headers) =>
  new Promise((done, fail) =>
    http.get(`${base}/ask`, { headers }, (answer) => answer.resume().on('end', done)).on('error', fail),
  );
await ask({
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: ['a=1', 'b=2'],
});
const inTrace = { ...heard };
await (await fetch(`${base}/alone`)).text();
const bad = [
  '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
  'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  '',
];
for (const traceparent of bad) {
  await new Promise((done) =>
    http.get(`${base}/bad`, { headers: { traceparent } }, (answer) => answer.resume().on('end', done)),
  );
}
server.closeAllConnections();
server.close();
await trace.stop();
process.stdout.write(
  JSON.stringify({
    spans: exporter.getFinishedSpans().map((span) => ({ name: span.name, ...span.spanContext() })),
    inTrace,
    alone: heard['/alone'],
  }),
);
