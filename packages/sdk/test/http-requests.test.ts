/** Requests made, by node:http, node:https, undici and fetch: every one is there once, with its phases, in the task that makes it. */
import { expect, test } from 'vitest';
import { record, requests, tasks, UNDICI } from './http-program.ts';
import { NODE_MAJOR } from './program.ts';

test('requests by node:http belong to the task that makes them and show the phases of new connections', async () => {
  // The second half of a body is sent only when the first has come.
  const events = await record(`const begun = new Set();
    await listen(async (request, response) => {
      await sleep(5); response.write('a'); await until(() => begun.has(request.url)); await sleep(5); response.end('b');
    });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const local = (path) => new Promise((done) => http.get({ port, host: 'localhost', family: 4, path, agent }, (response) => {
      response.on('data', () => begun.add(path)).on('close', done);
    }));
    const task = trace.newTask('order');
    await task.run(() => Promise.all([local('/new'), local('/waits')]));
    task.end();
    await local('/kept');
    agent.destroy(); close();`);
  const [order] = tasks(events);
  expect(order?.name).toBe('order');
  const made = requests(events);
  expect(made.map(({ args }) => args.path)).toEqual(['/new', '/waits', '/kept']);
  for (const { name, args } of made) {
    expect(name).toMatch(/^GET localhost:\d+$/);
    expect(args.status).toBe(200);
    expect(Number(args.firstByteMs)).toBeGreaterThan(3);
    expect(Number(args.bodyMs)).toBeGreaterThan(1);
  }
  expect(made.map(({ args }) => args.task)).toEqual([order?.args.task, order?.args.task, undefined]);
  const phases = made.map(({ args }) => ['dnsMs', 'connectMs', 'tlsMs'].filter((name) => name in args));
  expect(phases).toEqual([['dnsMs', 'connectMs'], [], []]);
  // Node 20 tells of a request only once it has a connection.
  if (NODE_MAJOR >= 22) expect(Number(made[1]?.args.queueMs)).toBeGreaterThan(5);
});

test('requests by node:https show the TLS handshake', async () => {
  // A key that both sides know makes certificates needless.
  const events = await record(`import https from 'node:https';
    const key = { ciphers: 'PSK', maxVersion: 'TLSv1.2' };
    const psk = Buffer.from('0123456789abcdef');
    await listen(https.createServer({ ...key, pskCallback: () => psk }, (request, response) => response.end('ok')));
    await new Promise((done, fail) => https.get({ port, host: '127.0.0.1', path: '/safe', ...key, agent: false,
      pskCallback: () => ({ psk, identity: 'us' }), checkServerIdentity: () => {} },
      (response) => response.resume().on('close', done)).on('error', fail));
    close();`);
  const [made, ...others] = requests(events);
  expect(others).toEqual([]);
  expect(made?.args.status).toBe(200);
  expect(Number(made?.args.tlsMs)).toBeGreaterThan(0);
  expect(Number(made?.args.connectMs)).toBeGreaterThan(0);
  expect(tasks(events).map(({ name }) => name)).toEqual(['GET /safe']);
});

test('requests that fail or are given up end with what went wrong', async () => {
  const events = await record(`const come = new Set();
    await listen((request, response) => { come.add(request.url); if (request.url === '/half') response.write('x'); });
    const closed = await new Promise((done) => { const other = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = other.address(); other.close(() => done(port)); }); });
    await new Promise((done) => http.get({ port: closed, host: '127.0.0.1', path: '/refused' }).on('error', done));
    await new Promise((done) => { const request = http.get(base + '/given-up').on('error', () => {}).on('close', done); void until(() => come.has('/given-up')).then(() => request.destroy()); });
    await new Promise((done) => http.get(base + '/half', (response) => response.on('error', () => {}).on('data', () => response.destroy()).on('close', done)));
    await fetch('http://127.0.0.1:' + closed + '/fetch-refused').catch(() => {});
    const patience = new AbortController();
    void until(() => come.has('/fetch-given-up')).then(() => patience.abort(new DOMException('too late', 'TimeoutError')));
    await fetch(base + '/fetch-given-up', { signal: patience.signal }).catch(() => {});
    await sleep(20);
    close();`);
  const made = requests(events).map(({ end, args }) => [
    args.path,
    end !== undefined,
    args.error,
    args.aborted,
  ]);
  expect(made).toEqual([
    ['/refused', true, 'ECONNREFUSED', undefined],
    ['/given-up', true, 'ECONNRESET', undefined],
    ['/half', true, undefined, true],
    ['/fetch-refused', true, 'ECONNREFUSED', undefined],
    ['/fetch-given-up', true, 'TimeoutError', undefined],
  ]);
});

test('fetch and undici show each request once, with its phases, in the task that makes it', async () => {
  const events = await record(`${UNDICI}
    await listen(async (request, response) => { await sleep(3); response.write('a'); await sleep(3); response.end('b'); });
    const task = trace.newTask('order');
    await task.run(async () => {
      for (const path of ['/built-in?key=hush', '/again']) { await (await fetch(base + path)).text(); await sleep(10); }
    });
    task.end();
    await (await undici.fetch(base + '/package')).text();
    const { body } = await undici.request(base + '/request', { method: 'POST', body: 'x' });
    await body.text();
    const pool = new undici.Pool(base, { connections: 3, pipelining: 4 });
    await Promise.all(Array.from({ length: 40 }, async (_, i) => (await pool.request({ path: '/pool-' + i, method: 'GET' })).body.text()));
    await pool.close(); await undici.getGlobalDispatcher().close();
    close();`);
  const made = requests(events);
  expect(made.length).toBe(44);
  const [order, ...inServer] = tasks(events);
  expect(inServer.length).toBe(44);
  for (const { name, end, args } of made) {
    expect(name).toMatch(/^(GET|POST) 127\.0\.0\.1:\d+$/);
    expect(end).toBeDefined();
    expect(args.status).toBe(200);
    expect(Number(args.firstByteMs)).toBeGreaterThan(2);
    expect(Number(args.bodyMs)).toBeGreaterThan(0);
  }
  expect(made.slice(0, 3).map(({ args }) => args.task)).toEqual([
    order?.args.task,
    order?.args.task,
    undefined,
  ]);
  expect(made.slice(0, 2).map(({ args }) => 'connectMs' in args)).toEqual([true, false]);
  expect(made.filter(({ args }) => 'connectMs' in args).length).toBeLessThanOrEqual(6);
  expect(JSON.stringify(events)).not.toContain('hush');
});
