/** Requests are bounded in spans and bytes, hold every span once, and none of two processes. */
import { createHash } from 'node:crypto';
import { readTextTrace, type Trace, TraceBuilder } from '@ttrace/format';
import { expect, test } from 'vitest';
import { type OtlpBody, otlpBodies } from './otlp-bodies.ts';
import { Epoch } from './otlp-epoch.ts';
import { TraceSpans } from './otlp-trace-spans.ts';

const EPOCH = 1_795_705_098_308_000_001n;

/** Regions of two processes; every tenth of the first has a long text that does not compress. */
function traceOf(count: number, textLength: number): Trace {
  const builder = new TraceBuilder();
  builder.relative(0, 0);
  builder.clock = { monotonicNanos: 0n, wallMillis: 1 };
  const text = (value: string): number => builder.strings.intern(value);
  for (const pid of [1, 2]) {
    const track = builder.threadTrack(pid, pid);
    for (let i = 0; i < count; i++) {
      const noise = createHash('sha256')
        .update(String(i))
        .digest('hex')
        .repeat(textLength / 64);
      const args = pid === 1 && i % 10 === 0 ? text(`{"noise":"${noise}"}`) : 0;
      builder.slice(track, text(`step ${i}`), text('region'), i * 100, 50, args);
    }
  }
  return builder.finish('json', 0);
}

interface Limits {
  readonly maxSpans: number;
  readonly maxBytes: number;
}

function bodiesOf(
  trace: Trace,
  encoding: 'json' | 'protobuf',
  limits: Limits,
): { all: OtlpBody[]; spans: TraceSpans } {
  const spans = new TraceSpans(trace);
  const resource = { serviceName: undefined, attributes: new Map<string, string>() };
  const all = [...otlpBodies(trace, spans, { ...limits, encoding, resource, epoch: new Epoch(EPOCH) })];
  return { all, spans };
}

interface Request {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { readonly key: string; readonly value: unknown }[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly spanId: string;
        readonly startTimeUnixNano: string;
        readonly name: string;
      }[];
    }[];
  }[];
}

test.each(['json', 'protobuf'] as const)(
  'bodies of %s keep to both bounds, and every span is in one',
  (encoding) => {
    const trace = traceOf(200, 640);
    for (const limits of [
      { maxSpans: 7, maxBytes: 1e6 },
      { maxSpans: 5000, maxBytes: 5000 },
    ]) {
      const { all, spans } = bodiesOf(trace, encoding, limits);
      expect(all.reduce((sum, body) => sum + body.spans, 0)).toBe(400);
      for (const { bytes, spans: count } of all) {
        expect(bytes.length).toBeLessThanOrEqual(limits.maxBytes);
        expect(count).toBeLessThanOrEqual(limits.maxSpans);
      }
      expect([spans.crowdedOut, spans.cut]).toEqual([0, 0]);
    }
  },
);

test('a body of JSON is of one process, and its times are exact', () => {
  const { all } = bodiesOf(traceOf(50, 64), 'json', { maxSpans: 30, maxBytes: 1e6 });
  const ids = new Set<string>();
  for (const { bytes } of all) {
    const { resourceSpans } = JSON.parse(Buffer.from(bytes).toString()) as Request;
    expect(resourceSpans).toHaveLength(1);
    for (const { spanId, startTimeUnixNano, name } of resourceSpans[0]!.scopeSpans[0]!.spans) {
      ids.add(spanId);
      expect(startTimeUnixNano).toBe(String(EPOCH + BigInt(name.slice(5)) * 100n));
    }
  }
  expect(ids.size).toBe(100);
});

test('a span that is larger than a request loses its own attributes, and that is counted', () => {
  const { all, spans } = bodiesOf(traceOf(20, 6400), 'protobuf', { maxSpans: 100, maxBytes: 3000 });
  expect(all.reduce((sum, body) => sum + body.spans, 0)).toBe(40);
  for (const { bytes } of all) expect(bytes.length).toBeLessThanOrEqual(3000);
  expect([spans.crowdedOut, spans.cut]).toEqual([2, 0]);
});

test('names of threads, processes and categories are cut as all texts are, and that is counted', () => {
  const long = 'x'.repeat(70_000);
  const { all, spans } = bodiesOf(
    readTextTrace(
      `# ttrace text 1\nprocess 1 "${long}"\ntrack 1/1 thread "${long}"\nslice 1/1 +0.100000000 0.100000000 "${long}" "step"\n`,
    ),
    'json',
    { maxSpans: 10, maxBytes: 1e6 },
  );
  expect(spans.cut).toBe(3);
  expect(all).toHaveLength(1);
  expect(
    Buffer.from(all[0]!.bytes)
      .toString()
      .match(/x+… \(cut, 70000 characters\)/g),
  ).toHaveLength(3);
});
