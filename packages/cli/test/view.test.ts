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
  const url = /^Trace viewer is listening on (http:\/\/127\.0\.0\.1:\d+\/\?token=\S+)$/.exec(line)?.[1];
  expect(url, line).toBeDefined();
  return url ?? '';
}

/** Opens an address as a browser does: the token becomes a cookie. */
async function visit(url: string): Promise<Response> {
  const first = await fetch(url, { redirect: 'manual' });
  const cookie = first.headers.getSetCookie().map((text) => text.split(';', 1)[0]);
  if (first.status === 200) return first;
  return fetch(new URL(first.headers.get('location') ?? '', url), { headers: { cookie: cookie.join('; ') } });
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
