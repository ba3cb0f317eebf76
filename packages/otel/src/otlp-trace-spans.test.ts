/** What becomes of rows: parents, ids, times, events, links, status, and what is left out. */
import { readTextTrace, type Trace } from '@ttrace/format';
import { expect, test } from 'vitest';
import type { SpanChoice } from './otlp-roles.ts';
import type { OtlpSpan } from './otlp-span.ts';
import { TraceSpans } from './otlp-trace-spans.ts';
import { wallEpochOf } from './otlp-wall-clock.ts';

const HEAD = `# ttrace text 1
origin 5000000000
clock 4000000000 1795705098308
process 1 "shop"
track 1/1 thread "main"
track 1/2 thread "worker 1"
track l1 async 1 loop "0x1" "main event loop"
track t1 async 1 task "0x1" "order"
track t2 async 1 task "0x2" "pay"
track h1 async 1 http "0x1" "GET shop"
track s1 async 1 span "0x1" ""
track c1 counter 1 "" "queue"
`;

const ORDER = `${HEAD}slice t1 +0.010000000 0.100000000 task "order" {"task":1,"id":17}
slice t2 +0.020000000 0.050000000 task "pay" {"task":2,"parent":1}
slice 1/1 +0.030000000 0.010000000 region "outer" {"task":1}
slice 1/1 +0.031000000 0.002000000 region "inner" {"task":1}
slice 1/1 +0.031500000 0.000500000 gc "GC minor"
slice 1/1 +0.034000000 0.001000000 region "charge" {"task":2}
instant 1/1 +0.032000000 log "cache" {"task":1,"message":"miss"}
instant 1/1 +0.045000000 log "late" {"task":1,"message":"no region"}
instant 1/1 +0.900000000 log "alone" {"message":"no task"}
slice 1/1 +0.035000000 0.000100000 message "postMessage" {"task":1}
flow-out 1/1 +0.035000000 7 flow "flow"
slice 1/2 +0.036000000 0.001000000 message "message"
flow-in 1/2 +0.036000000 7 flow "flow"
slice l1 +0.030000000 0.010000000 loop "hash a.js:3" {"task":1,"blocked":true,"stack":["hash (/srv/a.js:3:5)"]}
slice l1 +0.050000000 0.010000000 loop "turn"
counter c1 +0.000000000 3 "queue"
`;

function spansOf(text: string, choice?: SpanChoice): { trace: Trace; spans: OtlpSpan[]; all: TraceSpans } {
  // Times may be written shorter than they stand in a file.
  const full = text.replace(/ (\+?)(\d\.\d+)(?= )/g, (_, sign, time) => ` ${sign}${Number(time).toFixed(9)}`);
  const trace = readTextTrace(full);
  expect(trace.error).toBeUndefined();
  const all = new TraceSpans(trace, choice);
  const spans = trace.processes.flatMap(({ pid }) => [...all.spansOf(pid)]);
  expect(all.counts.spans).toBe(spans.length);
  return { trace, spans, all };
}

const named = (spans: readonly OtlpSpan[], name: string): OtlpSpan => {
  const found = spans.filter((span) => span.name === name);
  expect(found, name).toHaveLength(1);
  return found[0]!;
};

const attributes = ({ shared, attributes: own }: OtlpSpan): Record<string, unknown> =>
  Object.fromEntries([...shared.list, ...own]);

test('regions lie in the region around them, in their task, and tasks in the task that they name', () => {
  const { spans } = spansOf(ORDER);
  const parent = (name: string): string | undefined =>
    spans.find(({ spanId }) => spanId === named(spans, name).parentSpanId)?.name;
  expect(parent('order')).toBeUndefined();
  expect(parent('pay')).toBe('order');
  expect(parent('outer')).toBe('order');
  expect(parent('inner')).toBe('outer');
  expect(parent('GC minor')).toBe('inner');
  // It lies within `outer`, but is of another task.
  expect(parent('charge')).toBe('pay');
  expect(parent('hash a.js:3')).toBe('order');
  const { traceId } = named(spans, 'order');
  for (const name of ['pay', 'inner', 'GC minor', 'charge']) expect(named(spans, name).traceId).toBe(traceId);
  expect(named(spans, 'message').traceId).not.toBe(traceId);
});

test('times are those of the trace, on the wall clock to the nanosecond', () => {
  const { trace, spans } = spansOf(ORDER);
  // One second after the snapshot.
  expect(wallEpochOf(trace)).toBe(1_795_705_098_308_000_000n + 1_000_000_000n);
  expect(named(spans, 'inner')).toMatchObject({ start: 31_000_000, end: 33_000_000 });
});

test('logs are events of the region or task in which they were written, or stand alone', () => {
  const { spans } = spansOf(ORDER);
  expect(named(spans, 'inner').events).toMatchObject([
    {
      name: 'cache',
      time: 32_000_000,
      attributes: [
        ['ttrace.task', 1],
        ['message', 'miss'],
      ],
    },
  ]);
  expect(named(spans, 'order').events.map(({ name }) => name)).toEqual(['late']);
  expect(named(spans, 'alone')).toMatchObject({ start: 900_000_000, end: 900_000_000, parentSpanId: '' });
});

test('an arrow is a link from its end to the span where it begins', () => {
  const { spans, all } = spansOf(ORDER);
  const { traceId, spanId } = named(spans, 'postMessage');
  expect(named(spans, 'message').links).toMatchObject([
    { traceId, spanId, traceState: '', attributes: [['ttrace.flow', 'flow']] },
  ]);
  expect([named(spans, 'postMessage').kind, named(spans, 'message').kind]).toEqual([4, 5]);
  expect(all.counts).toMatchObject({ events: 2, links: 1 });
});

test('what has no place in spans is counted: turns, counters', () => {
  expect(Object.fromEntries(spansOf(ORDER).all.counts.leftOut)).toEqual({
    'event-loop turns': 1,
    'counter samples': 1,
  });
});

test('threads stand in the attributes, those of an event loop too', () => {
  const { spans } = spansOf(ORDER);
  const main = { 'thread.id': 1, 'thread.name': 'main' };
  expect(attributes(named(spans, 'outer'))).toEqual({
    'ttrace.category': 'region',
    'ttrace.task': 1,
    ...main,
  });
  expect(attributes(named(spans, 'hash a.js:3'))).toMatchObject({ ...main, 'ttrace.blocked': true });
  expect(attributes(named(spans, 'order'))).toEqual({ 'ttrace.category': 'task', 'ttrace.task': 1, id: 17 });
});

test('ids are the same in every export, different from each other, and do not depend on what is left out', () => {
  const { spans } = spansOf(ORDER);
  expect(spansOf(ORDER).spans).toEqual(spans);
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  for (const { traceId, spanId } of spans)
    expect(`${traceId} ${spanId}`).toMatch(/^[\da-f]{32} [\da-f]{16}$/);
  const part = spansOf(ORDER, { categories: new Set(['task', 'gc']) }).spans;
  expect(part.map(({ name }) => name).sort()).toEqual(['GC minor', 'order', 'pay']);
  for (const span of part) expect(span.spanId).toBe(named(spans, span.name).spanId);
  // Its regions are not there: the nearest that is takes their place.
  expect(named(part, 'GC minor').parentSpanId).toBe(named(part, 'order').spanId);
  const other = ORDER.replace('clock 4000000000 1795705098308', 'clock 4000000000 1795705098309');
  expect(named(spansOf(other).spans, 'order').spanId).not.toBe(named(spans, 'order').spanId);
});

test('a shortest duration leaves out what is shorter, with what belongs to it alone', () => {
  const { spans, all } = spansOf(ORDER, { minNanos: 5_000_000 });
  expect(spans.map(({ name }) => name).sort()).toEqual(['alone', 'hash a.js:3', 'order', 'outer', 'pay']);
  expect(named(spans, 'outer').events.map(({ name }) => name)).toEqual(['cache']);
  expect(all.counts.leftOut.get('slices shorter than the filter')).toBe(5);
});

test('requests have kind, status and the names of the semantic conventions', () => {
  const { spans } =
    spansOf(`${HEAD}slice t1 +0.0 0.1 task "GET /a" {"task":1,"method":"GET","url":"/a?b=1","status":503}
slice h1 +0.0 0.1 http "GET shop" {"path":"/x","status":404}
slice h1 +0.2 0.1 http "GET gone" {"path":"/x","error":"ECONNRESET"}
`);
  expect(named(spans, 'GET /a')).toMatchObject({ kind: 2, status: 2, statusMessage: '' });
  expect(attributes(named(spans, 'GET /a'))).toMatchObject({
    'http.request.method': 'GET',
    'url.path': '/a',
    'url.query': 'b=1',
    'http.response.status_code': 503,
  });
  expect(named(spans, 'GET shop')).toMatchObject({ kind: 3, status: 2 });
  expect(named(spans, 'GET gone')).toMatchObject({ kind: 3, status: 2, statusMessage: 'ECONNRESET' });
});

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

test('ids that came from OpenTelemetry stay, and what lies in such a span is of its trace', () => {
  const { spans } =
    spansOf(`${HEAD}slice t1 +0.0 0.5 task "job" {"task":1,"trace_id":"${TRACE_ID}","span_id":"b7ad6b7169203331","parent_span_id":"00f067aa0ba902b7"}
slice s1 +0.1 0.1 span "GET" {"task":1,"trace_id":"${TRACE_ID}","span_id":"b7ad6b7169203332","parent_span_id":"b7ad6b7169203331","kind":"client","status":"error","status_message":"odd","http.request.method":"GET","links":[{"trace_id":"${TRACE_ID.replace('0', '1')}","span_id":"b7ad6b7169203331"}]}
slice 1/1 +0.2 0.1 region "work" {"task":1}
`);
  expect(named(spans, 'job')).toMatchObject({
    traceId: TRACE_ID,
    spanId: 'b7ad6b7169203331',
    parentSpanId: '00f067aa0ba902b7',
  });
  expect(named(spans, 'GET')).toMatchObject({
    spanId: 'b7ad6b7169203332',
    parentSpanId: 'b7ad6b7169203331',
    kind: 3,
    status: 2,
    statusMessage: 'odd',
    links: [{ spanId: 'b7ad6b7169203331' }],
  });
  expect(attributes(named(spans, 'GET'))).toEqual({ 'http.request.method': 'GET' });
  expect(named(spans, 'work')).toMatchObject({ traceId: TRACE_ID, parentSpanId: 'b7ad6b7169203331' });
});

test('a task and a span with one id are one operation, and one span, unless the span is left out', () => {
  const ids = `"trace_id":"${TRACE_ID}","span_id":"b7ad6b7169203331"`;
  const text = `${HEAD}slice t1 +0.0 0.5 task "GET /a" {"task":1,${ids},"method":"GET","url":"/a","item":17}
slice s1 +0.0 0.5 span "GET" {"task":1,${ids},"kind":"server","url.path":"/b"}
slice 1/1 +0.1 0.1 region "work" {"task":1}
`;
  const { spans, all } = spansOf(text);
  expect(spans.map(({ name }) => name).sort()).toEqual(['GET', 'work']);
  expect(attributes(named(spans, 'GET'))).toEqual({
    'url.path': '/b',
    'http.request.method': 'GET',
    item: 17,
  });
  expect(named(spans, 'work').parentSpanId).toBe('b7ad6b7169203331');
  expect(all.counts.leftOut.get('slices that are the same operation as a span')).toBe(1);
  const tasks = spansOf(text, { categories: new Set(['task', 'region']) }).spans;
  expect(named(tasks, 'GET /a')).toMatchObject({ traceId: TRACE_ID, spanId: 'b7ad6b7169203331', kind: 2 });
  expect(named(tasks, 'work').parentSpanId).toBe('b7ad6b7169203331');
});

test('a span of OpenTelemetry goes out as it came in: scope, events, links, names of attributes, what was before', () => {
  const facts = {
    trace_id: TRACE_ID,
    span_id: 'b7ad6b7169203331',
    kind: 'client',
    scope: 'pg',
    scope_version: '1.2',
    before_recording_ms: 2.5,
    status_: 'mine',
    events: [{ name: 'retry', at_ms: 1.25, attempt: 2, name_: 'mine' }],
    links: [{ trace_id: TRACE_ID, span_id: 'b7ad6b7169203332', why: 'batch', trace_id_: 'mine' }],
    dropped_events: 3,
  };
  const { spans } = spansOf(`${HEAD}slice s1 +0.1 0.5 span "query" ${JSON.stringify(facts)}
instant s1 +0.2 span "later" {"trace_id":"${TRACE_ID}","span_id":"b7ad6b7169203331","n":1}
`);
  expect(spans).toHaveLength(1);
  expect(spans[0]).toMatchObject({
    scope: { name: 'pg', version: '1.2' },
    start: 97_500_000,
    end: 600_000_000,
    attributes: [['status', 'mine']],
    events: [
      {
        name: 'retry',
        time: 98_750_000,
        attributes: [
          ['attempt', 2],
          ['name', 'mine'],
        ],
      },
      { name: 'later', time: 200_000_000, attributes: [['n', 1]] },
    ],
    links: [
      {
        traceId: TRACE_ID,
        spanId: 'b7ad6b7169203332',
        attributes: [
          ['why', 'batch'],
          ['trace_id', 'mine'],
        ],
      },
    ],
    droppedEvents: 3,
    status: 0,
  });
  expect(attributes(spans[0]!)).toEqual({ status: 'mine' });
});

test('events and links of a span that its record had no room for are counted as dropped', () => {
  const event = { name: 'e', at_ms: 1 };
  const facts = { events: [event, '… 36 more'], links: ['… 2 more'], dropped_events: 4, dropped_links: 5 };
  const ids = `"trace_id":"${TRACE_ID}","span_id":"b7ad6b7169203331"`;
  const { spans } = spansOf(`${HEAD}slice s1 +0.1 0.5 span "q" {${ids},${JSON.stringify(facts).slice(1)}\n`);
  expect(spans[0]).toMatchObject({ droppedEvents: 40, droppedLinks: 7 });
  expect(spans[0]!.events).toHaveLength(1);
});

test('arguments of other programs that are called as ours, and attributes of events, stay', () => {
  const ids = `"trace_id":"${TRACE_ID}","span_id":"b7ad6b7169203331"`;
  const { spans } =
    spansOf(`${HEAD}slice 1/1 +0.1 0.1 devtools "load" {"parent":"0x1","trace_id":"12","span_id":7}
slice s1 +0.1 0.5 span "query" {${ids}}
instant s1 +0.2 span "seen" {${ids},"parent":"a","parent_span_id":"b"}
`);
  expect(attributes(named(spans, 'load'))).toMatchObject({ parent: '0x1', trace_id: '12', span_id: 7 });
  expect(named(spans, 'query').events[0]!.attributes).toEqual([
    ['parent', 'a'],
    ['parent_span_id', 'b'],
  ]);
});

test('what ties the arrows between spans to threads is no span, and makes no link', () => {
  const { spans, all } = spansOf(`${HEAD}slice 1/1 +0.0 0.5 region "work"
slice 1/1 +0.1 0.0001 flow "span link"
flow-out 1/1 +0.1 1 flow "flow"
slice 1/1 +0.2 0.0001 flow "span link"
flow-in 1/1 +0.2 1 flow "flow"
`);
  expect(spans.map(({ name, links }) => [name, links.length])).toEqual([['work', 0]]);
  expect(Object.fromEntries(all.counts.leftOut)).toEqual({ 'ends of arrows between spans': 2 });
});

test('an uncaught error is an exception, and makes an error of the span that it is in', () => {
  const { spans } = spansOf(`${HEAD}slice t1 +0.0 0.5 task "job" {"task":1}
instant 1/1 +0.1 error "TypeError: odd" {"task":1,"message":"odd","stack":["f (/a.js:1:2)","g (/b.js:1:2)"]}
`);
  const job = named(spans, 'job');
  expect(job.status).toBe(2);
  expect(Object.fromEntries(job.events[0]!.attributes)).toMatchObject({
    'exception.type': 'TypeError',
    'exception.message': 'odd',
    'exception.stacktrace': 'f (/a.js:1:2)\ng (/b.js:1:2)',
  });
});

test('a slice without an end lasts as long as the trace, and says so', () => {
  const { spans } = spansOf(`${HEAD}slice 1/1 +0.1 open region "stuck"
instant 1/1 +0.9 log "last"
`);
  expect(named(spans, 'stuck')).toMatchObject({ start: 100_000_000, end: 900_000_000 });
  expect(attributes(named(spans, 'stuck'))['ttrace.unfinished']).toBe(true);
});

test('arguments that no receiver takes are made safe', () => {
  const odd = JSON.stringify({
    '': 1,
    lone: '\ud800x',
    huge: 'x'.repeat(70_000),
    nothing: null,
    deep: { a: [1, 'b'] },
  });
  const { spans, all } =
    spansOf(`${HEAD}slice 1/1 +0.1 0.1 region "odd" ${odd.slice(0, -1)},"big":9007199254740993,"float":1e300}
`);
  const found = attributes(named(spans, 'odd'));
  expect(found).toMatchObject({ '(empty)': 1, lone: '\ufffdx', nothing: null, deep: { a: [1, 'b'] } });
  expect(found).toMatchObject({ big: '9007199254740993', float: 1e300 });
  expect(found.huge).toMatch(/x… \(cut, 70000 characters\)$/);
  expect(all.cut).toBe(1);
});

test('tasks and spans that are their own ancestors in a damaged file end somewhere', () => {
  const ring = (own: string, parent: string): string =>
    `{"trace_id":"${TRACE_ID}","span_id":"b7ad6b716920333${own}","parent_span_id":"b7ad6b716920333${parent}"}`;
  const { spans } = spansOf(`${HEAD}slice t1 +0.0 0.5 task "a" {"task":1,"parent":2}
slice t2 +0.0 0.5 task "b" {"task":2,"parent":1}
slice s1 +0.0 0.1 span "x" ${ring('1', '2')}
slice s1 +0.2 0.1 span "y" ${ring('2', '1')}
`);
  expect(spans).toHaveLength(4);
  expect(
    [named(spans, 'a'), named(spans, 'b')].filter(({ parentSpanId }) => parentSpanId === ''),
  ).toHaveLength(1);
});

test('a second span with the ids of another one and links without valid ids are counted as what cannot be sent', () => {
  const ids = `"trace_id":"${TRACE_ID}","span_id":"b7ad6b7169203331"`;
  const links = `"links":[{"trace_id":"12","span_id":"b7ad6b7169203332"},{},{${ids}}]`;
  const { spans, all } = spansOf(`${HEAD}slice t1 +0.0 0.5 task "job" {"task":1,${ids},"item":17}
slice s1 +0.1 0.2 span "first" {${ids},"own":1,"dropped_links":4,${links}}
slice s1 +0.4 0.1 span "second" {${ids},"other":2}
`);
  expect(spans.map(({ name }) => name)).toEqual(['first']);
  // What the task says of the operation is its own; what the other span says is not.
  expect(attributes(spans[0]!)).toEqual({ own: 1, item: 17 });
  expect([spans[0]!.links.length, spans[0]!.droppedLinks]).toEqual([1, 6]);
  expect(Object.fromEntries(all.counts.unsendable)).toEqual({
    'spans with the ids of another span': 1,
    'links without valid ids': 2,
  });
  expect(Object.fromEntries(all.counts.leftOut)).toEqual({
    'slices that are the same operation as a span': 1,
  });
});
