/** Waits for the other end of connections: real clients and servers on 127.0.0.1. */
import { expect, test } from 'vitest';
import { asyncSlices } from './async-slices.ts';
import { expectSameBehaviour } from './same-behaviour.ts';
import { record } from './source-program.ts';

/** A server that answers each line after as many milliseconds as stand in it, and a client that asks one line at a time. */
const KIT = `import net from 'node:net'; import { once } from 'node:events';
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', async (data) => {
      for (const line of String(data).trim().split('\\n')) {
        if (line === 'break') socket.destroy();
        else { await sleep(Number(line)); socket.write('ok ' + line + '\\n'); }
      }
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  const open = () => net.connect(port, '127.0.0.1').on('data', () => {}).on('error', () => {});
  const ask = async (socket, line) => { socket.write(line + '\\n'); return String(await once(socket, 'data')); };
`;

const waits = (file: string) =>
  asyncSlices(file)
    .filter(({ name }) => name.startsWith('socket '))
    .map(({ name, start, end, args }) => ({
      name,
      args,
      ms: end === undefined ? undefined : (end - start) / 1000,
    }));

test('what a task asks another process for is a wait of it, from the write to the answer', async () => {
  const { outcome } = await record(
    `${KIT}
    const socket = open();
    await trace.withTask('first', () => ask(socket, '60'));
    for (const ms of [40, 80]) await trace.withTask('next', async () => { await sleep(5); await ask(socket, String(ms)); });
    await sleep(30);
    socket.destroy(); server.close();`,
    'none,sockets',
  );
  const found = waits(outcome.file);
  const tasks = asyncSlices(outcome.file).filter(({ name }) => name === 'first' || name === 'next');
  expect(found.map(({ args }) => args)).toEqual(tasks.map(({ args }) => ({ task: args.task })));
  expect(new Set(found.map(({ name }) => name)).size).toBe(1);
  expect(found[0]!.name).toMatch(/^socket 127\.0\.0\.1:\d+$/);
  for (const [at, least] of [60, 40, 80].entries()) {
    expect(found[at]!.ms).toBeGreaterThan(least - 1);
    expect(found[at]!.ms).toBeLessThanOrEqual((tasks[at]!.end! - tasks[at]!.start) / 1000);
  }
});

test('a wait over TLS is one as well, also where a connection is made secure later', async () => {
  const { outcome } = await record(
    `import net from 'node:net'; import tls from 'node:tls'; import { once } from 'node:events';
    // A key that both know needs no certificate.
    const psk = Buffer.alloc(16, 7), ciphers = 'PSK', maxVersion = 'TLSv1.2';
    const options = { pskCallback: () => ({ psk, identity: 'x' }), ciphers, maxVersion, checkServerIdentity: () => undefined };
    const server = tls.createServer({ pskCallback: () => psk, ciphers, maxVersion }, (socket) =>
      socket.on('data', () => setTimeout(() => socket.write('ok'), 30)));
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address();
    const direct = tls.connect({ port, host: '127.0.0.1', ...options });
    const plain = net.connect(port, '127.0.0.1');
    await once(plain, 'connect');
    const later = tls.connect({ socket: plain, ...options });
    for (const socket of [direct, later]) {
      if (!socket.secureConnecting) console.log('early'); else await once(socket, 'secureConnect');
      socket.on('data', () => {});
      await trace.withTask('ask', async () => { socket.write('hello'); await once(socket, 'data'); });
      socket.destroy();
    }
    server.close();`,
    'none,sockets',
  );
  const tasks = asyncSlices(outcome.file).filter(({ name }) => name === 'ask');
  const found = waits(outcome.file);
  expect(found.map(({ args }) => args.task)).toEqual(tasks.map(({ args }) => args.task));
  for (const { name, ms } of found) {
    expect(name).toMatch(/^socket 127\.0\.0\.1:\d+$/);
    expect(ms).toBeGreaterThan(29);
  }
});

test('tasks that share a connection wait each for itself, and one that asks twice waits once', async () => {
  const { outcome } = await record(
    `${KIT}
    const socket = open();
    await ask(socket, '1');
    await Promise.all([1, 2, 3].map((i) => trace.withTask('task ' + i, async () => { socket.write('20\\n'); await ask(socket, '20'); })));
    socket.destroy(); server.close();`,
    'none,sockets',
  );
  const tasks = asyncSlices(outcome.file).filter(({ name }) => name.startsWith('task '));
  const [, ...found] = waits(outcome.file);
  expect(found.map(({ args }) => args.task)).toEqual(tasks.map(({ args }) => args.task));
});

test('a connection that breaks ends its waits, and one that does not answer any more has a wait without an end', async () => {
  const { outcome } = await record(
    `${KIT}
    const broken = open(), silent = open();
    await Promise.all([ask(broken, '1'), ask(silent, '1')]);
    broken.write('break\\n');
    silent.write('100000\\n');
    await once(broken, 'close');
    await sleep(20);
    process.exit();`,
    'none,sockets',
  );
  const found = waits(outcome.file);
  expect(found.map(({ args }) => args)).toContainEqual({ aborted: true });
  expect(found.filter(({ ms }) => ms === undefined)).toHaveLength(1);
  expect(found).toHaveLength(4);
});

test('to whom nobody ever answers nobody waits, and what is answered in one turn after the other is a wait each time', async () => {
  const { outcome } = await record(
    `${KIT}
    const log = net.connect(port, '127.0.0.1');
    await trace.withTask('logs', async () => { for (let i = 0; i < 5; i++) { log.write('100000\\n'); await sleep(5); } });
    const socket = open();
    await trace.withTask('asks', async () => { for (let i = 0; i < 5; i++) await ask(socket, '10'); });
    log.destroy(); socket.destroy(); server.close(); process.exit();`,
    'none,sockets',
  );
  const [logs, asks] = asyncSlices(outcome.file).filter(({ name }) => name === 'logs' || name === 'asks');
  expect(waits(outcome.file).map(({ args }) => args.task)).toEqual(Array(5).fill(asks!.args.task));
  for (const { ms } of waits(outcome.file)) expect(ms).toBeGreaterThan(8);
  expect(logs!.args.task).not.toBe(asks!.args.task);
});

test('a connection that an HTTP server was handed, as workers of a cluster are, is none of the process’s own', async () => {
  const { outcome } = await record(
    `${KIT}
    import http from 'node:http';
    const web = http.createServer();
    web.on('upgrade', (request, socket) => {
      socket.on('data', () => socket.write('ok')).on('error', () => {});
      socket.write('HTTP/1.1 101 Switching Protocols\\r\\nconnection: upgrade\\r\\nupgrade: x\\r\\n\\r\\n');
    });
    // As Node.js makes one of what comes from another process.
    const front = net.createServer({ pauseOnConnect: true }, ({ _handle: handle }) =>
      web.emit('connection', new net.Socket({ handle, readable: true, writable: true })));
    await new Promise((done) => front.listen(0, '127.0.0.1', done));
    const client = net.connect(front.address().port, '127.0.0.1').on('data', () => {});
    client.write('GET / HTTP/1.1\\r\\nhost: x\\r\\nconnection: upgrade\\r\\nupgrade: x\\r\\n\\r\\n');
    await once(client, 'data');
    for (let i = 0; i < 3; i++) { await sleep(10); await ask(client, 'x'); }
    process.exit();`,
    'none,sockets',
  );
  const found = waits(outcome.file);
  expect(found).toHaveLength(4);
  expect(new Set(found.map(({ name }) => name)).size).toBe(1);
});

test('an answer that comes while code runs ends a wait when the loop comes to it; what a socket says after its end stays as it is', async () => {
  const { outcome } = await record(
    `${KIT}
    const socket = open();
    await ask(socket, '1');
    for (let i = 0; i < 2; i++) {
      const answer = once(socket, 'data');
      socket.write('30\\n');
      const end = performance.now() + 80;
      while (performance.now() < end);
      await answer;
    }
    socket.destroy();
    await once(socket, 'close');
    console.log(socket.remoteAddress, socket.remotePort, Object.hasOwn(socket, '_peername'));
    server.close();`,
    'none,sockets',
  );
  const [, ...found] = waits(outcome.file);
  for (const { ms } of found) expect(ms).toBeGreaterThan(29);
  expect(found).toHaveLength(2);
  expect(outcome.stdout).toBe('undefined undefined false\n');
});

test('HTTP, servers and pipes of child processes are left alone, and who reads by hand loses nothing', async () => {
  const { outcome } = await record(
    `${KIT}
    import http from 'node:http'; import { spawn } from 'node:child_process';
    const web = http.createServer((request, response) => { request.resume(); response.end('hello'); });
    await new Promise((done) => web.listen(0, '127.0.0.1', done));
    const url = 'http://127.0.0.1:' + web.address().port;
    await (await fetch(url, { method: 'POST', body: 'x' })).text();
    await new Promise((done) => http.request(url, { method: 'POST' }, (response) => response.resume().on('end', done)).end('body'));
    const child = spawn(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)']);
    child.stdin.end('hello');
    child.stdout.resume();
    await once(child, 'close');
    // A listener that goes after the first bytes, and reading by hand then.
    const byHand = net.connect(port, '127.0.0.1');
    await new Promise((done) => byHand.on('data', function first(data) { byHand.write('30\\n'); byHand.off('data', first); byHand.pause(); done(); }).write('10\\n'));
    await once(byHand, 'readable');
    console.log(String(byHand.read()), byHand.listenerCount('data'), byHand.listenerCount('close'));
    byHand.destroy(); server.close(); web.close();`,
    'none,sockets',
  );
  expect(outcome.stdout).toBe('ok 30\n 0 0\n');
  const found = waits(outcome.file);
  expect(found).toHaveLength(2);
  expect(new Set(found.map(({ name }) => name)).size).toBe(1);
});

test('sockets do the same with it and without, and stop gives everything back', async () => {
  await expectSameBehaviour(
    `import net from 'node:net'; import { once } from 'node:events';
    const server = net.createServer((socket) => socket.pipe(socket));
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const socket = net.connect(server.address().port, '127.0.0.1');
    const log = [];
    console.log(socket.write('early', (error) => log.push('written ' + error)), socket.readableFlowing);
    await once(socket, 'connect');
    // Nobody listens for data yet: it must be there when somebody does.
    socket.write('more');
    await new Promise((done) => setTimeout(done, 50));
    console.log(socket.readableFlowing, socket.listenerCount('data'));
    let text = '';
    socket.on('data', function (data) { text += data; log.push(this === socket, new Error('here').stack.split('\\n').slice(1).map((line) => line.replace(/:\\d+:\\d+/, '')).join()); });
    socket.pause();
    socket.write('paused');
    await new Promise((done) => setTimeout(done, 50));
    console.log(text.length, socket.readableFlowing);
    socket.resume();
    while (text !== 'earlymorepaused') await once(socket, 'data');
    socket.write('corked');
    socket.cork(); socket.write('a'); socket.write(Buffer.from('b')); process.nextTick(() => socket.uncork());
    while (text !== 'earlymorepausedcorkedab') await once(socket, 'data');
    console.log(socket.write(Buffer.alloc(1e7)));
    await once(socket, 'drain');
    socket.end();
    await once(socket, 'close');
    try { socket.write(5); } catch (error) { console.log(error.code, error.stack.replace(/:\\d+:\\d+/g, '')); }
    socket.on('error', (error) => console.log(error.code));
    socket.write('late', (error) => log.push(error.code));
    await new Promise((done) => setTimeout(done, 20));
    console.log(log.join('\\n'), net.Socket.prototype._writeGeneric.name, net.Socket.prototype._writeGeneric.length);
    server.close();`,
    'none,sockets',
  );
  const { outcome } = await record(
    `import net from 'node:net';
    const own = Object.getOwnPropertyDescriptor(net.Socket.prototype, '_writeGeneric');
    await trace.stop();
    const back = Object.getOwnPropertyDescriptor(net.Socket.prototype, '_writeGeneric');
    await trace.start({ file: 'second.json', sources: { sockets: true } });
    console.log(own.value === back.value, back.value === net.Socket.prototype._writeGeneric);
    await trace.stop();
    console.log(back.value === net.Socket.prototype._writeGeneric);`,
    'none,sockets',
  );
  expect(outcome.stdout).toBe('false false\ntrue\n');
});
