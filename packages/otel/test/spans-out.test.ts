/** Tasks and regions as spans of OpenTelemetry, in two threads, each with an SDK of its own. */
import { beforeAll, expect, test } from 'vitest';
import { type Recorded, recorded } from './recorded.ts';

interface Ids {
  readonly traceId: string;
  readonly spanId: string;
  readonly isRemote?: boolean;
}

interface Made {
  readonly name: string;
  readonly ids: Ids;
  readonly parent?: Ids;
  readonly kind: number;
  readonly startTime: [number, number];
  readonly endTime: [number, number];
  readonly status: { readonly code: number; readonly message?: string };
  readonly attributes: Record<string, unknown>;
  readonly links: { readonly context: Ids; readonly attributes: Record<string, unknown> }[];
  readonly scope: string;
}

interface Printed {
  readonly spans: readonly Made[];
  readonly facts: Record<string, unknown> & { readonly workerSpans: readonly Made[] };
}

let app: Recorded;
let printed: Printed;

beforeAll(async () => {
  app = await recorded('bridge-app.mjs');
  printed = app.printed as Printed;
});

const named = (name: string, spans: readonly Made[] = printed.spans): Made => {
  const found = spans.filter((span) => span.name === name);
  expect(found, name).toHaveLength(1);
  return found[0]!;
};
const parentOf = (name: string, spans?: readonly Made[]): string | undefined =>
  named(name, spans).parent?.spanId;
const idOf = (name: string): string => named(name).ids.spanId;
const nanos = ([seconds, rest]: [number, number]): bigint => BigInt(seconds) * 1_000_000_000n + BigInt(rest);

test('tasks and regions are spans within each other, within the active span, and around those of others', () => {
  expect(parentOf('order')).toBe(idOf('outer'));
  for (const name of ['parse', 'store', 'opened']) expect(parentOf(name), name).toBe(idOf('order'));
  expect(parentOf('scan')).toBe(idOf('parse'));
  expect(parentOf('query')).toBe(idOf('store'));
  expect(parentOf('subtask')).toBe(idOf('store'));
  expect(parentOf('in opened')).toBe(idOf('opened'));
  expect(parentOf('deeper')).toBe(idOf('in opened'));
  // A region that is never closed is nobody's parent.
  for (const name of ['outer', 'throws', 'rejects', 'sender', 'open at stop'])
    expect(parentOf(name), name).toBeUndefined();
  const own = printed.spans.filter(({ scope }) => scope === 'ttrace');
  expect(own.length).toBe(printed.spans.length - 2);
  expect(printed.spans.some(({ name }) => /(before|after) the bridge|never closed|no sdk/.test(name))).toBe(
    false,
  );
});

test('times are of one clock, to the nanosecond: no child of 400 begins before its parent or ends after it', () => {
  const byId = new Map(printed.spans.map((span) => [span.ids.spanId, span]));
  let children = 0;
  for (const { name, scope, parent, startTime, endTime } of printed.spans) {
    const around = byId.get(parent?.spanId ?? '');
    if (around === undefined || scope !== 'ttrace' || around.scope !== 'ttrace') continue;
    children++;
    expect(nanos(startTime), name).toBeGreaterThanOrEqual(nanos(around.startTime));
    expect(nanos(endTime), name).toBeLessThanOrEqual(nanos(around.endTime));
  }
  expect(children).toBeGreaterThan(400);
  const { startTime, endTime } = named('store');
  const region = app.slices.find(({ name }) => name === 'store')!;
  expect(Number(nanos(endTime) - nanos(startTime))).toBeGreaterThanOrEqual(2_000_000);
  expect(region.end! - region.start).toBeGreaterThanOrEqual(2_000_000);
});

test('attributes are made safe, what is thrown is the status', () => {
  expect(named('order').attributes).toEqual({
    id: 17,
    big: '1208925819614629174706176',
    huge: '1e+300',
    nan: 'NaN',
    deep: '{"a":[1]}',
    mixed: '[1,"a"]',
    list: ['a'],
  });
  expect(named('parse').attributes).toEqual({ rows: 3 });
  expect(named('throws').status).toEqual({ code: 2, message: 'odd' });
  expect(named('rejects').status).toEqual({ code: 2, message: 'later' });
  expect(named('store').status).toEqual({ code: 0 });
});

test('what begins in another thread has the sender as remote parent and as link', () => {
  const { workerSpans: spans } = printed.facts;
  const post = named('post').ids;
  for (const name of ['handle', 'arrow']) {
    const { parent, links } = named(name, spans);
    expect(parent).toMatchObject({ traceId: post.traceId, spanId: post.spanId, isRemote: true });
    expect(links[0]).toMatchObject({ context: { spanId: post.spanId, isRemote: true } });
  }
  expect(named('arrow', spans).links.map(({ attributes }) => attributes['ttrace.link'])).toEqual([
    'message',
    'flow',
  ]);
  expect(parentOf('within', spans)).toBe(named('handle', spans).ids.spanId);
  expect(named('within', spans).links).toEqual([]);
  const handed = named('handed over', spans);
  expect(handed.parent).toMatchObject({ spanId: idOf('sender'), isRemote: true });
  expect(handed.links).toMatchObject([{ context: { spanId: idOf('sender') } }]);
});

test('spans of tasks do not come back as slices, and tasks and regions in the trace have their ids', () => {
  const slices = app.slices.filter(({ category }) => category === 'span');
  expect(slices.map(({ name }) => name).sort()).toEqual(['in the worker', 'outer', 'query']);
  for (const name of ['order', 'subtask', 'sender', 'open at stop']) {
    const task = app.slices.find((slice) => slice.category === 'task' && slice.name === name)!;
    expect(task.args).toMatchObject({ span_id: idOf(name), trace_id: named(name).ids.traceId });
  }
  for (const name of ['parse', 'scan', 'store', 'opened', 'post']) {
    const region = app.slices.find((slice) => slice.category === 'region' && slice.name === name)!;
    expect(region.args).toMatchObject({ span_id: idOf(name), parent_span_id: parentOf(name) });
  }
  expect(app.slices.find(({ name }) => name === 'parse')?.args.rows).toBe(3);
});

test('the API is left as it was, a second bridge is refused, stopping twice is harmless', () => {
  expect(printed.facts).toMatchObject({
    value: 7,
    isApiUntouched: true,
    isApiUnchanged: true,
    isContextEmpty: true,
    secondStart: 'already-started',
    thrown: 'odd',
    rejected: 'later',
  });
});
