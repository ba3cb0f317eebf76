/** `ttrace view` as a process: its line, its answers, its end. */
import { afterEach, expect, test } from 'vitest';
import { type Running, startTtrace, testdata } from './ttrace-process.ts';

let running: Running | undefined;
afterEach(async () => {
  running?.process.kill('SIGKILL');
  await running?.ended;
  running = undefined;
});

async function address(view: Running): Promise<string> {
  const line = (await view.said('\n')).split('\n')[0] ?? '';
  const url = /^Trace viewer is listening on (http:\/\/127\.0\.0\.1:\d+\/(?:timeline)?\?token=\S+)$/.exec(
    line,
  )?.[1];
  expect(url, line).toBeDefined();
  return url ?? '';
}

/** Opens an address as a browser does: the token becomes a cookie, with which the rest is asked for. */
async function enter(url: string): Promise<(path: string) => Promise<Response>> {
  const first = await fetch(url, { redirect: 'manual' });
  const cookie = first.headers.getSetCookie().map((text) => text.split(';', 1)[0]);
  return (path) => fetch(new URL(path, url), { headers: { cookie: cookie.join('; ') } });
}

async function visit(url: string): Promise<Response> {
  return (await enter(url))('/');
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  'the address is one line on stdout, it answers, and %s ends it',
  async (signal) => {
    running = startTtrace(['view', testdata('order.json'), '--no-open']);
    const url = await address(running);
    const page = await visit(url);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('order.json');
    running.process.kill(signal);
    expect(await running.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  },
);

test('a machine without a browser still shows the address', async () => {
  running = startTtrace(['view', testdata('order.json')], {
    env: { PATH: '/nonexistent', DISPLAY: '', BROWSER: '' },
  });
  const url = await address(running);
  expect((await visit(url)).status).toBe(200);
  running.process.kill('SIGINT');
  expect(await running.ended).toMatchObject({ code: 0, signal: null });
});

test('an address beyond this machine is served with a warning', async () => {
  running = startTtrace(['view', testdata('order.json'), '--no-open', '--host', '0.0.0.0']);
  await address(running);
  running.process.kill('SIGINT');
  expect((await running.ended).stderr).toMatch(/^ttrace: warning: 0\.0\.0\.0 lets other machines/);
});

test('a port that is taken is an error in one line', async () => {
  running = startTtrace(['view', testdata('order.json'), '--no-open']);
  const { port } = new URL(await address(running));
  const { code, stdout, stderr } = await startTtrace([
    'view',
    testdata('order.json'),
    '--no-open',
    '--port',
    port,
  ]).ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^ttrace: cannot start the viewer: .+\n$/);
});

test('a directory that holds no Perfetto UI is refused, whether given as option or in the environment', async () => {
  for (const [args, env] of [
    [['--perfetto-ui', testdata('')], {}],
    [[], { TTRACE_PERFETTO_UI: testdata('') }],
  ] as const) {
    const { code, stderr } = await startTtrace(['view', testdata('order.json'), '--no-open', ...args], {
      env,
    }).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ttrace: cannot start the viewer: .+\n$/);
  }
});

test('with --once it ends by itself, with exit code 0, when a page says that it shows the trace', async () => {
  running = startTtrace(['view', testdata('order.json'), '--no-open', '--once']);
  const url = await address(running);
  expect(new URL(url).pathname).toBe('/timeline');
  const get = await enter(url);
  expect(await (await get('/timeline')).text()).toContain('data-trace-url="/trace.pftrace"');
  expect((await (await get('/trace.pftrace')).arrayBuffer()).byteLength).toBeGreaterThan(100);
  expect((await get('/shown')).status).toBe(204);
  expect(await running.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
});

test('with --once it also ends for a reader that only reads the trace', async () => {
  running = startTtrace(['view', testdata('order.json'), '--no-open', '--once']);
  const get = await enter(await address(running));
  await get('/timeline');
  await (await get('/trace.pftrace')).arrayBuffer();
  expect(await running.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
});

test('with --once a trace with nothing to draw is shown by its page alone', async () => {
  running = startTtrace(['view', testdata('moment.json'), '--no-open', '--once']);
  const get = await enter(await address(running));
  expect(await (await get('/timeline')).text()).toContain('of one moment');
  expect(await running.ended).toMatchObject({ code: 0, signal: null });
});

test('with --once and --timeout it fails when nobody comes, and Ctrl-C ends it before as always', async () => {
  const outcome = await startTtrace([
    'view',
    testdata('order.json'),
    '--no-open',
    '--once',
    '--timeout',
    '0.3',
  ]).ended;
  expect(outcome).toMatchObject({ code: 1, stderr: 'ttrace: nobody loaded the trace within 0.3 s\n' });
  running = startTtrace(['view', testdata('order.json'), '--no-open', '--once', '--timeout', '600']);
  await address(running);
  running.process.kill('SIGINT');
  expect(await running.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
});
