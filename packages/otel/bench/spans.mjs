// What the span processor and the bridge add to a span, beside a span of the SDK without them. One process, rounds in turn, the best of each.
//
//   node packages/otel/bench/spans.mjs
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { nanoseconds, print, row, times } from '@ttrace/bench';
import { startSpanBridge, TtraceSpanProcessor } from '@ttrace/otel';
import { trace } from '@ttrace/sdk';

const CALLS = 300;
const ROUNDS = 150;
const file = join(tmpdir(), `ttrace-otel-bench-${process.pid}.json`);
const nothing = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };

const plain = new NodeTracerProvider({ spanProcessors: [nothing] });
plain.register();
const [bare, shown] = [
  plain,
  new NodeTracerProvider({ spanProcessors: [nothing, new TtraceSpanProcessor()] }),
].map((provider) => provider.getTracer('bench', '1.0.0'));
const attributes = {
  'http.request.method': 'GET',
  'url.path': '/orders/17',
  'http.response.status_code': 200,
};
const spans = (tracer, options) => (n) => {
  for (let i = 0; i < n; i++) tracer.startSpan('work', options).end();
};
const regions = (n) => {
  for (let i = 0; i < n; i++) trace.withRegion('work', () => 1);
};

/** Nanoseconds of a call, by case: the best of all rounds. @param rest Whether the collector gets time between them. */
async function bestOf(cases, rest) {
  const best = Object.fromEntries(Object.keys(cases).map((name) => [name, Infinity]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(cases)) {
      const start = process.hrtime.bigint();
      run(CALLS);
      best[name] = Math.min(best[name], Number(process.hrtime.bigint() - start) / CALLS);
      if (rest) await sleep(10);
    }
  }
  return best;
}

const off = await bestOf({ span: spans(bare), shown: spans(shown) }, false);
await trace.start({ file, sources: false });
const on = await bestOf(
  {
    span: spans(bare),
    shown: spans(shown),
    spanWith: spans(bare, { attributes }),
    shownWith: spans(shown, { attributes }),
    region: regions,
  },
  true,
);
const bridge = startSpanBridge({ tracer: bare });
const bridged = await bestOf({ region: regions, span: spans(bare) }, true);
bridge.stop();
const after = await bestOf({ region: regions }, true);
const { dropped } = await trace.stop();
rmSync(file);
if (dropped > 0) throw new Error(`${dropped} events were dropped`);

const beside = (name, own, other, text) =>
  row(name, nanoseconds(own), `${nanoseconds(other)} ${text}`, times(own / other));
beside('span with the processor, nothing recorded', off.shown, off.span, 'SDK span');
beside('span with the processor', on.shown, on.span, 'SDK span');
beside('the same with three attributes', on.shownWith, on.spanWith, 'SDK span');
beside('region with a bridge', bridged.region, bridged.span, 'SDK span');
beside('region after a bridge', after.region, on.region, 'region before it');
print(`Spans, Node ${process.version}`);
