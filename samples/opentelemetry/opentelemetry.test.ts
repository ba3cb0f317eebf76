/** Spans of OpenTelemetry and tasks of ttrace know each other, over two services and a worker, by the trace. */
import { beforeAll, expect, test } from 'vitest';
import { type SampleTrace, type Slice, slicesOf, traceOf } from '../trace-of.ts';

let sample: SampleTrace;

beforeAll(async () => {
  sample = await traceOf('opentelemetry');
});

const bySpanId = (slices: readonly Slice[]): Map<unknown, Slice> =>
  new Map(slices.map((slice) => [slice.args.span_id, slice]));

test('every request is a task with the ids of the span that serves it', () => {
  const servers = bySpanId(
    sample.slices.filter(({ category, args }) => category === 'span' && args.kind === 'server'),
  );
  const requests = slicesOf(sample, 'task', 'GET /orders/:id');
  expect(requests).toHaveLength(20);
  for (const { args } of [...requests, ...slicesOf(sample, 'task', 'GET /stock/:id')]) {
    expect(servers.get(args.span_id)?.args.trace_id).toBe(args.trace_id);
  }
});

test('spans, tasks, and what goes on in the worker are one trace for each order', () => {
  const spans = bySpanId(sample.slices.filter(({ category }) => category === 'span'));
  const payments = bySpanId(slicesOf(sample, 'task', 'payment'));
  const charges = slicesOf(sample, 'task', 'charge');
  expect(charges).toHaveLength(20);
  for (const { args } of charges) {
    const payment = payments.get(args.parent_span_id)!;
    expect(payment.args).toMatchObject({ trace_id: args.trace_id, order: args.order });
    expect(spans.get(payment.args.parent_span_id)).toMatchObject({
      name: 'handle order',
      args: { order: args.order },
    });
  }
  const ofOrders = new Set(charges.map(({ args }) => args.trace_id));
  const asked = slicesOf(sample, 'task', 'GET /stock/:id');
  expect(new Set(asked.map(({ args }) => args.trace_id))).toEqual(ofOrders);
  expect(ofOrders.size).toBe(20);
});

test('spans that the bridge makes do not come back, and the slowest request is found by what was printed', () => {
  const names = new Set(sample.slices.filter(({ category }) => category === 'span').map(({ name }) => name));
  expect([...names].sort()).toEqual(['GET', 'handle order']);
  const [, traceId, spanId] = /trace ([\da-f]{32}), span ([\da-f]{16})/.exec(sample.stdout)!;
  const [slowest] = slicesOf(sample, 'task', 'GET /orders/:id').filter(({ args }) => args.span_id === spanId);
  expect(slowest?.args.trace_id).toBe(traceId);
});

test('the report of a large order is what takes long', () => {
  const lengths = (isLarge: boolean): number[] =>
    slicesOf(sample, 'region', 'report')
      .filter(({ args }) => (Number(args.order) % 5 === 4) === isLarge)
      .map(({ start, end }) => end - start)
      .sort((a, b) => a - b);
  const [large, small] = [lengths(true), lengths(false)];
  expect([large.length, small.length]).toEqual([4, 16]);
  expect(large[2]!).toBeGreaterThan(10 * small[8]!);
});
