/**
 * Spans of OpenTelemetry in a trace: of the real instrumentations of http, undici, express and ioredis on SDK 2, and of a program
 * on SDK 3 with its own copy of the API.
 */
import { beforeAll, expect, test } from 'vitest';
import { type Recorded, recorded, type Slice } from './recorded.ts';

interface Exported {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent?: string;
}

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
let app: Recorded;
let sdk3: Recorded;

beforeAll(async () => {
  [app, sdk3] = await Promise.all([
    recorded('instrumented-app.mjs', ['none'], 'pftrace'),
    recorded('sdk3-app.mjs'),
  ]);
});

const of = ({ slices }: Recorded, category: string, name?: string): Slice[] =>
  slices.filter((slice) => slice.category === category && (name === undefined || slice.name === name));
const exported = ({ printed }: Recorded): readonly Exported[] => (printed as { spans: Exported[] }).spans;
const one = (found: readonly Slice[]): Slice => {
  expect(found).toHaveLength(1);
  return found[0]!;
};

test('every span that began and ended while recording is there once, with its ids and its last name', () => {
  const left = ['begun before', 'begun after', 'ended after', 'wholly before'];
  const wanted = exported(app).filter(({ name }) => !left.includes(name));
  expect(wanted.length).toBeGreaterThan(210);
  const ended = of(app, 'span').filter(({ end }) => end !== undefined);
  const key = (name: string, ...ids: unknown[]): string => [name, ...ids].join(' ');
  expect(
    ended.map(({ name, args }) => key(name, args.trace_id, args.span_id, args.parent_span_id)).sort(),
  ).toEqual(wanted.map(({ name, traceId, spanId, parent }) => key(name, traceId, spanId, parent)).sort());
});

test('what is open when the recording stops is there without an end; what began before or after is not', () => {
  const open = of(app, 'span').filter(({ end }) => end === undefined);
  expect(open.map(({ name }) => name)).toEqual(['never ended', 'ended after']);
});

test('no child ends after its parent or begins before it, and times that the program gave are kept', () => {
  const spans = of(app, 'span');
  const byId = new Map(spans.map((span) => [span.args.span_id, span]));
  let [children, compared] = [0, 0];
  for (const child of spans) {
    const parent = byId.get(child.args.parent_span_id);
    if (parent?.end === undefined || child.end === undefined) continue;
    children++;
    expect(child.start).toBeGreaterThanOrEqual(parent.start);
    // The other side of a connection may end when its client's span has: that is then as it was. Instrumentations give the end of that
    // span, so that the order in which they say so does not tell.
    const isOtherSide = child.args.kind === 'server' && parent.args.kind === 'client';
    if (isOtherSide) continue;
    compared++;
    expect(child.end, child.name).toBeLessThanOrEqual(parent.end);
  }
  expect(children).toBeGreaterThan(205);
  expect(compared).toBeGreaterThan(195);
  const past = one(of(app, 'span', 'in the past'));
  expect((past.end! - past.start) / 1e6).toBeCloseTo(20, -1);
  const early = one(of(app, 'span', 'before the recording'));
  expect(early.args.before_recording_ms).toBeGreaterThan(3_590_000);
});

test('a span says all that it knows, made safe, beside what is ours', () => {
  const { args } = one(of(app, 'span', 'parent'));
  const linked = one(of(app, 'span', 'linked to')).args;
  expect(args).toMatchObject({
    kind: 'consumer',
    scope: 'app',
    scope_version: '1.2.3',
    status: 'error',
    status_message: 'went wrong',
    text: 'é',
    number: 0.5,
    list: ['a', 'b'],
    kind_: 'mine',
    parent_: 'mine too',
    nan: 'NaN',
    links: [{ trace_id: linked.trace_id, span_id: linked.span_id, why: 'test' }],
  });
  expect(String(args.long)).toMatch(/^x{4096}… \(20000 characters\)$/);
  const [seen, thrown] = args.events as Record<string, unknown>[];
  expect(seen).toMatchObject({ name: 'seen', 'a.b': 1 });
  expect(thrown).toMatchObject({ name: 'exception', 'exception.message': 'odd' });
});

test('arrows lead to a span from what it is linked to, and from its parent in another task', () => {
  const ends = (name: string): Slice[] => of(app, 'flow', name).sort((a, b) => a.start - b.start);
  const [from, to] = ends('span link');
  expect(from!.start).toBe(one(of(app, 'span', 'linked to')).start);
  expect(to!.start).toBeGreaterThan(one(of(app, 'span', 'parent')).start);
  expect(ends('span link')).toHaveLength(2);
  const tasks = ends('span child').map(({ args }) => args.task);
  expect(tasks).toContain(one(of(app, 'task', 'load')).args.task);
});

test('the request of a caller with a trace, its OpenTelemetry span and the tasks in it are in that trace', () => {
  const request = one(of(app, 'task', 'GET /orders/:id'));
  const span = one(of(app, 'span', 'GET /orders/:id'));
  expect(request.args).toMatchObject({
    trace_id: TRACE,
    parent_span_id: CALLER,
    span_id: span.args.span_id,
    status: 200,
  });
  const handler = of(app, 'span', 'request handler').find(
    ({ args }) => args.parent_span_id === span.args.span_id,
  )!;
  const load = one(of(app, 'task', 'load'));
  expect(load.args).toMatchObject({ trace_id: TRACE, parent_span_id: handler.args.span_id });
  expect(load.args.span_id).toMatch(/^[\da-f]{16}$/);
  const made = of(app, 'http');
  expect(made).toHaveLength(3);
  for (const { args } of made) expect(args.trace_id).toBe(TRACE);
  expect(one(of(app, 'span', 'get')).args).toMatchObject({ task: load.args.task, 'db.system.name': 'redis' });
  // Requests that carry what an instrumentation put there are tasks of the same trace.
  for (const { args } of of(app, 'task', 'GET /echo')) expect(args.trace_id).toBe(TRACE);
});

test('SDK 3: root spans are tasks, and what runs in them at any time belongs to them', () => {
  for (const name of ['job 1', 'job 2']) {
    const task = one(of(sdk3, 'task', name));
    const span = one(of(sdk3, 'span', name));
    expect(task.args.span_id).toBe(span.args.span_id);
    expect(span.args.task).toBe(task.args.task);
    const inside = sdk3.slices.filter(
      ({ args, category }) => args.task === task.args.task && category !== 'task',
    );
    expect(inside.map((slice) => slice.name).sort()).toEqual(['at once', 'in a part', name, 'part'].sort());
    expect(sdk3.instants.filter(({ args }) => args.task === task.args.task)).toHaveLength(1);
  }
  expect(one(of(sdk3, 'region', 'outside')).args.task).toBeUndefined();
});

test('requests made carry the trace of the task that makes them, unless somebody else has put one there', () => {
  const { inTrace, alone } = sdk3.printed as {
    inTrace: Record<string, Record<string, string>>;
    alone: Record<string, string>;
  };
  const request = of(sdk3, 'task', 'GET /ask').find(({ args }) => args.trace_id === TRACE)!;
  expect(request.args.parent_span_id).toBe(CALLER);
  const byPath = new Map(of(sdk3, 'http').map(({ args }) => [args.path, args]));
  for (const path of ['/node', '/fetch', '/undici']) {
    const made = byPath.get(path)!;
    expect(made).toMatchObject({ trace_id: TRACE, parent_span_id: request.args.span_id });
    expect(inTrace[path]).toEqual({ traceparent: `00-${TRACE}-${made.span_id}-01`, tracestate: 'a=1,b=2' });
  }
  expect(inTrace['/own']).toEqual({ traceparent: 'mine' });
  expect(inTrace['/late']).toEqual({ traceparent: 'theirs' });
  // Outside of all tasks each is a trace of its own.
  const made = byPath.get('/alone')!;
  expect(alone.traceparent).toBe(`00-${made.trace_id}-${made.span_id}-01`);
  expect(made.trace_id).not.toBe(TRACE);
  expect(made.parent_span_id).toBeUndefined();
});

test('a subtask in another thread is in the trace; a header that says nothing puts nothing into one', () => {
  const handed = one(of(sdk3, 'task', 'handed over')).args;
  const part = one(of(sdk3, 'task', 'part in a worker')).args;
  expect(part).toMatchObject({ trace_id: TRACE, parent: handed.task, parent_span_id: handed.span_id });
  const bad = of(sdk3, 'task', 'GET /bad');
  expect(bad).toHaveLength(3);
  for (const { args } of bad) expect(args.trace_id).toBeUndefined();
});
