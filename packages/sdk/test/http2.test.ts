/** HTTP/2 streams served and made, on real servers and clients without TLS on 127.0.0.1. */
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { readEvents, runProgram, type TraceEvent } from './program.ts';
import { type Span, spansOf } from './spans.ts';

const FASTIFY = JSON.stringify(createRequire(import.meta.url).resolve('fastify'));
const [MAJOR, MINOR] = process.versions.node.split('.').map(Number) as [number, number];
const hasChannels = MAJOR > 24 || (MAJOR === 24 && MINOR >= 2) || (MAJOR === 22 && MINOR >= 17);

const KIT = `import http2 from 'node:http2'; import { once } from 'node:events';
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const listen = async (server) => { await new Promise((done) => server.listen(0, '127.0.0.1', done)); return 'http://127.0.0.1:' + server.address().port; };
  const ask = (client, headers) => new Promise((done) => {
    const stream = client.request(headers);
    let text = '', status = 'none';
    stream.on('response', (head) => { status = head[':status']; }).on('data', (piece) => { text += piece; });
    stream.on('error', (error) => { text += error.code; }).on('close', () => done(status + ' ' + text));
    stream.end();
  });
`;

async function record(source: string): Promise<{ events: TraceEvent[]; stdout: string }> {
  const outcome = await runProgram(KIT + source, { isHooked: true, env: { TTRACE_SOURCES: 'none,http' } });
  expect([outcome.stderr, outcome.code]).toEqual(['', 0]);
  return { events: readEvents(outcome.file), stdout: outcome.stdout };
}

const tasks = (events: readonly TraceEvent[]): Span[] => spansOf(events, 'task');
const requests = (events: readonly TraceEvent[]): Span[] => spansOf(events, 'http');

test.runIf(hasChannels)(
  'each stream is one task that its handler runs in, and one request of the client',
  async () => {
    const { events, stdout } = await record(
      `const server = http2.createServer(async (request, response) => {
      trace.withRegion('early', () => {});
      await sleep(5);
      trace.withRegion('late ' + request.url.split('?')[0], () => {});
      response.statusCode = request.url.startsWith('/missing') ? 404 : 200;
      response.end('hello');
    });
    const client = http2.connect(await listen(server));
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(client, { ':path': (i % 10 ? '/items/' + i : '/missing') + '?secret=1' })));
    console.log(answers.filter((text) => text === '200 hello').length, answers.filter((text) => text === '404 hello').length);
    client.close(); server.close();`,
    );
    expect(stdout).toBe('45 5\n');
    const served = tasks(events);
    const made = requests(events);
    for (const spans of [served, made]) {
      expect(spans).toHaveLength(50);
      expect(spans.filter(({ args }) => args.status === 200)).toHaveLength(45);
      expect(spans.filter(({ args }) => args.status === 404)).toHaveLength(5);
      expect(spans.every(({ end, args }) => end !== undefined && args.aborted === undefined)).toBe(true);
    }
    expect(served.filter(({ name }) => name === 'GET /items/:id')).toHaveLength(45);
    expect(served[0]!.args.url).toBe('/missing');
    expect(made[0]!.name).toMatch(/^GET 127\.0\.0\.1:\d+$/);
    expect(made[0]!.args.firstByteMs).toBeGreaterThan(0);
    const inside = events.filter(({ name }) => name?.startsWith('late') === true);
    expect(new Set(inside.map(({ args }) => args?.task)).size).toBe(50);
    for (const { name, args } of inside) {
      const task = served.find((span) => span.args.task === args!.task)!;
      expect(`late ${String(task.args.url)}`).toBe(name);
    }
  },
);

test.runIf(hasChannels)('streams of the core interface, pushed ones and those that break off', async () => {
  const { events, stdout } = await record(
    `const server = http2.createServer();
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      if (headers[':path'] === '/reset') return stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
      if (headers[':path'] === '/slow') return;
      stream.pushStream({ ':path': '/pushed' }, (error, pushed) => { pushed.on('error', () => {}); pushed.respond({ ':status': 200 }); pushed.end('pushed'); });
      stream.respond({ ':status': 201, 'content-length': 2 });
      stream.end('ok');
    });
    const client = http2.connect(await listen(server));
    client.on('stream', (pushed) => pushed.resume());
    console.log(await ask(client, { ':path': '/push', ':method': 'POST' }));
    console.log(await ask(client, { ':path': '/reset' }));
    const slow = client.request({ ':path': '/slow' });
    slow.on('error', () => {});
    await sleep(50);
    slow.close(http2.constants.NGHTTP2_CANCEL);
    await once(slow, 'close');
    await sleep(50);
    client.close(); server.close();`,
  );
  expect(stdout).toBe('201 ok\nnone ERR_HTTP2_STREAM_ERROR\n');
  const served = tasks(events);
  expect(served.map(({ name, args }) => [name, args.status, args.responseBytes, args.aborted])).toEqual([
    ['POST /push', 201, 2, undefined],
    ['GET /reset', undefined, undefined, true],
    ['GET /slow', undefined, undefined, true],
  ]);
  expect(served.every(({ end }) => end !== undefined)).toBe(true);
  const made = requests(events);
  expect(made.map(({ args }) => [args.path, args.status, args.error, args.aborted])).toEqual([
    ['/push', 201, undefined, undefined],
    ['/reset', undefined, 'reset 2', undefined],
    ['/slow', undefined, undefined, true],
  ]);
});

test.runIf(hasChannels)(
  'fastify tells its route, and a handler that throws is answered as ever',
  async () => {
    const { events, stdout } = await record(
      `import fastify from ${FASTIFY};
    const app = fastify({ http2: true });
    app.get('/users/:name', async (request) => 'hello ' + request.params.name);
    app.get('/bad', async () => { throw new RangeError('mine'); });
    await app.listen({ port: 0, host: '127.0.0.1' });
    const client = http2.connect('http://127.0.0.1:' + app.server.address().port);
    console.log(await ask(client, { ':path': '/users/ann' }));
    console.log((await ask(client, { ':path': '/bad' })).includes('mine'));
    client.close(); await app.close();`,
    );
    expect(stdout).toBe('200 hello ann\ntrue\n');
    expect(tasks(events).map(({ name, args }) => [name, args.status, args.route])).toEqual([
      ['GET /users/ann', 200, '/users/:name'],
      ['GET /bad', 500, '/bad'],
    ]);
  },
);

test('without the source nothing of it is there, and stop gives the channels back', async () => {
  const source = `import diagnostics from 'node:diagnostics_channel';
    const names = ['created', 'close', 'finish', 'error'].flatMap((name) => ['http2.server.stream.' + name, 'http2.client.stream.' + name]);
    const heard = () => names.filter((name) => diagnostics.hasSubscribers(name)).length;
    const counts = [heard()];
    for (const isOn of [true, false]) {
      await trace.start({ file: file + isOn, sources: { http: isOn } });
      counts.push(heard());
      const server = http2.createServer((request, response) => response.end('ok'));
      const client = http2.connect(await listen(server));
      await ask(client, { ':path': '/' });
      client.close(); server.close();
      await trace.stop();
      counts.push(heard());
    }
    console.log(counts.join());`;
  const outcome = await runProgram(KIT + source);
  expect([outcome.stderr, outcome.stdout]).toEqual(['', '0,6,0,0,0\n']);
  const without = readEvents(`${outcome.file}false`);
  expect(without.filter(({ cat }) => cat === 'task' || cat === 'http')).toEqual([]);
});
