// The other thread of bridge-app.mjs.
import { parentPort } from 'node:worker_threads';
import { trace as otel } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { startSpanBridge, TtraceSpanProcessor } from '@ttrace/otel';
import { trace } from '@ttrace/sdk';

const exporter = new InMemorySpanExporter();
new NodeTracerProvider({
  spanProcessors: [new TtraceSpanProcessor(), new SimpleSpanProcessor(exporter)],
}).register();
const bridge = startSpanBridge();
parentPort.on('message', ({ taskId, flow }) => {
  otel.getTracer('worker').startSpan('in the worker').end();
  trace.withRegion('handle', () => trace.withRegion('within', () => {}));
  trace.withRegion('arrow', () => trace.flowIn(flow));
  trace.adoptTask(taskId).run(() => trace.withTask('handed over', () => {}));
  bridge.stop();
  const spans = exporter.getFinishedSpans().map(({ name, links, parentSpanContext, ...span }) => ({
    name,
    links,
    parent: parentSpanContext,
    ids: span._spanContext,
  }));
  parentPort.postMessage(spans);
});
parentPort.postMessage('ready');
