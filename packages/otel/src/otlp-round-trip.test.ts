/** OTLP in, OTLP out: what a real collector wrote comes out of a trace again, span by span. */
import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createJsonWriter, createPerfettoWriter, readTrace, type Trace, writeTrace } from '@ttrace/format';
import { expect, test } from 'vitest';
import { otlpBodies } from './otlp-bodies.ts';
import { Epoch } from './otlp-epoch.ts';
import { TraceSpans } from './otlp-trace-spans.ts';
import { wallEpochOf } from './otlp-wall-clock.ts';

const CAPTURE = join(import.meta.dirname, '../../format/testdata/otelcol/0.152.0/traces.jsonl');

interface Attribute {
  readonly key: string;
  readonly value: unknown;
}

interface Span {
  readonly spanId: string;
  readonly attributes?: readonly Attribute[];
  readonly flags?: number;
  readonly status?: object;
}

interface Request {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly scope: object; readonly spans: readonly Span[] }[];
  }[];
}

/** All spans with where they come from, in the order of their ids. What says nothing is left out: empty lists, no flags. */
function spansIn(requests: readonly Request[]): object[] {
  const byKey = (a: Attribute, b: Attribute): number => (a.key < b.key ? -1 : 1);
  const spans = requests.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ scope, spans: own }) =>
        own.map((span) => ({
          resource: resource.attributes.filter(({ key }) => !key.startsWith('telemetry.')).toSorted(byKey),
          scope: JSON.stringify(scope).replace(',"version":""', ''),
          ...(JSON.parse(
            JSON.stringify({ ...span, attributes: span.attributes?.toSorted(byKey) }),
            (key, value: unknown) =>
              (key === 'flags' && value === 0) || (Array.isArray(value) && value.length === 0)
                ? undefined
                : value,
          ) as Span),
        })),
      ),
    ),
  );
  return spans.sort((a, b) => (a.spanId < b.spanId ? -1 : 1));
}

function exported(trace: Trace): Request[] {
  const bodies = otlpBodies(trace, new TraceSpans(trace), {
    encoding: 'json',
    maxSpans: 3,
    maxBytes: 1e6,
    resource: { serviceName: undefined, attributes: new Map() },
    epoch: new Epoch(wallEpochOf(trace)!),
  });
  return [...bodies].map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as Request);
}

const original = (): object[] =>
  spansIn(
    readFileSync(CAPTURE, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Request),
  );

test('what the collector wrote comes out as it went in: ids, times, parents, events, links, status, resource, scope', async () => {
  const trace = await readTrace(createReadStream(CAPTURE));
  expect(spansIn(exported(trace))).toEqual(original());
});

test.each([
  ['Chrome JSON', createJsonWriter],
  ['Perfetto protobuf', createPerfettoWriter],
])('also by way of %s', async (_, createWriter) => {
  const trace = await readTrace(createReadStream(CAPTURE));
  const chunks: Uint8Array[] = [];
  // The first span began before the trace's time 0.
  const shift = 1_000_000;
  const origin = trace.origin - BigInt(shift);
  writeTrace(trace, createWriter({ origin, sink: (bytes) => chunks.push(bytes.slice()) }), { shift });
  const again = await readTrace(new Blob(chunks as Uint8Array<ArrayBuffer>[]).stream());
  expect(again.error).toBeUndefined();
  expect(spansIn(exported(again))).toEqual(original());
});

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const TIMES = { startTimeUnixNano: '1795705098000000001', endTimeUnixNano: '1795705098000000009' };

/** What comes out of a file with one span. */
async function roundTrip(span: object, scope: object = { name: 's', version: '1' }): Promise<object[]> {
  const request = {
    resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ scope, spans: [span] }] }],
  };
  return spansIn(exported(await readTrace(new Blob([JSON.stringify(request)]).stream())));
}

test('attributes that are called as arguments of ours, with and without _ behind them, keep names and values', async () => {
  const names = [
    'kind',
    'kind_',
    'kind__',
    'name',
    'name_',
    'own_',
    'task',
    'task_',
    'trace_id',
    'trace_id_',
  ];
  const attributes = names.map((key) => ({ key, value: { stringValue: `of ${key}` } }));
  const span = {
    traceId: TRACE_ID,
    spanId: 'b7ad6b7169203331',
    name: 'a',
    kind: 1,
    ...TIMES,
    attributes,
    events: [{ timeUnixNano: TIMES.endTimeUnixNano, name: 'e', attributes }],
    links: [{ traceId: TRACE_ID, spanId: 'b7ad6b7169203332', attributes }],
    status: {},
  };
  expect(await roundTrip(span)).toMatchObject([span]);
});

test('attributes of a scope, and the trace state of a span and of its links, come out as they went in', async () => {
  const span = {
    traceId: TRACE_ID,
    spanId: 'b7ad6b7169203331',
    traceState: 'vendor=1',
    name: 'a',
    kind: 1,
    ...TIMES,
    links: [
      {
        traceId: TRACE_ID,
        spanId: 'b7ad6b7169203332',
        traceState: 'vendor=2,other=3',
        attributes: [{ key: 'trace_state', value: { stringValue: 'of the link' } }],
      },
    ],
    status: {},
  };
  const scope = { name: 's', version: '1', attributes: [{ key: 'level', value: { intValue: '7' } }] };
  expect(await roundTrip(span, scope)).toMatchObject([{ ...span, scope: JSON.stringify(scope) }]);
});

test('a batch that is closed and begun again has the schema and the flags of its spans in every body', async () => {
  const span = (spanId: string, flags: number): object => ({
    traceId: TRACE_ID,
    spanId,
    name: 'a',
    ...TIMES,
    flags,
  });
  const request = {
    resourceSpans: [
      {
        resource: { droppedAttributesCount: 1 },
        schemaUrl: 'https://resource/1',
        scopeSpans: [
          {
            scope: { name: 's', droppedAttributesCount: 2 },
            spans: ['1', '2', '3', '4'].map((digit) => span(digit.repeat(16), 0x100 + Number(digit))),
            schemaUrl: 'https://scope/1',
          },
        ],
      },
    ],
  };
  const bodies = exported(await readTrace(new Blob([JSON.stringify(request)]).stream()));
  expect(bodies).toHaveLength(2);
  const flags: unknown[] = [];
  for (const { resourceSpans } of bodies) {
    expect(resourceSpans).toMatchObject([
      {
        resource: { droppedAttributesCount: 1 },
        schemaUrl: 'https://resource/1',
        scopeSpans: [{ scope: { droppedAttributesCount: 2 }, schemaUrl: 'https://scope/1' }],
      },
    ]);
    flags.push(...resourceSpans[0]!.scopeSpans[0]!.spans.map((each) => each.flags));
  }
  expect(flags).toEqual([0x101, 0x102, 0x103, 0x104]);
});
