/**
 * `ttrace export --otlp` as users call it: to the real OpenTelemetry Collector, to one that is busy, and to nothing at all. One file, for
 * they share a recording and the servers that receive it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type CollectedSpan, freePort, OTELCOL, startCollector } from './collector.ts';
import { scratch, startTtrace, testdata, ttrace } from './ttrace-process.ts';

const require = createRequire(import.meta.url);
/** What is used of it: its own types say less. */
const { MockOtlpServer, normalizeTrace } = require('@elastic/mockotlpserver') as {
  MockOtlpServer: new (options: {
    logLevel: string;
    services: string[];
    httpHostname: string;
    httpPort: number;
    onTrace: (trace: unknown) => void;
  }) => { httpUrl: string; start(): Promise<void>; close(): Promise<void> };
  normalizeTrace: (trace: unknown) => unknown;
};

const directory = scratch();
const recording = directory.file('app.json');
/** Nothing of the machine's configuration takes part. */
const env = Object.fromEntries(
  ['ENDPOINT', 'TRACES_ENDPOINT', 'HEADERS', 'PROTOCOL'].map((name) => [`OTEL_EXPORTER_OTLP_${name}`, '']),
);
beforeAll(async () => {
  const outcome = await ttrace(['run', '-o', recording, '--', testdata('otlp-app.mjs')]);
  expect(outcome).toMatchObject({ code: 0 });
});
afterAll(() => directory.remove());

/** A slice of the recording, by JSON.parse and exact arithmetic alone. */
interface Recorded {
  readonly name: string;
  readonly category: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly args: Readonly<Record<string, unknown>>;
}

interface ChromeEvent {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly pid: number;
  readonly tid: number;
  readonly id2?: { readonly local: string };
  readonly args?: Readonly<Record<string, unknown>>;
}

/** The slices of the recording that are to become spans, on the wall clock. */
function recorded(): Recorded[] {
  const lines = readFileSync(recording, 'utf8').split('\n');
  const slices: Recorded[] = [];
  const open = new Map<string, { event: ChromeEvent; start: bigint }[]>();
  let wall = 0n;
  for (const line of lines) {
    const text = line.replace(/^[[,\s]+|[\],\s]+$/g, '');
    if (text === '') continue;
    const event = JSON.parse(text) as ChromeEvent;
    const nanos = (key: string): bigint =>
      BigInt((new RegExp(`"${key}": *([\\d.]+)`).exec(text)?.[1] ?? '0').replace('.', ''));
    if (event.name === 'ttrace_recording') {
      const clock = event.args?.clock as { monotonicNanos: string; wallMillis: number };
      wall = BigInt(clock.wallMillis) * 1_000_000n - BigInt(clock.monotonicNanos);
    }
    const start = nanos('ts');
    const add = (begin: ChromeEvent, from: bigint, to: bigint, args = begin.args ?? {}): void => {
      slices.push({ name: begin.name, category: begin.cat ?? '', start: from, end: to, args });
    };
    const key = `${event.pid} ${event.id2 === undefined ? event.tid : `${event.cat} ${event.id2.local}`}`;
    if (event.ph === 'X') add(event, start, start + nanos('dur'));
    else if ('Bb'.includes(event.ph)) open.set(key, [...(open.get(key) ?? []), { event, start }]);
    else if ('Ee'.includes(event.ph)) {
      const { event: begin, start: from } = open.get(key)!.pop()!;
      add(begin, from, start, { ...begin.args, ...event.args });
    }
  }
  return slices
    .filter(({ category, args }) => category !== 'loop' || args.blocked === true)
    .map((slice) => ({ ...slice, start: slice.start + wall, end: slice.end + wall }));
}

const attributeOf = (span: CollectedSpan, key: string): unknown =>
  Object.values(span.attributes?.find((each) => each.key === key)?.value ?? {})[0];

const isOfNoLength = ({ startTimeUnixNano, endTimeUnixNano }: CollectedSpan): boolean =>
  startTimeUnixNano === endTimeUnixNano;

const lines = (slices: readonly (readonly unknown[])[]): string[] =>
  slices.map((each) => each.join(' ')).sort();

describe.skipIf(OTELCOL === '')('the OpenTelemetry Collector', () => {
  test('gets exactly the spans of a recording, in every encoding, and the same ones again', async () => {
    await using collector = await startCollector(directory.file);
    const sent: CollectedSpan[][] = [];
    for (const options of [[], ['--otlp-encoding', 'json'], ['--gzip', '--batch', '7']]) {
      const before = collector.spans().length;
      const outcome = await ttrace(['export', recording, '--otlp', collector.url, ...options], { env });
      expect(outcome).toMatchObject({ code: 0, stderr: '' });
      sent.push(collector.spans().slice(before));
      expect(outcome.stdout).toContain(`Sent ${sent.at(-1)!.length} spans with `);
    }
    const [spans = [], asJson, inBatches] = sent;
    expect(asJson).toEqual(spans);
    const byId = (a: CollectedSpan, b: CollectedSpan): number => (a.spanId < b.spanId ? -1 : 1);
    expect(inBatches?.toSorted(byId)).toEqual(spans.toSorted(byId));
    checkTimes(spans);
    checkTree(spans);
    checkLinks(spans);
    // What the collector wrote is a trace again, for every command.
    const file = directory.file('collected.jsonl');
    writeFileSync(file, collector.text().split('\n', 1)[0] ?? '');
    const { stdout } = await ttrace(['tasks', file, '--csv']);
    for (const task of ['order', 'pay', 'GET /bad']) expect(stdout).toContain(`\n${task},1,`);
  });

  test.each(['protobuf', 'json'])(
    'gets flags, schemas and what was dropped of a file of its own as they stand in it: %s',
    async (encoding) => {
      await using collector = await startCollector(directory.file);
      const file = testdata('facts-otlp.json');
      const args = ['export', file, '--otlp', collector.url, '--otlp-encoding', encoding];
      expect(await ttrace(args, { env })).toMatchObject({ code: 0, stderr: '' });
      const { resourceSpans } = JSON.parse(readFileSync(file, 'utf8')) as { resourceSpans: object[] };
      // What is told of the SDK beside it is not in the file.
      const own = collector
        .text()
        .replace(/\{"key":"telemetry[^}]*\}\},?/g, '')
        .replaceAll(',]', ']');
      expect(JSON.parse(own)).toEqual({ resourceSpans });
    },
  );

  test('a busy one loses nothing without a word, and the exit code is 1', async () => {
    await using collector = await startCollector(directory.file, true);
    const args = ['export', recording, '--otlp', collector.url, '--deadline', '700ms'];
    const { code, stdout, stderr } = await ttrace([...args, '--json'], { env });
    expect(code).toBe(1);
    const result = JSON.parse(stdout) as {
      spans: number;
      sent: number;
      unsent: number;
      lost: Record<string, number>;
    };
    const lost = Object.values(result.lost).reduce((sum, count) => sum + count, 0);
    expect(result.spans).toBeGreaterThan(0);
    expect(result.sent + lost + result.unsent).toBe(result.spans);
    expect(result.sent).toBe(collector.spans().length);
    expect(stderr).toMatch(
      /^ttrace: \d+ of \d+ spans did not arrive: \d+ answered 503: .*memory usage.*\. Export again later/,
    );
  });
});

test('a server that decodes by the official .proto files gets them too, from either encoding', async () => {
  const received: CollectedSpan[][] = [];
  const server = new MockOtlpServer({
    logLevel: 'fatal',
    services: ['http'],
    httpHostname: '127.0.0.1',
    httpPort: 0,
    onTrace: (trace) => {
      const { resourceSpans } = normalizeTrace(trace) as {
        resourceSpans: { scopeSpans: { spans: CollectedSpan[] }[] }[];
      };
      const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
      // It makes attributes an object.
      received.push(
        (JSON.parse(JSON.stringify(spans)) as CollectedSpan[]).map((span) => ({
          ...span,
          attributes: Object.entries(span.attributes ?? {}).map(([key, value]) => ({
            key,
            value: { value },
          })),
        })),
      );
    },
  });
  await server.start();
  try {
    for (const encoding of ['protobuf', 'json']) {
      const args = ['export', recording, '--otlp', server.httpUrl, '--otlp-encoding', encoding];
      expect(await ttrace(args, { env })).toMatchObject({ code: 0, stderr: '' });
    }
    // It answers before it decodes.
    await vi.waitFor(() => expect(received).toHaveLength(2), 10_000);
  } finally {
    await server.close();
  }
  const [spans = [], asJson = []] = received;
  checkTimes(spans);
  checkTimes(asJson);
  const ids = (each: readonly CollectedSpan[]): string[] =>
    each.map(({ traceId, spanId, name }) => `${traceId} ${spanId} ${name}`);
  expect(ids(asJson)).toEqual(ids(spans));
});

/** Names and times of all slices, one by one, to the nanosecond. */
function checkTimes(spans: readonly CollectedSpan[]): void {
  const slices = recorded();
  // Of what had not ended only the trace's end is known.
  const own = spans.filter((span) => !isOfNoLength(span) && attributeOf(span, 'ttrace.unfinished') !== true);
  expect(lines(own.map((span) => [span.startTimeUnixNano, span.endTimeUnixNano, span.name]))).toEqual(
    lines(slices.filter(({ start, end }) => end > start).map(({ start, end, name }) => [start, end, name])),
  );
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
}

function checkTree(spans: readonly CollectedSpan[]): void {
  const byId = new Map(spans.map((span) => [`${span.traceId} ${span.spanId}`, span]));
  const parents = new Map<string, string | undefined>();
  for (const span of spans) {
    if (span.parentSpanId === undefined || span.parentSpanId === '') continue;
    const parent = byId.get(`${span.traceId} ${span.parentSpanId}`);
    expect(parent, `the parent of ${span.name}`).toBeDefined();
    if (attributeOf(span, 'ttrace.category') !== 'gc') parents.set(span.name, parent?.name);
  }
  expect(Object.fromEntries(parents)).toMatchObject({
    pay: 'order',
    charge: 'pay',
    outer: 'order',
    inner: 'outer',
    store: 'order',
    answer: 'GET /bad',
  });
  const named = (name: string): CollectedSpan => spans.find((span) => span.name === name)!;
  expect(named('order').parentSpanId ?? '').toBe('');
  expect(attributeOf(named('order'), 'id')).toBe('17');
  expect(named('GET /bad')).toMatchObject({ kind: 2, status: { code: 2 } });
  expect(attributeOf(named('GET /bad'), 'http.response.status_code')).toBe('500');
  expect(named('inner').events?.map(({ name }) => name)).toEqual(['step']);
  expect(isOfNoLength(named('done'))).toBe(true);
}

function checkLinks(spans: readonly CollectedSpan[]): void {
  const byId = new Map(spans.map((span) => [`${span.traceId} ${span.spanId}`, span]));
  const links = spans.flatMap((span) => (span.links ?? []).map((link) => ({ span, link })));
  expect(links.length).toBeGreaterThanOrEqual(2);
  for (const { span, link } of links) {
    const origin = byId.get(`${link.traceId} ${link.spanId}`);
    expect([span.name, origin?.name]).toEqual(['message', 'postMessage']);
    expect(BigInt(origin!.startTimeUnixNano)).toBeLessThan(BigInt(span.startTimeUnixNano));
  }
}

describe('a file of OTLP of which not all can be sent', () => {
  const NOT_READ =
    `ttrace: not all of ${testdata('lossy-otlp.json')} can be read as it stands: event of a span without a time (1), ` +
    'span without ids (1), span without a begin (1)\n';
  const UNSENDABLE = 'spans with the ids of another span (1), links without valid ids (1)';

  test.each(['json', 'protobuf'])(
    'as %s: all the rest arrives, what is lost is said in numbers, and the exit code is 1',
    async (encoding) => {
      const received: unknown[] = [];
      const server = new MockOtlpServer({
        logLevel: 'fatal',
        services: ['http'],
        httpHostname: '127.0.0.1',
        httpPort: 0,
        onTrace: (trace) => received.push(normalizeTrace(trace)),
      });
      await server.start();
      const { code, stdout, stderr } = await ttrace(
        ['export', testdata('lossy-otlp.json'), '--otlp', server.httpUrl, '--otlp-encoding', encoding],
        { env },
      );
      await vi.waitFor(() => expect(received).toHaveLength(1), 10_000);
      await server.close();
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: `${NOT_READ}ttrace: Cannot be sent: ${UNSENDABLE}\n`,
      });
      expect(stdout).toContain('Sent 2 spans with 0 events and 1 link to ');
      expect(received).toMatchObject([
        {
          resourceSpans: [
            {
              scopeSpans: [
                {
                  scope: { name: 'pg', attributes: { level: 7 } },
                  spans: [
                    {
                      name: 'whole',
                      attributes: { kind: 'a', kind_: 'b' },
                      links: [{ spanId: 'b7ad6b7169203332', traceState: 'vendor=1' }],
                    },
                    { name: 'no ids' },
                  ],
                },
              ],
            },
          ],
        },
      ]);
    },
  );

  test('is said before it is sent, with the exit code that sending would have, and to programs', async () => {
    const args = ['export', testdata('lossy-otlp.json'), '--otlp', '--dry-run'];
    const { code, stdout, stderr } = await ttrace(args, { env });
    expect({ code, stderr }).toEqual({ code: 1, stderr: NOT_READ });
    expect(stdout).toContain(`\nCannot be sent: ${UNSENDABLE}\n`);
    expect(JSON.parse((await ttrace([...args, '--json'], { env })).stdout)).toMatchObject({
      unsendable: { 'spans with the ids of another span': 1, 'links without valid ids': 1 },
      notRead: { 'span without a begin': 1 },
    });
  });

  test('is said by every command that reads it', async () => {
    const { code, stderr } = await ttrace(['summary', testdata('lossy-otlp.json')]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: NOT_READ });
  });
});

test('what a damaged file has lost is lost in an export: the exit code is 1', async () => {
  await using server = await receiverOf(200);
  const args = ['export', testdata('cut.json'), '--otlp', server.url, '--began', '2026-11-26T10:00:00Z'];
  const { code, stdout, stderr } = await ttrace(args, { env });
  expect({ code, stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^ttrace: Lost .* of the file: /),
  });
  expect(stdout).toContain('Sent 4 spans ');
});

test('texts that are cut are lost in part: the exit code is 1', async () => {
  await using server = await receiverOf(200);
  const file = directory.file('long.json');
  writeFileSync(
    file,
    `[{"ph":"X","name":"a","pid":1,"tid":1,"ts":5,"dur":2,"args":{"text":"${'x'.repeat(70_000)}"}}]`,
  );
  const args = ['export', file, '--otlp', server.url, '--began', '2026-11-26T10:00:00Z', '--quiet'];
  const said = 'Cut, because receivers take no longer ones: 1 text\n';
  expect(await ttrace(args, { env })).toMatchObject({ code: 1, stderr: `ttrace: ${said}` });
  const { code, stdout } = await ttrace([...args, '--dry-run'], { env });
  expect([code, stdout.endsWith(`\n${said}`)]).toEqual([1, true]);
});

test('a dry run ends as sending would where a span has no room for all that it has, and where a file is damaged', async () => {
  const file = directory.file('crowded.json');
  const args = `{${Array.from({ length: 80 }, (_, i) => `"a${i}":"${'x'.repeat(60_000)}"`).join(',')}}`;
  writeFileSync(file, `[{"ph":"X","name":"a","pid":1,"tid":1,"ts":5,"dur":2,"args":${args}}]`);
  const crowded = await ttrace(['export', file, '--otlp', '--dry-run'], { env });
  expect(crowded.code).toBe(1);
  expect(crowded.stdout).toContain('\n80 events, links and attributes had no room in their spans\n');
  expect(await ttrace(['export', testdata('cut.json'), '--otlp', '--dry-run'], { env })).toMatchObject({
    code: 1,
  });
});

test('a long wait that the receiver asks for is said once, with how long it is', async () => {
  await using server = await receiverOf(200, [429, 429]);
  const args = ['export', recording, '--otlp', server.url, '--batch', '1'];
  const { code, stderr } = await ttrace(args, { env });
  expect(code).toBe(0);
  expect(stderr).toMatch(/^The receiver answered 429: slow down\. Waiting for [23](\.\d+)? s, as it asks\n$/);
});

/** A receiver that answers with a status, and at first with others that ask for two seconds. */
async function receiverOf(
  status: number,
  first: number[] = [],
): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      const busy = first.shift();
      if (busy === undefined) response.writeHead(status).end();
      else response.writeHead(busy, { 'retry-after': '2' }).end('slow down');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

test('a collector that is down is said, with what to do about it', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const { code, stdout, stderr } = await ttrace(['export', recording, '--otlp'], {
    env: { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: url },
  });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe(
    `ttrace: nothing listens at ${url}/v1/traces: start an OpenTelemetry Collector with an OTLP receiver for HTTP there, or name ` +
      'another with --otlp URL\n',
  );
});

test('a dry run says how many spans of what, and sends nothing', async () => {
  const args = ['export', recording, '--otlp', '--dry-run', '--json', '--task', 'pay'];
  const { code, stdout } = await ttrace(args, { env });
  expect(code).toBe(0);
  const { spans, spansByCategory } = JSON.parse(stdout) as {
    spans: number;
    spansByCategory: Record<string, number>;
  };
  expect(spansByCategory).toMatchObject({ task: 1, region: 1 });
  expect(Object.values(spansByCategory).reduce((sum, count) => sum + count, 0)).toBe(spans);
});

test('a wrong command line ends with exit code 2 and says what is wrong', async () => {
  const cases = [
    [[], 'where to? --otlp'],
    [['--otlp', 'ftp://x'], '--otlp must begin with http:// or https://'],
    [['--otlp', '--began', '1960-01-01'], '--began takes a moment from 1970 to 2261'],
    [['--otlp', '--began', '9999-01-01'], '--began takes a moment from 1970 to 2261'],
  ] as const;
  const outcomes = await Promise.all(
    cases.map(([args]) => ttrace(['export', testdata('order.json'), ...args], { env })),
  );
  for (const [i, { code, stderr }] of outcomes.entries()) {
    expect(stderr).toContain(cases[i]?.[1]);
    expect(code).toBe(2);
  }
});

test('a trace that does not know the time of day asks for it', async () => {
  const file = directory.file('bare.json');
  writeFileSync(file, '[{"ph":"X","name":"a","pid":1,"tid":1,"ts":5,"dur":2}]');
  const { code, stderr } = await ttrace(['export', file, '--otlp'], { env });
  expect(code).toBe(1);
  expect(stderr).toContain(`${file} does not say when it was recorded`);
  expect(stderr).toContain('--began 2026');
});

test('Ctrl-C says what was sent', async () => {
  const held: ServerResponse[] = [];
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      if (held.push(response) <= 2) response.end();
      if (held.length === 6) running.process.kill('SIGINT');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const running = startTtrace(['export', recording, '--otlp', url, '--batch', '1'], { env });
  const { code, stdout, stderr } = await running.ended;
  server.closeAllConnections();
  server.close();
  expect(code).toBe(130);
  expect(stdout).toContain('Sent 2 spans to');
  expect(stderr).toMatch(
    /^ttrace: \d+ of \d+ spans did not arrive: 4 interrupted; \d+ not tried any more \(interrupted\)\n$/,
  );
});
