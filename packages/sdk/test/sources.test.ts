import { expect, test } from 'vitest';
import { NODE_MAJOR } from './program.ts';
import { record, run, SLEEP, SPIN } from './source-program.ts';

test('garbage collections and memory are there', async () => {
  const { events } = await record(
    `${SLEEP} let keep = []; for (let i = 0; i < 2e6; i++) { keep.push({ i }); if (keep.length > 1e5) keep = []; } await sleep(50);`,
    'none,gc,memory',
  );
  expect(events.filter(({ cat }) => cat === 'gc').map(({ name }) => name)).toContain('GC minor');
  const counters = new Set(events.filter(({ ph }) => ph === 'C').map(({ name }) => name));
  for (const name of ['main heap used', 'main heap total', 'main external', 'main array buffers', 'RSS']) {
    expect(counters).toContain(name);
  }
});

test('every message has an arrow from where it was sent to where it was handled, through ports that are handed on too', async () => {
  const { events } = await record(
    `import { once } from 'node:events';
    const { port1, port2 } = new worker_threads.MessageChannel();
    const worker = new worker_threads.Worker(\`const { parentPort } = require('node:worker_threads');
      parentPort.on('message', ({ port, text }) => {
        if (port) port.on('message', (m) => port.postMessage(m + '!'));
        else { parentPort.postMessage(text); parentPort.close(); }
      });\`, { eval: true });
    port1.postMessage('before');
    worker.postMessage({ port: port2 }, [port2]);
    port1.postMessage('after');
    const heard = [];
    await new Promise((done) => port1.on('message', (m) => heard.push(m) === 2 && done()));
    try { worker.postMessage(() => {}); } catch (error) { heard.push(error.name); }
    worker.postMessage({ text: 'end' });
    heard.push((await once(worker, 'message'))[0]);
    console.log(heard.join());
    port1.close();
    // Its answer is written down only once it is sent: by then it has ended.
    await once(worker, 'exit');`,
    'none,messages',
  );
  const ends = (ph: string) =>
    events.filter((event) => event.ph === ph && event.cat === 'flow').map(({ id }) => id);
  const sent = events.filter(({ name }) => name === 'postMessage');
  expect(sent.length).toBe(7);
  expect(new Set(ends('s')).size).toBe(7);
  expect([...ends('f')].sort()).toEqual([...ends('s')].sort());
});

test('a request is a task with method, path, status and what runs in it', async () => {
  const { events, outcome } = await record(
    `import http from 'node:http'; ${SLEEP}
    const server = http.createServer(async (request, response) => {
      await sleep(2);
      trace.withRegion('work', { url: request.url }, () => {});
      response.statusCode = request.url === '/missing' ? 404 : 200;
      response.end('ok');
    }).listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    const base = 'http://127.0.0.1:' + server.address().port;
    await Promise.all(Array.from({ length: 40 }, async (_, i) => (await fetch(base + '/users/' + i + '?key=secret')).text()));
    await (await fetch(base + '/missing')).text();
    await new Promise((done) => http.get(base + '/plain', (response) => response.resume().once('close', done)));
    await new Promise((done) => http.get('http://127.0.0.1:1/').on('error', ({ code }) => console.log(code)).once('close', done));
    server.close(); server.closeAllConnections();`,
    'none,http',
  );
  expect(outcome.stdout).toBe('ECONNREFUSED\n');
  const tasks = events.filter(({ cat, ph }) => cat === 'task' && ph === 'b');
  expect(tasks.filter(({ name }) => name === 'GET /users/:id').length).toBe(40);
  const ends = events.filter(({ cat, ph }) => cat === 'task' && ph === 'e');
  expect(ends.length).toBe(42);
  expect(ends.filter(({ args }) => args?.status === 404).length).toBe(1);
  const urlOf = new Map(tasks.map(({ args }) => [args?.task, args?.url]));
  const regions = events.filter(({ name }) => name === 'work');
  expect(regions.length).toBe(42);
  for (const { args } of regions) expect(String(args?.url).replace(/\?.*/, '')).toBe(urlOf.get(args?.task));
  const requests = events.filter(({ cat, ph }) => cat === 'http' && ph === 'e');
  expect(requests.filter(({ args }) => args?.status === 200).length).toBe(41);
  expect(requests.map(({ args }) => args?.error)).toContain('ECONNREFUSED');
  expect(JSON.stringify(tasks)).not.toContain('secret');
});

test('workers and child processes live from start to exit', async () => {
  const { events } = await record(
    `import { spawn } from 'node:child_process'; import { once } from 'node:events';
    const worker = new worker_threads.Worker('process.exit(3)', { eval: true });
    await once(worker, 'exit');
    await once(spawn(process.execPath, ['-e', 'process.exit(4)']), 'exit');
    spawn('/no/such/program').on('error', () => {});
    await new Promise((done) => setTimeout(done, 50));`,
    'none,workers,processes',
  );
  const codes = (cat: string) =>
    events.filter((event) => event.cat === cat && event.ph === 'e').map(({ args }) => args?.exitCode);
  expect(codes('worker')).toEqual([3]);
  expect(codes('process')).toEqual([4, undefined]);
});

test.runIf(NODE_MAJOR >= 24)('Web Locks show how long they were waited for and held', async () => {
  const { events } = await record(
    `${SLEEP} const { locks } = worker_threads;
    await Promise.all([1, 2].map(() => locks.request('jobs', () => sleep(30))));
    await locks.request('jobs', { ifAvailable: true }, () => 1);`,
    'none,waits',
  );
  const opened = new Map<string, number>();
  const lengths: Record<string, number[]> = {};
  for (const { ph, name, id2, ts } of events) {
    if (ph === 'b' && name !== undefined) opened.set(id2!.local, ts);
    if (ph === 'e') {
      const begin = events.find((event) => event.ph === 'b' && event.id2?.local === id2!.local)!;
      lengths[begin.name!] = [...(lengths[begin.name!] ?? []), ts - opened.get(id2!.local)!];
    }
  }
  expect(lengths['lock jobs']?.length).toBe(3);
  expect(Math.max(...lengths['lock jobs wait']!)).toBeGreaterThan(20_000);
});

test('without sources nothing of the runtime is recorded, and nothing is patched', async () => {
  const source = `${SPIN}${SLEEP} import http from 'node:http';
    const look = () => [Atomics.wait, Atomics.notify, worker_threads.MessagePort.prototype.postMessage,
      worker_threads.MessageChannel, worker_threads.receiveMessageOnPort, globalThis.MessageChannel,
      worker_threads.MessagePort.prototype[Symbol.for('nodejs.internal.kHybridDispatch')],
      globalThis[Symbol.for('ttrace/probe')]];
    const before = look();
    const isSame = () => look().every((value, i) => value === before[i]);
    await trace.start({ file: file + '.none.json', sources: false });
    const during = isSame();
    spin(40); await sleep(20);
    const report = await trace.stop();
    await trace.start({ file: file + '.all.json', sources: true });
    const patched = look().filter((value, i) => value !== before[i]).length;
    await sleep(20);
    await trace.stop();
    console.log(JSON.stringify([during, report.events, patched, isSame()]));`;
  const { stdout, code } = await run(source);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual([true, 0, 8, true]);
});

test('workers stop their sources with the recording, and start them with the next', async () => {
  const { stdout, code } = await run(`${SLEEP} import { once } from 'node:events';
    await trace.start({ file: file + '.1.json', sources: true });
    const worker = new worker_threads.Worker(\`const { parentPort } = require('node:worker_threads');
      const own = () => String(Atomics.wait).includes('native code');
      parentPort.on('message', () => parentPort.postMessage(own()));\`, { eval: true });
    const isOwn = async () => { const answer = once(worker, 'message'); worker.postMessage(1); return (await answer)[0]; };
    // The worker hears of it a while after main.
    const becomes = async (expected) => { while ((await isOwn()) !== expected) await sleep(1); };
    console.log(await isOwn());
    await trace.stop(); await becomes(true);
    await trace.start({ file: file + '.2.json', sources: true }); await becomes(false);
    await trace.stop(); await becomes(true);
    await worker.terminate();`);
  expect([code, stdout]).toEqual([0, 'false\n']);
});

test('errors and results of what is patched reach the program as they are', async () => {
  const source = (isTraced: boolean) => `${SLEEP}
    ${isTraced ? 'await trace.start({ file, sources: true });' : ''}
    const cell = new Int32Array(new SharedArrayBuffer(8));
    const said = [];
    const attempt = (what) => { try { said.push(what()); } catch (error) { said.push(error.name + ': ' + error.message); } };
    attempt(() => Atomics.wait(cell, 0, 1));
    attempt(() => Atomics.wait(cell, 0, 0, 5));
    attempt(() => Atomics.wait(new Int32Array(2), 0, 0));
    attempt(() => Atomics.wait(cell, 99, 0));
    attempt(() => Atomics.notify(cell, 0));
    attempt(() => [Atomics.wait.name, Atomics.wait.length, Atomics.notify.length].join());
    const { port1, port2 } = new MessageChannel();
    attempt(() => port1.postMessage(Symbol('no')));
    attempt(() => port1.postMessage(port2, [port1]));
    attempt(() => port1.postMessage.length + port1.postMessage.name);
    attempt(() => String(port1 instanceof worker_threads.MessagePort));
    port2.on('message', (m) => said.push(m));
    const comes = async (what) => { while (!said.includes(what)) await sleep(1); };
    for (let i = 0; i < 5; i++) port1.postMessage(i);
    await comes(4);
    process.once('uncaughtException', ({ message }) => said.push('uncaught ' + message));
    port2.once('message', () => { throw new Error('mine'); });
    port1.postMessage('throw');
    await comes('uncaught mine');
    port1.close();
    ${isTraced ? 'await trace.stop();' : ''}
    console.log(JSON.stringify(said));`;
  const plain = await run(source(false));
  const traced = await run(source(true));
  expect(traced.stderr).toBe(plain.stderr);
  expect(JSON.parse(traced.stdout)).toEqual(JSON.parse(plain.stdout));
});

test('errors of messages, channels and workers have the stacks that they have without us', async () => {
  const source = (isTraced: boolean) => `${isTraced ? 'await trace.start({ file });' : ''}
    const { receiveMessageOnPort } = worker_threads;
    const { port1 } = new MessageChannel(); const broadcasts = new BroadcastChannel('own'); const said = [];
    // What called \`attempt\` differs.
    const attempt = (what) => { try { said.push(what()); } catch ({ stack }) { said.push(stack.replace(/ at attempt [^]*/, '').replace(/\\(?file:.*?\\)?$/gm, '')); } };
    attempt(() => port1.postMessage(Symbol('no')));
    attempt(() => port1.postMessage(port1, [port1]));
    attempt(() => port1.postMessage({ get own() { throw new RangeError('mine'); } }));
    attempt(() => MessagePort.prototype.postMessage.call({}, 1));
    attempt(() => receiveMessageOnPort(1));
    attempt(() => broadcasts.postMessage(Symbol('no')));
    attempt(() => new BroadcastChannel());
    attempt(() => new BroadcastChannel(Symbol('no')));
    attempt(() => new Worker('no.js'));
    attempt(() => new Worker('0', { eval: true, workerData: Symbol('no') }));
    attempt(() => new Worker('0', { eval: true, execArgv: ['--no'] }));
    port1.close(); broadcasts.close();
    ${isTraced ? 'await trace.stop();' : ''}
    console.log(JSON.stringify(said));`;
  const [plain, traced] = [await run(source(false)), await run(source(true))];
  expect(JSON.parse(plain.stdout)).toHaveLength(11);
  expect(JSON.parse(traced.stdout)).toEqual(JSON.parse(plain.stdout));
});
