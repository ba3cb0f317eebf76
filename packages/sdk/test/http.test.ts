/**
 * Requests served, on real servers of node:http, express and fastify on 127.0.0.1: every one is a task once, with its status and what ran
 * in it, and programs behave as without.
 */
import { expect, test } from 'vitest';
import { bothOutputs, EXPRESS, FASTIFY, KIT, record, requests, tasks, UNDICI } from './http-program.ts';
import { readEvents, runProgram, type TraceEvent } from './program.ts';

/** Each task's url, status and the number that the region inside it was given. */
function served(events: readonly TraceEvent[]): [url: unknown, status: unknown, inside: unknown[]][] {
  const inside = new Map<unknown, unknown[]>();
  for (const { name, args } of events) {
    if (name === 'work') inside.set(args?.task, [...(inside.get(args?.task) ?? []), args?.number]);
  }
  return tasks(events).map(({ args }) => [args.url, args.status, inside.get(args.task) ?? []]);
}

/** Answers `/n` with status 200 + n % 3 after a while, with a region inside. */
const NUMBERED = `async (request, response) => {
    const number = Number(request.url.slice(1).split('?')[0]);
    if (request.method === 'POST') for await (const piece of request) void piece;
    await sleep(number % 7);
    trace.withRegion('work', { number }, () => {});
    await 1;
    response.statusCode = 200 + number % 3;
    response.end('answer');
  }`;
const numbered = (count: number): unknown[] =>
  Array.from({ length: count }, (_, number) => [`/${number}`, 200 + (number % 3), [number]]);
const byNumber = (list: readonly [unknown, unknown, unknown[]][]): unknown[] =>
  [...list].sort((a, b) => Number(String(a[0]).slice(1)) - Number(String(b[0]).slice(1)));

test('each of 500 requests at once on kept connections is one task, with its status and its own region', async () => {
  const events = await record(`await listen(${NUMBERED});
    const agent = new http.Agent({ keepAlive: true, maxSockets: 40 });
    await Promise.all(Array.from({ length: 500 }, (_, i) => new Promise((done, fail) => {
      const request = http.request(base + '/' + i, { agent, method: i % 2 ? 'POST' : 'GET' }, (response) => response.resume().on('end', done));
      request.on('error', fail).end(i % 2 ? 'body' : undefined);
    })));
    agent.destroy(); close();`);
  expect(byNumber(served(events))).toEqual(numbered(500));
  for (const { args } of tasks(events)) expect(args.parent).toBeUndefined();
  const made = requests(events);
  expect(made.length).toBe(500);
  for (const { args } of made) expect(args.status).toBe(200 + (Number(String(args.path).slice(1)) % 3));
});

test('pipelined requests are tasks of their own, which end in their order', async () => {
  const events = await record(`await listen(${NUMBERED});
    const socket = net.connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (piece) => { text += piece; });
    socket.write(Array.from({ length: 30 }, (_, i) => 'GET /' + i + ' HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n').join(''));
    await until(() => text.split('answer').length === 31);
    socket.destroy(); close();`);
  expect(served(events)).toEqual(numbered(30));
  const ends = tasks(events).map(({ end }) => end ?? 0);
  expect(ends).toEqual([...ends].sort((a, b) => a - b));
});

test('requests whose connection breaks end once, as aborted, with the status that was sent', async () => {
  const events = await record(`let open = 0;
    await listen((request, response) => {
      open++;
      if (request.url === '/head') { response.writeHead(201); response.write('x'); }
      if (request.url === '/destroyed') response.destroy();
      if (request.url === '/late') request.resume().on('end', () => {}); 
      response.on('close', () => setTimeout(() => response.end(), 5));
    });
    const socket = net.connect(port, '127.0.0.1').on('error', () => {});
    socket.write('GET /head HTTP/1.1\\r\\nhost: x\\r\\n\\r\\nGET /queued HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n');
    const second = net.connect(port, '127.0.0.1').on('error', () => {});
    second.write('POST /late HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: 2\\r\\n\\r\\nab');
    await until(() => open === 3);
    socket.destroy(); second.resetAndDestroy();
    await get('/destroyed').catch(() => {});
    await sleep(30);
    close();`);
  const ended = tasks(events).map(({ name, end, args: { status, aborted } }) => [
    name,
    end !== undefined,
    status,
    aborted,
  ]);
  expect(ended.sort()).toEqual([
    ['GET /destroyed', true, undefined, true],
    ['GET /head', true, 201, true],
    ['GET /queued', true, undefined, true],
    ['POST /late', true, undefined, true],
  ]);
  // One end each: spansOf throws at a second one.
  expect(events.filter(({ cat, ph }) => cat === 'task' && ph === 'e').length).toBe(4);
});

test('paths with ids share a name, and neither queries nor passwords are recorded', async () => {
  const paths = {
    '/users/17/orders/4?token=hush': 'GET /users/:id/orders/:id',
    '/f/123e4567-e89b-12d3-a456-426614174000': 'GET /f/:id',
    '/h/0123456789abcdef0123': 'GET /h/:id',
    '/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9': 'GET /t/:id',
    '/img/17.png': 'GET /img/:id.png',
    '/v2/about-2024': 'GET /v2/about-2024',
    '/': 'GET /',
    'http://user:hush@proxied.example/a/1': 'GET /a/:id',
  };
  const events = await record(`await listen((request, response) => response.end());
    for (const path of ${JSON.stringify(Object.keys(paths))}) {
      const socket = net.connect(port, '127.0.0.1');
      socket.write('GET ' + path + ' HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n');
      await once(socket, 'data');
      socket.destroy();
    }
    await get('/made?key=hush');
    close();`);
  expect(tasks(events).map(({ name }) => name)).toEqual([...Object.values(paths), 'GET /made']);
  expect(JSON.stringify(events)).not.toContain('hush');
});

test('a flood of names leaves room for those of the program', async () => {
  const events = await record(`await listen((request, response) => response.end());
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
    await Promise.all(Array.from({ length: 8 }, async (_, n) => {
      for (let i = 0; i < 100; i++) await get('/page-' + n + '-' + i, { agent });
    }));
    agent.destroy(); close();`);
  const names = new Set(tasks(events).map(({ name }) => name));
  expect(names.size).toBe(401);
  expect(names).toContain('GET (other)');
});

test('the end of a task has the route that express matched, and the length of the body', async () => {
  const events = await record(`${EXPRESS}
    const app = express();
    const router = express.Router();
    router.get('/items/:item', async (request, response) => { await sleep(1); trace.withRegion('work', { number: 1 }, () => {}); response.send('four'); });
    app.use('/shop', router);
    await listen(http.createServer(app));
    console.log(await get('/shop/items/socks'), (await get('/nowhere')).slice(0, 3));
    close();`);
  const [found, missing] = tasks(events);
  expect(found?.name).toBe('GET /shop/items/socks');
  expect(found?.args).toMatchObject({ status: 200, route: '/shop/items/:item', responseBytes: 4 });
  expect(missing?.args.status).toBe(404);
  expect(missing?.args.route).toBeUndefined();
  expect(served(events)[0]?.[2]).toEqual([1]);
});

test('the end of a task has the route that fastify matched', async () => {
  const events = await record(`${FASTIFY}
    const app = fastify();
    app.get('/items/:item', async () => { await sleep(1); trace.withRegion('work', { number: 1 }, () => {}); return { ok: true }; });
    app.get('/fails', async () => { throw new Error('no'); });
    await app.listen({ port: 0, host: '127.0.0.1' });
    base = 'http://127.0.0.1:' + app.server.address().port;
    console.log(await get('/items/socks'), await get('/fails'), await get('/nowhere'));
    app.server.closeAllConnections(); await app.close();`);
  expect(tasks(events).map(({ args }) => [args.status, args.route])).toEqual([
    [200, '/items/:item'],
    [500, '/fails'],
    [404, undefined],
  ]);
  expect(served(events)[0]?.[2]).toEqual([1]);
});

test('an upgraded connection is no request without an end', async () => {
  const events = await record(`${UNDICI}
    await listen((request, response) => response.end());
    server.on('upgrade', (request, socket) => { socket.write('HTTP/1.1 101 Switching Protocols\\r\\nconnection: upgrade\\r\\nupgrade: chat\\r\\n\\r\\n'); socket.on('error', () => {}).resume(); });
    const headers = { connection: 'upgrade', upgrade: 'chat' };
    const [response, socket] = await once(http.get(base + '/node', { headers }), 'upgrade');
    socket.destroy();
    const upgraded = await undici.upgrade(base + '/undici', { protocol: 'chat' });
    upgraded.socket.destroy();
    await sleep(10);
    close();`);
  expect(
    requests(events).map(({ end, args }) => [args.path, end !== undefined, args.status, args.aborted]),
  ).toEqual([['/node', true, 101, undefined]]);
  expect(tasks(events)).toEqual([]);
});

test('only requests that begin and end while recording have begins and ends', async () => {
  const { file, stdout, code } = await runProgram(`${KIT}
    const held = [];
    await listen((request, response) => { held.push(response); });
    const before = get('/before'); await until(() => held.length === 1);
    const fetched = fetch(base + '/before-fetch'); await until(() => held.length === 2);
    await onHttp(file);
    const during = [get('/during'), fetch(base + '/during-fetch')]; await until(() => held.length === 4);
    for (const response of held.splice(0, 2)) response.end('ok');
    await Promise.all([before, fetched]); await sleep(20);
    await trace.stop();
    for (const response of held) response.end('ok');
    await Promise.all(during); await sleep(20);
    console.log('done');
    close();`);
  expect([stdout, code]).toEqual(['done\n', 0]);
  const events = readEvents(file);
  const paths = [...tasks(events), ...requests(events)].map(({ end, args }) => [args.url ?? args.path, end]);
  expect(paths.sort()).toEqual([
    ['/during', undefined],
    ['/during', undefined],
    ['/during-fetch', undefined],
    ['/during-fetch', undefined],
  ]);
});

test('stop leaves no subscription and no listener behind, and off there are none', async () => {
  const { stdout, stderr } = await runProgram(`${KIT}
    const names = ['http.server.request.start', 'http.server.response.finish', 'http.client.request.created', 'http.client.request.start',
      'http.client.request.error', 'http.client.response.finish', 'tracing:fastify.request.handler:start', 'undici:request:create',
      'undici:request:headers', 'undici:request:trailers', 'undici:request:error', 'undici:client:beforeConnect',
      'undici:client:connected', 'undici:client:connectError', 'undici:client:sendHeaders'];
    const subscribed = () => names.filter((name) => diagnostics.hasSubscribers(name)).length;
    let responses = [];
    const sockets = [];
    await listen((request, response) => { responses.push(response); });
    server.on('connection', (socket) => sockets.push(socket));
    const counts = (emitters) => emitters.map((emitter) => emitter.eventNames().map((name) => String(name) + emitter.listenerCount(name)).sort().join());
    // Left open on purpose, also one that never connects.
    const ask = async () => {
      const count = responses.length;
      const request = http.get(base + '/').on('error', () => {});
      const lost = http.get('http://127.0.0.1:' + port, { createConnection: () => new net.Socket() }).on('error', () => {});
      await until(() => responses.length === count + 1);
      return [request, lost];
    };
    const seen = [subscribed()];
    const plain = await ask();
    const plainSocket = sockets.at(-1);
    await onHttp(file);
    seen.push(subscribed() > 0);
    const traced = await ask();
    seen.push(counts([responses.at(-1)])[0] === counts([responses.at(-2)])[0]);
    await trace.stop();
    const same = [counts(traced), counts([sockets.at(-1)]), counts([responses[1]])];
    const expected = [counts(plain), counts([plainSocket]), counts([responses[0]])];
    seen.push(subscribed(), JSON.stringify(same) === JSON.stringify(expected) || [same, expected]);
    console.log(JSON.stringify(seen));
    for (const request of [...plain, ...traced]) request.destroy();
    close(); process.exit();`);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([0, true, true, 0, true]);
});

test('without the source nothing of HTTP is recorded', async () => {
  const events = await record(
    'await listen((request, response) => response.end()); await get("/a"); await (await fetch(base)).text(); close();',
    { env: { TTRACE_SOURCES: 'none,gc' } },
  );
  expect(events.filter(({ cat }) => cat === 'task' || cat === 'http')).toEqual([]);
});

test('programs see the same listeners, events and errors, and no warning of listeners too many', async () => {
  const [without, with_] = await bothOutputs(`
    const said = [];
    await listen((request, response) => {
      for (let i = 0; i < 8; i++) response.on('close', () => {}).on('finish', () => {});
      for (let i = 0; i < 9; i++) request.on('close', () => {});
      said.push(['close', 'finish', 'error'].map((name) => response.listenerCount(name) + ' ' + request.listenerCount(name)).join());
      said.push(Object.getOwnPropertyNames(response).length, Object.getOwnPropertySymbols(request).length, request.socket.listenerCount('error'));
      for (const [name, emitter] of Object.entries({ request, response }))
        for (const event of ['finish', 'end', 'close', 'aborted', 'error']) emitter.on(event, () => said.push(request.url + ' ' + name + ' ' + event));
      if (request.url === '/throws') throw new Error('mine');
      if (request.url === '/cut') { response.write('x'); response.socket.destroySoon(); return; }
      request.resume();
      response.end('answer ' + request.url);
    });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (const path of ['/a', '/b?c', '/d']) said.push(await get(path, { agent }));
    process.once('uncaughtException', (error) => said.push(error.message, error.stack.includes('http-server.js')));
    const thrown = http.get(base + '/throws', { agent }).on('error', ({ code }) => said.push(code));
    await until(() => said.includes('mine')); await sleep(30); thrown.destroy(); await sleep(10);
    await get('/cut').catch(({ code }) => said.push(code));
    await sleep(10);
    try { http.get({ path: 'with space' }); } catch ({ code }) { said.push(code); }
    await fetch('http://127.0.0.1:1/').catch(({ cause }) => said.push(cause.message));
    console.log(JSON.stringify(said));
    agent.destroy(); close();`);
  expect(without).toContain('"mine",false');
  expect(with_).toBe(without);
});

test('an error of a request that nobody handles ends the program as without', async () => {
  for (const isTraced of [false, true]) {
    const { code, stderr } = await runProgram(`${KIT}
      ${isTraced ? 'await onHttp(file);' : ''}
      const other = net.createServer().listen(0, '127.0.0.1', () => {
        const { port } = other.address(); other.close(() => http.get({ port, host: '127.0.0.1' })); });
      setTimeout(() => {}, 3000);`);
    expect(code).toBe(1);
    expect(stderr).toContain('ECONNREFUSED');
    expect(stderr).toContain("Emitted 'error' event on ClientRequest instance");
  }
});

test('anything may be published on the channels', async () => {
  const events = await record(`
    for (const name of ['http.server.request.start', 'http.server.response.finish', 'http.client.request.created', 'http.client.request.start',
      'http.client.response.finish', 'undici:request:create', 'undici:client:connected', 'tracing:fastify.request.handler:start']) {
      for (const message of [undefined, {}, { request: null }, { request: {} }, 7]) diagnostics.channel(name).publish(message);
    }
    await sleep(5);`);
  expect(requests(events).filter(({ end }) => end !== undefined)).toEqual([]);
});
