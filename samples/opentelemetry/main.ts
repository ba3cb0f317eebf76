/**
 * A service with OpenTelemetry, and ttrace beside it: twenty orders, of which one in five is slow.
 *
 * Its spans say that `GET /orders/:id` took long; the trace says why. What to see in the timeline: each request is a task with the
 * trace id and the span id of its span; the spans of http, of fetch and of the program itself lie on the same clock as the
 * event loop, which the report of a large order blocks, so that other requests wait as well; `charge` goes on in a worker, in the
 * same trace. `stock` is asked with a traceparent, so its tasks are in it too.
 *
 *   npm run sample opentelemetry        records samples/out/opentelemetry.json and prints its summary
 */

import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { trace as otel, SpanStatusCode } from '@opentelemetry/api';
import { startSpanBridge } from '@ttrace/otel';
import { trace } from '@ttrace/sdk';
import { shutDown } from './instrumentation.ts';

const ORDERS = 20;
/** Orders at the same time. */
const AT_ONCE = 4;
const tracer = otel.getTracer('orders', '1.0.0');

interface Slowest {
  readonly traceId: string;
  readonly spanId: string;
  readonly millis: number;
}

async function serve(listener: RequestListener): Promise<{ server: Server; base: string }> {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, base: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** The report of an order; that of a large one takes longer than it should. */
function report(order: number): number {
  const rows = order % 5 === 4 ? 12_000_000 : 20_000;
  let sum = 0;
  for (let i = 0; i < rows; i++) sum = (sum + i * order) % 1_000_003;
  return sum;
}

/** What to do for one order: a span of OpenTelemetry around regions and a task of ttrace. */
function handleOrder(stockBase: string, worker: Worker, order: number): Promise<string> {
  return tracer.startActiveSpan('handle order', { attributes: { order } }, async (span) => {
    try {
      const inStock = await fetch(`${stockBase}/stock/${order}`);
      const stock = (await inStock.json()) as { left: number };
      span.addEvent('stock known', { left: stock.left });
      await trace.withTask('payment', { order }, async (task) => {
        const charged = new Promise<void>((resolve) => {
          worker.on('message', function onCharged(answer: { readonly order: number }) {
            if (answer.order !== order) return;
            worker.off('message', onCharged);
            resolve();
          });
        });
        worker.postMessage({ order, taskId: task.id });
        await charged;
      });
      if (order % 7 === 6) span.setStatus({ code: SpanStatusCode.ERROR, message: 'out of stock' });
      return `order ${order}: ${trace.withRegion('report', { order }, () => report(order))}`;
    } finally {
      span.end();
    }
  });
}

/** Asks for all orders, a few at a time; returns the span of the slowest answer. */
async function askForOrders(base: string): Promise<Slowest> {
  let next = 0;
  let slowest: Slowest = { traceId: '', spanId: '', millis: 0 };
  const client = async (): Promise<void> => {
    while (next < ORDERS) {
      const order = next++;
      const start = performance.now();
      const answer = await fetch(`${base}/orders/${order}`);
      await answer.text();
      const millis = performance.now() - start;
      const [, traceId = '', spanId = ''] = answer.headers.get('x-trace')?.split('-') ?? [];
      if (millis > slowest.millis) slowest = { traceId, spanId, millis };
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  return slowest;
}

const file = process.argv[2] ?? fileURLToPath(new URL('../../out/opentelemetry.json', import.meta.url));
mkdirSync(dirname(file), { recursive: true });
await trace.start({ file });
// Tasks and regions go to the collector as well.
const bridge = startSpanBridge();
const worker = new Worker(new URL('./charge.js', import.meta.url), { name: 'charge' });
const stock = await serve((request, response) => {
  const order = Number(request.url?.split('/').at(-1));
  setTimeout(() => response.end(JSON.stringify({ left: order % 3 })), 2);
});
const orders = await serve((request, response) => {
  // So that a client can ask what happened: the id of the span that serves it.
  const ids = otel.getActiveSpan()?.spanContext();
  response.setHeader('x-trace', `00-${ids?.traceId}-${ids?.spanId}`);
  const order = Number(request.url?.split('/').at(-1));
  handleOrder(stock.base, worker, order).then(
    (text) => response.end(text),
    () => response.writeHead(500).end(),
  );
});
const slowest = await askForOrders(orders.base);
for (const { server } of [orders, stock]) {
  server.closeAllConnections();
  server.close();
}
await worker.terminate();
bridge.stop();
const { events = 0 } = (await trace.stop()) ?? {};
await shutDown();
console.log(`${ORDERS} orders; ${events} events in ${file}`);
console.log(`slowest: ${slowest.millis.toFixed(0)} ms, trace ${slowest.traceId}, span ${slowest.spanId}`);
