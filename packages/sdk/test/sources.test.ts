/**
 * The runtime sources on real programs: what each shows, that it shows nothing when it is off, that everything is given back
 * at stop, and that programs behave the same with them.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  NODE_MAJOR,
  type Outcome,
  type ProgramOptions,
  readEvents,
  runProgram,
  type TraceEvent,
  temporaryDirectory,
} from './program.ts';

const run = (source: string, options?: ProgramOptions): Promise<Outcome> =>
  runProgram(`import worker_threads from 'node:worker_threads';\n${source}`, options);

const record = async (source: string, sources: string, files: Readonly<Record<string, string>> = {}) => {
  const outcome = await run(source, { isHooked: true, env: { TTRACE_SOURCES: sources }, files });
  expect(outcome.stderr).toBe('');
  expect(outcome.code).toBe(0);
  return { outcome, events: readEvents(outcome.file) };
};

const SPIN = 'function spin(ms) { const end = performance.now() + ms; while (performance.now() < end); }\n';
const SLEEP = 'const sleep = (ms) => new Promise((done) => setTimeout(done, ms));\n';

/**
 * A block whose stack is to be there lasts a second, and on a machine that has little to spare, where the collector takes longer
 * than that to start and to ask, until a look into the file finds its function: `do spin(1000); while (!isFound('name'));`
 */
const FOUND = `import { readFileSync } from 'node:fs';
  const isFound = (name) => readFileSync(file, 'utf8').includes('"' + name + ' (');\n`;

/** Begins of blocks, each with its duration in ms; `start` in microseconds. */
function blocks(
  events: readonly TraceEvent[],
): { name: string; start: number; millis: number; args: Record<string, unknown>; tid: number }[] {
  const open = new Map<string, TraceEvent>();
  const found = [];
  for (const event of events) {
    if (event.cat !== 'loop' || event.id2 === undefined) continue;
    const { local } = event.id2;
    if (event.ph === 'b') open.set(local, event);
    const begin = open.get(local);
    if (event.ph !== 'e' || begin?.args?.blocked !== true) continue;
    found.push({
      name: begin.name!,
      start: begin.ts,
      millis: (event.ts - begin.ts) / 1000,
      args: begin.args,
      tid: Number(local),
    });
  }
  return found;
}

type Interval = Pick<ReturnType<typeof blocks>[number], 'start' | 'millis'>;

/** How much of the time between two moments, in microseconds, this takes: 0 to 1. */
function overlap({ start, millis }: Interval, from: number, to: number): number {
  return Math.max(0, Math.min(start + millis * 1000, to) - Math.max(start, from)) / (to - from);
}

test('blocks of the main thread and of a worker have their length and the function that blocked', async () => {
  const { events } = await record(
    `${SPIN}${SLEEP}${FOUND}
    function blockMain() { do spin(1000); while (!isFound('blockMain')); }
    const worker = new worker_threads.Worker(\`const { parentPort, workerData: file } = require('node:worker_threads');
      const { readFileSync } = require('node:fs'); ${SPIN.trim()}
      function blockWorker() { do spin(1000); while (!readFileSync(file, 'utf8').includes('"blockWorker (')); }
      parentPort.once('message', () => setTimeout(() => { blockWorker(); setTimeout(() => parentPort.postMessage(1), 50); }, 50));\`,
      { eval: true, workerData: file });
    await sleep(200);
    trace.withRegion('outer', blockMain);
    await sleep(100);
    const answer = new Promise((done) => worker.once('message', done));
    worker.postMessage('go');
    await answer;
    await worker.terminate();`,
    'none,loop',
  );
  const found = blocks(events);
  const stackOf = (name: string) =>
    found.find(({ args }) => JSON.stringify(args.stack ?? '').includes(`"${name} (`));
  const main = stackOf('blockMain');
  const worker = stackOf('blockWorker');
  expect(main?.args.region).toBe('outer');
  expect(String(main?.args.location)).toMatch(/program\.mjs:\d+$/);
  for (const block of [main, worker]) expect(block!.millis).toBeGreaterThan(990);
  expect(worker!.tid).not.toBe(main!.tid);
});

// Elsewhere the loops go on showing themselves.
test.runIf(process.platform === 'linux')(
  'an idle loop does not wake by itself, and what blocks it then is found and named as ever',
  async () => {
    const { outcome, events } = await record(
      `import { execSync } from 'node:child_process'; import net from 'node:net';
    ${SPIN}${SLEEP}${FOUND}
    const wakes = () => Number(/^voluntary_ctxt_switches:\\s+(\\d+)/m.exec(readFileSync('/proc/self/task/' + process.pid + '/status', 'utf8'))[1]);
    const marks = [];
    async function block(name, fn) { marks.push([name, performance.now()]); fn(); marks.at(-1).push(performance.now()); }
    function computes() { do spin(1600); while (!isFound('computes')); }
    function startsChild() { execSync("sleep 1.6"); }
    function answers() { do spin(1600); while (!isFound('answers')); }
    await sleep(1200);
    // On a busy machine a turn may take so long that the loop shows itself for a while.
    const counts = [];
    for (let i = 0; i < 3; i++) { const before = wakes(); await sleep(1000); counts.push(wakes() - before); }
    console.log(Math.min(...counts));
    await block('computes', computes);
    await sleep(1500);
    await block('startsChild', startsChild);
    await sleep(1500);
    const server = net.createServer((socket) => { void block('answers', answers); socket.end(); }).listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    await sleep(1500);
    await new Promise((done) => net.connect(server.address().port, '127.0.0.1').resume().once('close', done));
    server.close();
    console.log(JSON.stringify(marks.map(([name, start, end]) => [name, end - start])));`,
      'none,loop',
    );
    const [wakes, marks] = outcome.stdout.trim().split('\n');
    // One that shows itself does so 100 times.
    expect(Number(wakes)).toBeLessThan(40);
    const found = blocks(events);
    for (const [name, millis] of JSON.parse(marks!) as [string, number][]) {
      const block = found.find(({ args }) => JSON.stringify(args.stack ?? '').includes(`"${name} (`));
      expect(block, name).toBeDefined();
      expect(block!.millis / millis, name).toBeGreaterThan(0.97);
      expect(block!.millis / millis, name).toBeLessThan(1.5);
    }
  },
);

test('stop does not wait for the answer of a blocked thread', async () => {
  const outcome = await run(
    `${SLEEP} await trace.start({ file, sources: { loop: true } });
    const worker = new worker_threads.Worker("require('node:crypto').pbkdf2Sync('a', 'b', 6e6, 32, 'sha256')", { eval: true });
    let isOver = false;
    worker.once('exit', () => { isOver = true; });
    await sleep(200);
    await trace.stop();
    console.log('stopped', isOver);
    await worker.terminate();`,
  );
  expect(outcome.stdout).toBe('stopped false\n');
});

test('a synchronous native call is named with the function that made it', async () => {
  const { events } = await record(
    `${SPIN}${SLEEP}${FOUND}import { execSync } from 'node:child_process';
    // In the call itself nobody answers: somebody must have been asked before, or the question comes too late.
    (function warmUp() { do spin(100); while (!isFound('warmUp')); })();
    await sleep(50);
    function deploy() { execSync('sleep 1'); }
    deploy();
    await sleep(50);`,
    'none,loop',
  );
  expect(blocks(events).map(({ name }) => name)).toContainEqual(
    expect.stringMatching(/^deploy program\.mjs:\d+ → execSync$/),
  );
});

test('places in compiled code are given as in its source', async () => {
  // vitest must not take the compiled file's comment for this one's. The map says: line 1, column 0 of the file is line 41, column 2 of original.ts.
  const map = JSON.stringify({ version: 3, sources: ['original.ts'], names: [], mappings: 'AAwCE' });
  const compiled = `module.exports = function compiledBlock(isFound) { do { const end = performance.now() + 1000; while (performance.now() < end); } while (!isFound('compiledBlock')); };
//# ${'sourceMappingURL'}=data:application/json;base64,${Buffer.from(map).toString('base64')}`;
  const { events } = await record(
    `${SLEEP}${FOUND}import block from './compiled.cjs'; await sleep(50); block(isFound); await sleep(50);`,
    'none,loop',
    { 'compiled.cjs': compiled },
  );
  const places = blocks(events).map(({ args }) => String(args.location));
  expect(places).toContainEqual(expect.stringMatching(/original\.ts:41$/));
});

test('a worker that waits on shared memory is parked, not blocked', async () => {
  const { events } = await record(
    `${SLEEP}
    const cell = new Int32Array(new SharedArrayBuffer(8));
    const { once } = await import('node:events');
    const worker = new worker_threads.Worker(\`const { workerData, parentPort } = require('node:worker_threads');
      parentPort.postMessage('soon');
      parentPort.postMessage(Atomics.wait(workerData, 0, 0));\`, { eval: true, workerData: cell });
    await once(worker, 'message');
    await sleep(300);
    Atomics.store(cell, 0, 1);
    Atomics.notify(cell, 0);
    const [said] = await once(worker, 'message');
    if (said !== 'ok') process.exit(9);
    await worker.terminate();`,
    'none,loop,waits',
  );
  const waits = events.filter(({ cat, ph }) => cat === 'wait' && (ph === 'X' || ph === 'B'));
  expect(waits.map(({ name }) => name)).toContain('Atomics.wait');
  expect(events.filter(({ name }) => name === 'Atomics.notify').map(({ args }) => args?.woken)).toEqual([1]);
  const { tid: worker, ts: from } = waits[0]!;
  const [notify] = events.filter(({ name }) => name === 'Atomics.notify');
  // It may have stood still before and after, on a machine with too few processors.
  const shareOf = ({ start, millis }: Interval): number => overlap({ start, millis }, from, notify!.ts);
  expect(blocks(events).filter((block) => block.tid === worker && shareOf(block) > 0.5)).toEqual([]);
});

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
    for (let i = 0; i < 5; i++) port1.postMessage(i);
    await sleep(30);
    process.once('uncaughtException', ({ message }) => said.push('uncaught ' + message));
    port2.once('message', () => { throw new Error('mine'); });
    port1.postMessage('throw');
    await sleep(30);
    port1.close();
    ${isTraced ? 'await trace.stop();' : ''}
    console.log(JSON.stringify(said));`;
  const plain = await run(source(false));
  const traced = await run(source(true));
  expect(traced.stderr).toBe(plain.stderr);
  expect(JSON.parse(traced.stdout)).toEqual(JSON.parse(plain.stdout));
});

test('where the inspector is not permitted, blocks are there without stacks, and the trace says so once', async () => {
  const permission = NODE_MAJOR < 22 ? '--experimental-permission' : '--permission';
  const outcome = await run(
    `${SPIN}${SLEEP} for (const millis of [100, 60]) { await sleep(50); trace.withRegion('spin', () => spin(millis)); } await sleep(50);`,
    {
      isHooked: true,
      flags: [permission, '--allow-fs-read=*', '--allow-fs-write=*', '--allow-worker'],
      env: { TTRACE_SOURCES: 'none,loop' },
    },
  );
  expect(outcome.code).toBe(0);
  const events = readEvents(outcome.file);
  const spins = events.filter(({ name }) => name === 'spin');
  expect(spins).toHaveLength(2);
  for (const { ts, dur } of spins) {
    const found = blocks(events).filter((block) => overlap(block, ts, ts + dur!) > 0.9);
    expect(found.map(({ name }) => name)).toEqual(['blocked']);
  }
  expect(events.filter(({ name }) => name === 'ttrace_no_stacks').length).toBe(1);
});

test('node --test, whose own process has no inspector, blocks its loop and ends as ever', async () => {
  const directory = temporaryDirectory();
  writeFileSync(
    join(directory, 'block.cjs'),
    'setTimeout(() => { const end = Date.now() + 1000; while (Date.now() < end); }, 20);',
  );
  const outcome = await runProgram("import { test } from 'node:test'; test('adds', () => {});", {
    directory,
    isHooked: true,
    env: { TTRACE_SOURCES: 'none,loop' },
    flags: ['--require', join(directory, 'block.cjs'), '--test'],
  });
  expect(outcome.stderr).toBe('');
  expect(outcome.code).toBe(0);
  const events = readEvents(outcome.file);
  expect(blocks(events).some(({ millis }) => millis > 350)).toBe(true);
  expect(events.find(({ name }) => name === 'ttrace_no_stacks')?.args?.reason).toContain('node --test');
});
