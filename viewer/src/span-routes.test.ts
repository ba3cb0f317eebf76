/** Ids of OpenTelemetry in addresses: each leads to what has it, over a real socket. */
import { Category, TraceBuilder } from '@ttrace/format';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startViewer, type Viewer } from './start-viewer.ts';
import { MS } from './viewer-test-kit.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
let viewer: Viewer;

beforeAll(async () => {
  const builder = new TraceBuilder();
  const text = (value: string) => builder.strings.intern(value);
  const base = builder.relative(1_000_000, 0);
  const slice = (category: string, id: string, name: string, at: number, length: number, args: object) => {
    const track = builder.asyncTrack(1, category, id, name);
    builder.slice(track, text(name), text(category), base + at * MS, length * MS, text(JSON.stringify(args)));
  };
  const ids = (span: string, parent: string) => ({ trace_id: TRACE, span_id: span, parent_span_id: parent });
  slice(Category.task, '0x1', 'GET /', 0, 50, { task: 1, ...ids('00000000000000aa', '00000000000000ff') });
  slice(Category.span, '0x1', 'GET /', 1, 48, { task: 1, ...ids('00000000000000aa', '00000000000000ff') });
  slice(Category.span, '0x2', 'query', 10, 20, {
    task: 1,
    ...ids('00000000000000bb', '00000000000000aa'),
    links: [{ span_id: '00000000000000cc' }],
  });
  viewer = await startViewer({ trace: builder.finish('json', 1000), title: 'spans', fileName: 'spans.json' });
});
afterAll(() => viewer.close());

const get = (path: string) =>
  fetch(new URL(path, viewer.url), {
    headers: { cookie: `ttrace-${viewer.port}=${viewer.token}` },
    redirect: 'manual',
  });
const target = async (path: string): Promise<string | null> => (await get(path)).headers.get('location');

it('leads from a span to its stretch of the timeline, from one that is a task to that', async () => {
  for (const path of ['/?span=00000000000000bb', '/span/00000000000000bb', '/span/00000000000000BB']) {
    expect(await target(path)).toBe('/timeline?start=0.01&end=0.03');
  }
  expect(await target('/span/00000000000000aa')).toBe('/task?task=%231');
  // The caller is another service: what it called is here.
  expect(await target('/span/00000000000000ff')).toBe('/task?task=%231');
});

it('leads from a trace to all that is in it', async () => {
  const path = await target(`/?trace=${TRACE}`);
  expect(path).toBe(`/spans?attribute=trace_id%3D${TRACE}`);
  expect(await target(`/trace/${TRACE}`)).toBe(path);
  const html = await (await get(path!)).text();
  expect(html.match(/<tr/g)).toHaveLength(4);
  expect(html).toContain('href="/task?task=%231"');
  const task = await (await get('/task?task=%231')).text();
  expect(task).toContain(`Trace ${TRACE}, span 00000000000000aa`);
  expect(task).toContain(`href="${path}"`);
});

it('says what is not there, and passes the key on with the id', async () => {
  for (const path of ['/span/00000000000000cc', '/?span=%3Cscript%3E', '/?trace=17', '/trace/00']) {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    const html = await answer.text();
    expect(html).toMatch(/There is nothing with the (span|trace) id/);
    expect(html).not.toContain('<script>');
  }
  expect((await get('/')).status).toBe(200);
  const entered = await fetch(`${viewer.url}&span=00000000000000bb`, { redirect: 'manual' });
  expect(entered.headers.get('location')).toBe('/?span=00000000000000bb');
});
