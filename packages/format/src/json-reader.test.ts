/** Chrome JSON of any shape becomes the same rows, whatever its form, its chunks and its spaces. */
import { expect, test } from 'vitest';
import { JsonReader } from './json-reader.ts';
import { textLines } from './text-writer.ts';
import type { Trace } from './trace.ts';
import { TraceBuilder } from './trace-builder.ts';
import type { ReadLimits } from './trace-reader.ts';

function read(json: string, limits?: Partial<ReadLimits>, chunkBytes = Number.POSITIVE_INFINITY): Trace {
  const bytes = new TextEncoder().encode(json);
  const builder = new TraceBuilder();
  const reader = new JsonReader(builder, limits);
  for (let at = 0; at < bytes.length; at += chunkBytes) reader.push(bytes.subarray(at, at + chunkBytes));
  return builder.finish('json', reader.bytesRead, reader.end());
}

/** The text twin without its first line and, as they are of no interest here, its tracks and facts. */
function rows(trace: Trace): string[] {
  return [...textLines(trace)].filter((line) => /^(slice|instant|counter|flow)/.test(line));
}

function tracks(trace: Trace): string[] {
  return [...textLines(trace)].filter((line) => /^(track|process)/.test(line));
}

const event = (fields: string): string => `{"pid":1,"tid":2,"ts":10,${fields}}`;
const rowsOf = (...fields: string[]): string[] => rows(read(`[${fields.map(event).join(',')}]`));

const SMALL = `[
${event('"ph":"X","name":"a","cat":"c","dur":1.5,"args":{"x":[1,"}"]}')},
${event('"ph":"B","name":"b\\"\\u00e9"')},
${event('"ph":"E","ts":12')},
${event('"ph":"i","name":"é€😀","s":"p"')}
]`;

test('array form, object form, events without brackets and a byte order mark give the same rows', () => {
  const events = SMALL.slice(1, -1);
  const expected = rows(read(SMALL));
  expect(expected).toHaveLength(3);
  const lines = events.replaceAll(',\n', '\n');
  for (const form of [
    `\uFEFF${SMALL}`,
    `  \n${SMALL}  \n`,
    `[${events}`,
    `[${events},`,
    `[${lines}]`,
    lines,
    `${events},\n`,
    `{"traceEvents":[${events}]}`,
    `{"a":[{"traceEvents":[]}],"b":"}","traceEvents":[${events},],"metadata":{"k":1}}`,
    `{"displayTimeUnit":"ns","traceEvents":[${events}]}`,
  ]) {
    const trace = read(form);
    expect(trace.error, form).toBeUndefined();
    expect(rows(trace), form).toEqual(expected);
  }
});

test('chunks may end anywhere', () => {
  const whole = [...textLines(read(SMALL))];
  for (let size = 1; size < 80; size++) expect([...textLines(read(SMALL, {}, size))]).toEqual(whole);
  const object = `{"metadata":{"a":"é"},"traceEvents":${SMALL},"n":12}`;
  for (let size = 1; size < 20; size++)
    expect([...textLines(read(object, {}, size))]).toEqual([...textLines(read(object))]);
});

test('values beside the events are kept as JSON without spaces, long ones are counted', () => {
  const long = `"${'x'.repeat(2 << 20)}"`;
  const trace = read(
    `{"otherData" : { "a b" : [ 1, 2 ] },"n":12,"traceEvents":[],"systemTraceEvents":${long}}`,
  );
  expect([...trace.metadata]).toEqual([
    ['otherData', '{"a b":[1,2]}'],
    ['n', '12'],
  ]);
  expect([...trace.skipped]).toEqual([['long value of systemTraceEvents', 1]]);
});

test('a slice with a duration, without one, with a negative one, as begin and end', () => {
  expect(
    rowsOf('"ph":"X","name":"a","dur":1', '"ph":"X","name":"b"', '"ph":"X","name":"c","dur":-1').concat(
      rowsOf('"ph":"B","name":"d","args":{"a":1}', '"ph":"E","ts":11,"args":{"b":2}', '"ph":"E","ts":12'),
    ),
  ).toEqual([
    'slice 1/2 +0.000000000 0.000001000 - "a"',
    'slice 1/2 +0.000000000 open - "b"',
    'slice 1/2 +0.000000000 0.000000000 - "c"',
    'slice 1/2 +0.000000000 0.000001000 - "d" {"a":1,"b":2}',
  ]);
});

test.each([
  ['10', 10_000],
  ['10.5', 10_500],
  ['-0.001', -1],
  ['-1.5', -1500],
  ['1234.5670000001', 1_234_567],
  ['1234.5669999999', 1_234_567],
  ['0.9996', 1000],
  ['0.00049', 0],
  ['1.5e3', 1_500_000],
  ['15E-1', 1500],
  ['"12.25"', 12_250],
  ['   7 ', 7000],
  ['00012', 12_000],
])('the time %s is %i ns', (text, nanos) => {
  const trace = read(`[{"ph":"i","ts":0},{"ph":"i","ts":${text.startsWith('000') ? `"${text}"` : text}}]`);
  expect(trace.error).toBeUndefined();
  expect(trace.columns.start[1]).toBe(nanos);
});

test('times since 1970 in microseconds keep their nanoseconds', () => {
  const trace = read('[{"ph":"i","ts":1700000000123456.789},{"ph":"i","ts":1700000000123456.790}]');
  expect(trace.origin).toBe(1_700_000_000_123_456_000n);
  expect([...trace.columns.start]).toEqual([789, 790]);
});

test('of a key given twice the last one counts, also when it is written with escapes', () => {
  expect(rowsOf('"ph":"i","name":"a","\\u006eame":"b","ts":11,"ts":10')).toEqual([
    'instant 1/2 +0.000000000 - "b"',
  ]);
});

test('asynchronous slices lie on the track of their process, category and id', () => {
  const trace = read(
    `[${[
      '"ph":"b","cat":"task","id":"0x1","name":"order"',
      '"ph":"n","cat":"task","id":"0x1","name":"log"',
      '"ph":"b","cat":"other","id":"0x1","name":"x"',
      '"ph":"e","cat":"task","id":"0x1","name":"order","ts":12',
      '"ph":"S","cat":"old","id":7,"name":"legacy"',
      '"ph":"T","cat":"old","id":7,"name":"step"',
      '"ph":"F","cat":"old","id":7,"name":"legacy","ts":13',
      '"ph":"b","cat":"c","id2":{"local":"0x5"},"name":"local"',
      '"ph":"b","cat":"c","id":"0x5","scope":"s","name":"scoped"',
      '"ph":"b","cat":"c","name":"nameless"',
    ].map(event)}]`,
  );
  expect(rows(trace)).toEqual([
    'slice a1 +0.000000000 0.000002000 task "order"',
    'instant a1 +0.000000000 task "log"',
    'slice a2 +0.000000000 open other "x"',
    'slice a3 +0.000000000 0.000003000 old "legacy"',
    'instant a3 +0.000000000 old "step"',
    'slice a4 +0.000000000 open c "local"',
    'slice a5 +0.000000000 open c "scoped"',
  ]);
  expect(trace.tracks.map(({ kind, id, category, name }) => [kind, id, category, name].join(' '))).toEqual([
    'async 0x1 task order',
    'async 0x1 other x',
    'async 7 old legacy',
    'async 0x5 c local',
    'async s:0x5 c scoped',
  ]);
  expect([...trace.skipped]).toEqual([['phase b without id', 1]]);
});

test('an operation whose id is global ends in another process', () => {
  const trace = read(
    `[${[
      '"ph":"b","cat":"c","id2":{"global":"0x5"},"name":"g"',
      '"pid":9,"ph":"e","cat":"c","id2":{"global":"0x5"},"ts":11',
    ].map(event)}]`,
  );
  expect(rows(trace)).toEqual(['slice a1 +0.000000000 0.000001000 c "g"']);
});

test('flows are told apart by category and, for local ids, by process', () => {
  expect(
    rowsOf(
      '"ph":"s","cat":"a","id":1,"name":"f"',
      '"ph":"t","cat":"a","id":1,"name":"f"',
      '"ph":"f","cat":"a","id":"1","name":"f","bp":"e"',
      '"ph":"s","cat":"b","id":1,"name":"f"',
      '"ph":"s","cat":"a","id2":{"local":1},"name":"f"',
      '"ph":"X","dur":1,"name":"x","bind_id":"0x9","flow_out":true',
      '"ph":"X","dur":1,"name":"y","bind_id":"0x9","flow_in":true',
    ).filter((row) => row.startsWith('flow')),
  ).toEqual([
    'flow-out 1/2 +0.000000000 1 a "f"',
    'flow-step 1/2 +0.000000000 1 a "f"',
    'flow-in 1/2 +0.000000000 1 a "f"',
    'flow-out 1/2 +0.000000000 2 b "f"',
    'flow-out 1/2 +0.000000000 3 a "f"',
    'flow-out 1/2 +0.000000000 4 - "x"',
    'flow-in 1/2 +0.000000000 4 - "y"',
  ]);
});

test('instants lie on their thread or, by scope, on their process', () => {
  expect(
    rowsOf(
      '"ph":"i","name":"a"',
      '"ph":"I","name":"b","s":"t"',
      '"ph":"i","s":"p","name":"c"',
      '"ph":"R","s":"g","name":"d"',
    ),
  ).toEqual([
    'instant 1/2 +0.000000000 - "a"',
    'instant 1/2 +0.000000000 - "b"',
    'instant 1 +0.000000000 - "c"',
    'instant 1 +0.000000000 - "d"',
  ]);
});

test('a counter has a row for each number among its arguments', () => {
  const trace = read(
    `[${[
      '"ph":"C","name":"queue","args":{"value":3}',
      '"ph":"C","name":"queue","args":{"queue":-1.5e1}',
      '"ph":"C","name":"memory","args":{"used":1,"free":"2","text":"x"}',
      '"ph":"C","name":"memory","id":"0x2","args":{"used":7}',
      '"ph":"C","name":"none","args":{}',
    ].map(event)}]`,
  );
  expect(rows(trace)).toEqual([
    'counter c1 +0.000000000 3 "queue"',
    'counter c1 +0.000000000 -15 "queue"',
    'counter c2 +0.000000000 1 "memory used"',
    'counter c3 +0.000000000 2 "memory free"',
    'counter c4 +0.000000000 7 "memory used"',
  ]);
  expect(trace.tracks[3]).toMatchObject({ kind: 'counter', id: '0x2' });
  expect([...trace.skipped]).toEqual([['counter without a number', 1]]);
});

test('metadata names and orders processes and threads, and does not set the origin', () => {
  const trace = read(
    `[${[
      '"ph":"M","ts":0,"name":"process_name","args":{"name":"server"}',
      '"ph":"M","ts":0,"name":"process_sort_index","args":{"sort_index":-3}',
      '"ph":"M","ts":0,"name":"thread_name","args":{"name":"main"}',
      '"ph":"M","ts":0,"name":"thread_sort_index","args":{"sort_index":4}',
      '"ph":"M","ts":0,"name":"process_labels","args":{"labels":"a,b"}',
      '"ph":"M","ts":0,"name":"ttrace_dropped","args":{"dropped":12}',
      '"ph":"M","ts":0,"name":"ttrace_recording","args":{"clock":{"monotonicNanos":"123456789012345678","wallMillis":1700000000000.5}}',
      '"ph":"X","name":"a","ts":1000000,"dur":1',
    ].map(event)}]`,
  );
  expect(trace.processes).toEqual([{ pid: 1, name: 'server', sortIndex: -3 }]);
  expect(trace.tracks[0]).toMatchObject({ kind: 'thread', name: 'main', sortIndex: 4, dropped: 12 });
  expect(trace.clock).toEqual({ monotonicNanos: 123_456_789_012_345_678n, wallMillis: 1_700_000_000_000.5 });
  expect(trace.metadata.get('process_labels 1')).toBe('{"labels":"a,b"}');
  expect(trace.origin).toBe(1_000_000_000n);
});

test('a fact of some kilobytes is read whole, also behind a short one', () => {
  const long = JSON.stringify({ list: Array(500).fill('a "b"') });
  const trace = read(
    `[{"ph":"M","name":"short","pid":1,"args":{"a":1}},{"ph":"M","name":"long","pid":1,"args":${long}}]`,
  );
  expect(trace.error).toBeUndefined();
  expect(trace.metadata.get('long')).toBe(long);
});

test('processes and threads named by text get numbers and keep their text as name', () => {
  const trace = read(
    '[{"ph":"i","ts":1,"pid":"web","tid":"a"},{"ph":"i","ts":2,"pid":"web","tid":"b"},{"ph":"i","ts":3,"pid":"7","tid":"8"}]',
  );
  expect(tracks(trace).map((line) => line.replace(/\d{7}/g, 'N'))).toEqual([
    'process N "web"',
    'process 7 ""',
    'track N/N thread "a"',
    'track N/N thread "b"',
    'track 7/8 thread ""',
  ]);
  expect(new Set(trace.columns.track).size).toBe(3);
});

test('arguments are kept as JSON without spaces, and made JSON where they are not', () => {
  const args = (json: string): string => read(`[${event(`"ph":"i","args":${json}`)}]`).strings.text(1);
  expect(args('{"a b":"c  d"}')).toBe('{"a b":"c  d"}');
  expect(args('{ "a" :\n[ 1 ,\t"x \\" y" ] }')).toBe('{"a":[1,"x \\" y"]}');
  expect(args('{"a":NaN,"b":[-Infinity,Infinity]}')).toBe('{"a":null,"b":[null,null]}');
  expect(args('{"a":"tab\there"}')).toBe('{"a":"tab\\u0009here"}');
  expect(args('"__stripped__"')).toBe('{"args":"__stripped__"}');
  expect(args('[1, 2]')).toBe('{"args":[1,2]}');
  for (const none of ['{}', '{ }', 'null']) expect(args(none)).toBe('');
});

test('stacks become the argument `stack`, also when the table of frames follows', () => {
  const events = [
    '"ph":"X","dur":1,"sf":5',
    '"ph":"i","sf":"4","args":{"a":1}',
    '"ph":"B"',
    '"ph":"E","sf":4',
    '"ph":"i","stack":["x","y"]',
    '"ph":"i","sf":99',
  ].map(event);
  const frames =
    '"stackFrames":{"4":{"name":"main"},"5":{"name":"leaf","parent":4},"6":{"name":"loop","parent":"6"}}';
  const expected = [
    '{"stack":"leaf\\nmain"}',
    '{"a":1,"stack":"main"}',
    '{"stack":"main"}',
    '{"stack":"x\\ny"}',
    '{"stack":"99"}',
  ];
  for (const json of [`{"traceEvents":[${events}],${frames}}`, `{${frames},"traceEvents":[${events}]}`]) {
    expect(rows(read(json)).map((row) => row.slice(row.indexOf('{')))).toEqual(expected);
  }
  const circle = read(`{"traceEvents":[${event('"ph":"i","sf":6')}],${frames}}`);
  expect(circle.strings.text(circle.columns.args[0]!).split('\\n')).toHaveLength(1000);
});

test('unknown phases and events without the necessary fields are counted', () => {
  const trace = read(
    `[null, 12, [{}], "x", {}, {"ph":"X"}, {"ts":1}, ${event('"ph":"v"')}, ${event('"ph":"ProfileChunk"')}, ${event('"ph":"?"')}]`,
  );
  expect(trace.error).toBeUndefined();
  expect(Object.fromEntries(trace.skipped)).toEqual({
    'element that is no event': 4,
    'event without ph': 2,
    'event without ts': 1,
    'phase v': 1,
    'phase ?': 1,
  });
  expect(rows(trace)).toHaveLength(1);
});

test('bytes that are not UTF-8 are replaced, not refused', () => {
  const builder = new TraceBuilder();
  const reader = new JsonReader(builder);
  const bytes = new TextEncoder().encode(`[${event('"ph":"i","name":"a~b","args":{"x":"~"}')}]`);
  reader.push(bytes.map((byte) => (byte === 0x7e ? 0xff : byte)));
  expect(reader.end()).toBeUndefined();
  expect(rows(builder.finish('json', 0))).toEqual(['instant 1/2 +0.000000000 - "a\uFFFDb" {"x":"\uFFFD"}']);
});

test('an event of more bytes than one piece of input is read', () => {
  const text = 'x'.repeat(3 << 20);
  const trace = read(
    `[${event(`"ph":"i","name":"a","args":{"t":"${text}"}`)},${event('"ph":"i","name":"b"')}]`,
    {},
    100_000,
  );
  expect(trace.error).toBeUndefined();
  expect(trace.strings.text(trace.columns.args[0]!)).toHaveLength(text.length + 8);
  expect(trace.length).toBe(2);
});

test('a row that a program named has that name, whatever is on it', () => {
  const timing = (name: string, id: string, cat = 'timing'): string =>
    event(`"ph":"n","name":"${name}","cat":"${cat}","id2":{"local":"${id}"}`);
  const found = tracks(
    read(`[${timing('load', '0x1 Shop / Orders')},${timing('own', '0x2')},${timing('other', '0x3 x', 'c')}]`),
  );
  expect(
    found.filter((line) => line.includes('async')).map((line) => line.replace(/^.* (?="[^"]*"$)/, '')),
  ).toEqual(['"Shop / Orders"', '"own"', '"other"']);
});
