/**
 * OTLP in JSON: a capture of the OpenTelemetry Collector, what other producers write, and damaged files. One file, for all of it is read and
 * looked at by the same few functions.
 */
import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OtlpReader } from './otlp-reader.ts';
import { readTrace } from './read-trace.ts';
import { textLines } from './text-writer.ts';
import { EventKind, type Trace } from './trace.ts';
import { TraceBuilder } from './trace-builder.ts';
import { TraceFormatError } from './trace-format-error.ts';
import type { ReadLimits } from './trace-reader.ts';
import { validateTrace } from './validate.ts';

const CAPTURE = join(import.meta.dirname, '../testdata/otelcol/0.152.0/traces.jsonl');
const encoder = new TextEncoder();

function read(bytes: Uint8Array, limits?: Partial<ReadLimits>, size = 1 << 20): Trace {
  const builder = new TraceBuilder();
  const reader = new OtlpReader(builder, limits);
  for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
  return builder.finish('otlp', reader.bytesRead, reader.end());
}

const readText = (text: string, limits?: Partial<ReadLimits>): Trace => read(encoder.encode(text), limits);

interface Slice {
  readonly name: string;
  readonly category: string;
  readonly process: string;
  readonly start: bigint;
  readonly duration: number;
  readonly args: Readonly<Record<string, unknown>>;
  readonly row: number;
}

function slicesOf(trace: Trace, wanted = 'span'): Slice[] {
  const { columns, strings, tracks, processes } = trace;
  const names = new Map(processes.map(({ pid, name }) => [pid, name]));
  const found: Slice[] = [];
  for (let row = 0; row < trace.length; row++) {
    const category = strings.text(columns.category[row]!);
    if (columns.kind[row] !== EventKind.slice || category !== wanted) continue;
    found.push({
      name: strings.text(columns.name[row]!),
      category,
      process: names.get(tracks[columns.track[row]!]!.pid) ?? '',
      start: trace.origin + BigInt(columns.start[row]!),
      duration: columns.value[row]!,
      args: JSON.parse(strings.text(columns.args[row]!) || '{}') as Record<string, unknown>,
      row,
    });
  }
  return found;
}

interface JsonSpan {
  readonly name: string;
  readonly spanId: string;
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly events?: readonly unknown[];
}

function jsonSpans(): JsonSpan[] {
  const lines = readFileSync(CAPTURE, 'utf8').trim().split('\n');
  return lines.flatMap((line) =>
    (JSON.parse(line) as { resourceSpans: { scopeSpans: { spans: JsonSpan[] }[] }[] }).resourceSpans.flatMap(
      ({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans),
    ),
  );
}

describe('a capture of the OpenTelemetry Collector', () => {
  const open = (): Promise<Trace> => readTrace(createReadStream(CAPTURE, { highWaterMark: 777 }));

  test('has every span with its ids and its times to the nanosecond, and nothing is wrong with it', async () => {
    const trace = await open();
    expect(trace).toMatchObject({ format: 'otlp', error: undefined });
    expect([...trace.skipped]).toEqual([]);
    const line = (...fields: unknown[]): string => fields.join(' ');
    const own = slicesOf(trace).map(({ name, args, start, duration }) =>
      line(name, args.trace_id, args.span_id, args.parent_span_id ?? '', start, start + BigInt(duration)),
    );
    const expected = jsonSpans().map((span) =>
      line(
        span.name,
        span.traceId,
        span.spanId,
        span.parentSpanId ?? '',
        span.startTimeUnixNano,
        span.endTimeUnixNano,
      ),
    );
    expect(own.sort()).toEqual(expected.sort());
    expect(validateTrace(trace)).toEqual([]);
  });

  test('has a process a resource, named after its service, and knows the time of day', async () => {
    const trace = await open();
    // Both are process 1 of their containers.
    expect(trace.processes.map(({ name }) => name).sort()).toEqual(['shop', 'stock']);
    expect(new Set(trace.processes.map(({ pid }) => pid)).size).toBe(2);
    expect(trace.clock?.monotonicNanos).toBe(BigInt(trace.clock!.wallMillis) * 1_000_000n);
    const [resource] = [...trace.metadata].map(([, text]) => JSON.parse(text) as Record<string, unknown>);
    expect(resource).toMatchObject({ 'service.version': '1.2.3', 'process.pid': 1 });
  });

  test('has a task for what is served or consumed, with all that is done in it', async () => {
    const trace = await open();
    const tasks = slicesOf(trace, 'task');
    expect(tasks.map(({ name, process }) => `${process}: ${name}`).sort()).toEqual([
      'shop: GET /order/:id',
      'stock: GET /stock',
      'stock: process',
    ]);
    const taskOf = new Map(tasks.map(({ name, args }) => [name, args.task]));
    for (const [name, task] of [
      ['render', 'GET /order/:id'],
      ['publish', 'GET /order/:id'],
      ['SELECT stock', 'GET /stock'],
      ['INSERT', 'process'],
    ]) {
      expect(slicesOf(trace).find((span) => span.name === name)?.args.task).toBe(taskOf.get(task!));
    }
  });

  test('keeps attributes of every type, kind, status and scope', async () => {
    const spans = slicesOf(await open());
    expect(spans.find(({ name }) => name === 'GET /order/:id')?.args).toMatchObject({
      kind: 'server',
      status: 'error',
      scope: '@shop/http',
      scope_version: '0.1.0',
      big: Number.MAX_SAFE_INTEGER,
      ratio: 0.25,
      ok: false,
      list: ['a', 'b'],
      nums: [1, 2],
      status_: 'mine',
      'é€😀': 'ünï "quoted"\n',
    });
    const select = spans.find(({ name }) => name === 'SELECT stock');
    expect(select?.args).toMatchObject({ status: 'error', status_message: 'deadlock detected' });
  });

  test('has events as instants, links and parents in other processes as arrows', async () => {
    const trace = await open();
    const lines = [...textLines(trace)];
    expect(lines.filter((line) => line.startsWith('instant'))).toEqual([
      expect.stringMatching(/^instant a5 \+0\.000010007 span "retry" .*"attempt":2/),
      expect.stringMatching(/^instant a5 \+0\.000020007 span "exception" .*"exception.message":"deadlock"/),
    ]);
    const ends = (word: string): string[] =>
      lines.filter((line) => line.startsWith(word)).map((line) => line.split(' ').slice(1, 4).join(' '));
    // GET stock → GET /stock, publish → process.
    expect(ends('flow-out')).toEqual(['a2 -0.000019993 1', 'a2 +0.000400007 2']);
    expect(ends('flow-in')).toEqual(['a5 -0.000019993 1', 'a5 +0.000680007 2']);
    const links = slicesOf(trace).find(({ name }) => name === 'process')?.args.links;
    expect(links).toMatchObject([{ 'messaging.batch': 1 }, { span_id: 'b7ad6b7169203331' }]);
  });
});

const span = (fields: string): string =>
  `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a","traceId":"0af7651916cd43dd8448eb211c80319c",${fields}}]}]}]}`;
const TIMES = '"startTimeUnixNano":"1795705098000000001","endTimeUnixNano":"1795705098000000003"';

test('what other producers write is read as well: enums by name, ids in base64, numbers, snake case, resources last', () => {
  const names = readText(
    span(`"spanId":"t61rcWkgMzE=","kind":"SPAN_KIND_CLIENT","status":{"code":"STATUS_CODE_ERROR"},${TIMES}`),
  );
  expect(slicesOf(names)[0]?.args).toMatchObject({
    span_id: 'b7ad6b7169203331',
    kind: 'client',
    status: 'error',
  });
  const numbers = readText(
    span(
      '"spanId":"B7AD6B7169203331","startTimeUnixNano":1795705098000000001,"endTimeUnixNano":1795705098000000003',
    ),
  );
  expect(slicesOf(numbers)[0]).toMatchObject({ start: 1_795_705_098_000_000_001n, duration: 2 });
  const snake = readText(
    '{ "resource_spans" : [ { "scope_spans" : [ { "spans" : [ { "name" : "a", "start_time_unix_nano" : "1795705098000000001" } ] } ] ,' +
      ' "resource" : { "attributes" : [ { "key" : "service.name" , "value" : { "string_value" : "late" } } ] } } ] }',
  );
  expect(slicesOf(snake)[0]).toMatchObject({ process: 'late', duration: -1 });
});

test('odd values stay what they are, or become what JSON has', () => {
  const attributes = [
    '{"key":"long","value":{"intValue":"9007199254740993"}}',
    '{"key":"bare","value":{"intValue":9007199254740993}}',
    '{"key":"nan","value":{"doubleValue":"NaN"}}',
    '{"key":"map","value":{"kvlistValue":{"values":[{"key":"x","value":{"boolValue":true}}]}}}',
    '{"key":"none","value":{}}',
    '{"key":"__proto__","value":{"stringValue":"p"}}',
    '{"key":"task","value":{"intValue":"7"}}',
  ];
  const [found] = slicesOf(
    readText(span(`"spanId":"b7ad6b7169203331",${TIMES},"attributes":[${attributes.join(',')}]`)),
  );
  expect(found?.args).toMatchObject({
    long: '9007199254740993',
    bare: '9007199254740993',
    nan: 'NaN',
    map: { x: true },
    none: null,
    task: 1,
    task_: 7,
  });
  expect(Object.keys(found!.args)).toContain('__proto__');
});

test('spans without a begin, with an end before it, or that are none, are counted', () => {
  const trace = readText(
    `{"resourceSpans":[{"scopeSpans":[{"spans":[7,{"name":"x"},{"startTimeUnixNano":"5000","endTimeUnixNano":"4000"}]}]}]}`,
  );
  expect(trace.error).toBeUndefined();
  expect(Object.fromEntries(trace.skipped)).toEqual({
    'element that is no span': 1,
    'span without a begin': 1,
    'span without ids': 1,
    'span that ends before it begins': 1,
  });
});

test('events without a time are counted', () => {
  const trace = readText(
    `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",${TIMES},"events":[{"name":"a"},{"name":"b","timeUnixNano":"0"}]}]}]}]}`,
  );
  expect(slicesOf(trace)).toHaveLength(1);
  expect(Object.fromEntries(trace.skipped)).toEqual({ 'event of a span without a time': 2 });
});

test('events and links that are no objects, parents that are no ids and ends that are no times, are counted', () => {
  const trace = readText(
    span(
      '"spanId":"b7ad6b7169203331","startTimeUnixNano":"1795705098000000001","endTimeUnixNano":"soon","parentSpanId":"b7ad","events":[7],"links":[7]',
    ),
  );
  expect(Object.fromEntries(trace.skipped)).toEqual({
    'end of a span that is no time': 1,
    'event of a span without a time': 1,
    'parent of a span that is no id': 1,
  });
  // Who is linked is for whoever reads the links.
  expect(slicesOf(trace)[0]).toMatchObject({ duration: -1, args: { links: [{}] } });
  const zeros = readText(
    span(
      '"spanId":"b7ad6b7169203331","startTimeUnixNano":"1795705098000000001","endTimeUnixNano":"0","parentSpanId":"0000000000000000"',
    ),
  );
  expect(zeros.skipped.size).toBe(0);
});

test('a span without ids is no task as well: nothing would say that they are one operation', () => {
  const trace = readText(span(`"kind":2,${TIMES}`));
  expect([slicesOf(trace).length, slicesOf(trace, 'task').length]).toEqual([1, 0]);
});

test('a scope and its schema are those of its spans, before or behind them', () => {
  const scoped = (members: string): Trace => readText(`{"resourceSpans":[{"scopeSpans":[{${members}}]}]}`);
  const spans = `"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",${TIMES}}]`;
  const facts = '"scope":{"name":"pg"},"schemaUrl":"https://x/1"';
  for (const trace of [scoped(`${facts},${spans}`), scoped(`${spans},${facts}`)]) {
    expect(trace.skipped.size).toBe(0);
    expect(slicesOf(trace)[0]?.args).toMatchObject({ scope: 'pg', scope_schema_url: 'https://x/1' });
  }
});

test('flags, schemas and numbers of what was dropped stand among the arguments, and as facts of the process', () => {
  const trace = readText(
    `{"resource_spans":[{"resource":{"dropped_attributes_count":1},"schema_url":"https://x/2","scope_spans":[{"scope":{"droppedAttributesCount":"2"},"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","flags":257,"droppedAttributesCount":3,${TIMES},"events":[{"name":"e","timeUnixNano":"1795705098000000002","droppedAttributesCount":4}],"links":[{"flags":4294967295,"droppedAttributesCount":5}]}]}]}]}`,
  );
  expect(trace.skipped.size).toBe(0);
  expect(slicesOf(trace)[0]?.args).toMatchObject({
    flags: 257,
    dropped_attributes: 3,
    scope_dropped_attributes: 2,
    links: [{ flags: 0xff_ff_ff_ff, dropped_attributes: 5 }],
  });
  expect([...textLines(trace)].find((line) => line.startsWith('instant'))).toContain(
    '"dropped_attributes":4',
  );
  expect(Object.fromEntries(trace.metadata)).toMatchObject({
    [`ttrace_resource_facts ${trace.processes[0]?.pid}`]:
      '{"schema_url":"https://x/2","dropped_attributes":1}',
  });
});

test('flags, numbers of what was dropped and schemas that are none, and entities, are counted', () => {
  const trace = readText(
    `{"resourceSpans":[{"schemaUrl":7,"resource":{"droppedAttributesCount":-1,"entityRefs":[{"type":"host"}]},"scopeSpans":[{"schemaUrl":null,"scope":{"droppedAttributesCount":"many"},"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","flags":4294967296,"droppedLinksCount":1.5,${TIMES},"links":[{"flags":true}]}]}]}]}`,
  );
  expect(Object.fromEntries(trace.skipped)).toEqual({
    'schema that is no text': 1,
    'number of what was dropped that is none': 3,
    'entities of a resource': 1,
    'flags that are no number': 2,
  });
});

test('resources that differ in their schema alone are two processes', () => {
  const resource = (schema: string): string =>
    `{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"schemaUrl":"${schema}","scopeSpans":[{"spans":[{${TIMES}}]}]}`;
  const count = (one: string, other: string): number =>
    readText(`{"resourceSpans":[${resource(one)},${resource(other)}]}`).processes.length;
  expect([count('1', '1'), count('1', '2')]).toEqual([1, 2]);
});

test('resources whose attributes are past the limit are counted', () => {
  const resources = Array.from(
    { length: 502 },
    (_, i) =>
      `{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s ${i}"}}]},"scopeSpans":[]}`,
  );
  const trace = readText(`{"resourceSpans":[${resources.join(',')}]}`);
  expect(Object.fromEntries(trace.skipped)).toEqual({ 'attributes of a resource past the limit': 2 });
});

test('spans that are each other’s parents end somewhere', () => {
  const each = (own: string, parent: string): string =>
    `{"name":"${own}","traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b716920333${own}","parentSpanId":"b7ad6b716920333${parent}",${TIMES}}`;
  const trace = readText(
    `{"resourceSpans":[{"scopeSpans":[{"spans":[${each('1', '2')},${each('2', '1')}]}]}]}`,
  );
  expect(slicesOf(trace)).toHaveLength(2);
  expect(trace.error).toBeUndefined();
});

test.each([
  ['{"resourceLogs":[{"scopeLogs":[]}]}', 'unknown-format', 'OTLP of logs: only traces have spans'],
  ['{"resourceSpans":[]}', undefined, ''],
  ['{"resourceSpans":[]}\n{}\n\n{"resourceSpans":[]}\n', undefined, ''],
  ['{"resourceSpans":[]} x', 'malformed', 'expected a request'],
  ['{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":nil}]}]}]}', 'malformed', 'unexpected'],
  ['{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a', 'truncated', 'inside a span'],
  ['{"resourceSpans":[{"scopeSpans":[', 'truncated', 'in scopeSpans'],
])('%s is %s', async (text, code, message) => {
  const { error } = await readTrace(new Blob([text]).stream());
  expect(error?.code).toBe(code);
  expect(error?.message ?? '').toContain(message);
});

test('limits of spans and of the bytes of one hold', () => {
  const many = `{"resourceSpans":[{"scopeSpans":[{"spans":[${`{${TIMES}},`.repeat(50)}]}]}]}`;
  expect(readText(many, { maxEvents: 10 }).error?.code).toBe('limit');
  expect(readText(many, { maxStrings: 5 }).error).toBeUndefined();
  const long = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"${'x'.repeat(3 << 20)}`;
  expect(readText(long, { maxEventBytes: 1 << 20 }).error?.code).toBe('limit');
  const deep = span(`"attributes":${'['.repeat(2000)}`);
  expect(readText(deep).error?.code).toBe('limit');
});

/** All but the error, whose message shows what has come of the file so far. */
const rowsOf = (trace: Trace): string[] => [...textLines(trace)].filter((line) => !line.startsWith('error '));

describe('damage', () => {
  // The first three requests, with a parent in another process and events.
  const bytes = encoder.encode(readFileSync(CAPTURE, 'utf8').split('\n').slice(0, 3).join('\n'));
  const names = slicesOf(read(bytes)).map(({ args }) => args.span_id);

  test('a file that is cut off gives the spans before the cut, however it comes in', () => {
    let reached = 0;
    for (let end = 0; end <= bytes.length; end += 11) {
      const trace = read(bytes.subarray(0, end));
      const own = slicesOf(trace).map(({ args }) => args.span_id);
      for (const id of own) expect(names).toContain(id);
      expect(own.length).toBeGreaterThanOrEqual(reached);
      reached = own.length;
      const { error } = trace;
      if (error !== undefined) {
        expect(error.code).toBe('truncated');
        expect(error.offset).toBeLessThanOrEqual(end);
        expect(slicesOf(read(bytes.subarray(0, error.offset)))).toHaveLength(own.length);
      }
    }
    const whole = [...textLines(read(bytes))];
    for (const size of [1, 7, 100]) expect([...textLines(read(bytes, {}, size))]).toEqual(whole);
  });

  test('bytes that are changed, taken out or put in end with spans and at most one error', () => {
    const edit = fc.record({
      at: fc.nat(bytes.length - 1),
      remove: fc.nat(4),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 4 }),
        fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', '-1').map((s) => encoder.encode(s)),
      ),
    });
    fc.assert(
      fc.property(
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 60 }),
        (edits, size) => {
          let damaged: Uint8Array = bytes;
          for (const { at, remove, insert } of edits) {
            damaged = Buffer.concat([damaged.subarray(0, at), insert, damaged.subarray(at + remove)]);
          }
          const trace = read(damaged);
          expect(trace.length).toBeLessThan(100);
          if (trace.error !== undefined) {
            expect(trace.error).toBeInstanceOf(TraceFormatError);
            expect(trace.error.offset).toBeLessThanOrEqual(damaged.length);
          }
          for (const args of trace.columns.args) {
            if (args !== 0) expect(JSON.parse(trace.strings.text(args))).toBeTypeOf('object');
          }
          const again = read(damaged, {}, size);
          expect(rowsOf(again)).toEqual(rowsOf(trace));
          expect(again.error?.code).toBe(trace.error?.code);
          expect(again.error?.offset).toBe(trace.error?.offset);
        },
      ),
      { numRuns: 300 },
    );
  });
});
