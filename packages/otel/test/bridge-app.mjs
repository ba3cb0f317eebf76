// Tasks and regions that become spans, in the main thread and in a worker with an SDK of its own. Prints the spans of both; what they
// must be is in spans-out.test.ts. The trace goes into the file of the argument.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { context, trace as otel, SpanKind } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { startSpanBridge, TtraceSpanProcessor } from '@ttrace/otel';
import { trace } from '@ttrace/sdk';

const [file] = process.argv.slice(2);
const facts = {};
const API = Symbol.for('opentelemetry.js.api.1');
await trace.start({ file, sources: { loop: false, gc: false, memory: false } });

// Without an SDK: nothing is set, and nothing is harmed.
const alone = startSpanBridge();
facts.value = trace.withTask('no sdk', () => trace.withRegion('no sdk', () => 7));
alone.stop();
facts.isApiUntouched = globalThis[API] === undefined;

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({
  spanProcessors: [new TtraceSpanProcessor(), new SimpleSpanProcessor(exporter)],
});
provider.register();
const tracer = otel.getTracer('app');
const registered = { ...globalThis[API] };
trace.withRegion('before the bridge', () => {});
const bridge = startSpanBridge();
try {
  startSpanBridge();
} catch (error) {
  facts.secondStart = error.code;
}

await tracer.startActiveSpan('outer', async (outer) => {
  await trace.withTask(
    'order',
    {
      id: 17,
      big: 2n ** 80n,
      huge: 1e300,
      nan: Number.NaN,
      deep: { a: [1] },
      mixed: [1, 'a'],
      list: ['a'],
      none: undefined,
    },
    async () => {
      trace.withRegion('parse', { rows: 3 }, () => trace.withRegion('scan', () => {}));
      await trace.withRegion('store', async () => {
        await new Promise((done) => setTimeout(done, 2));
        tracer.startActiveSpan('query', (span) => span.end());
        trace.withTask('subtask', () => {});
      });
      const opened = trace.startRegion('opened', { why: 'test' });
      trace.withRegion('in opened', () => trace.withRegion('deeper', () => {}));
      opened.end();
      opened.end();
      for (let i = 0; i < 200; i++) trace.withRegion('nested', () => trace.withRegion('innermost', () => {}));
    },
  );
  outer.end();
});
trace.startRegion('never closed');
await 1;
try {
  trace.withRegion('throws', () => {
    throw new Error('odd');
  });
} catch (error) {
  facts.thrown = error.message;
}
facts.rejected = await trace
  .withRegion('rejects', async () => Promise.reject(new Error('later')))
  .catch((error) => error.message);
const lonely = trace.newTask('open at stop');

// Another thread: by a message, by an arrow of the program itself, and as a task that is handed over.
const worker = new Worker(new URL('bridge-worker.mjs', import.meta.url));
await once(worker, 'message');
await trace.withTask('sender', async (task) => {
  const answer = once(worker, 'message');
  trace.withRegion('post', () => worker.postMessage({ taskId: task.id, flow: trace.flowOut() }));
  [facts.workerSpans] = await answer;
});
await worker.terminate();

bridge.stop();
bridge.stop();
lonely.end();
trace.withRegion('after the bridge', () => {});
await trace.stop();
facts.isApiUnchanged =
  Object.keys(registered).every((key) => globalThis[API][key] === registered[key]) &&
  Object.keys(globalThis[API]).length === Object.keys(registered).length;
facts.isContextEmpty = otel.getSpan(context.active()) === undefined;
facts.internal = SpanKind.INTERNAL;
const spans = exporter
  .getFinishedSpans()
  .map(
    ({
      name,
      kind,
      startTime,
      endTime,
      status,
      attributes,
      links,
      instrumentationScope,
      parentSpanContext,
      ...span
    }) => ({
      ...{
        name,
        kind,
        startTime,
        endTime,
        status,
        attributes,
        links,
        parent: parentSpanContext,
        scope: instrumentationScope.name,
      },
      ids: span._spanContext,
    }),
  );
process.stdout.write(JSON.stringify({ spans, facts }));
