/** Operations of the thread pool on real programs, and that whoever calls for them cannot tell. */
import { expect, test } from 'vitest';
import { NODE_MAJOR, readEvents, runProgram } from './program.ts';
import { expectSameBehaviour } from './same-behaviour.ts';
import { type Span, spansOf } from './spans.ts';

const IMPORTS = `import fs from 'node:fs'; import fsp from 'node:fs/promises'; import crypto from 'node:crypto'; import zlib from 'node:zlib';
  import dns from 'node:dns'; import { promisify } from 'node:util'; import { once } from 'node:events';
  import { readFile, stat as importedStat } from 'node:fs'; import { writeFile as importedWrite } from 'node:fs/promises';\n`;

const operations = (file: string): Span[] => spansOf(readEvents(file), 'pool');
const namesOf = (spans: readonly Span[]): string[] => spans.map(({ name }) => name);

test('operations of every kind go from call to callback, with path, host, bytes or error', async () => {
  const outcome = await expectSameBehaviour(
    `${IMPORTS}await promisify(fs.stat)('program.mjs');
    await new Promise((done) => fs.readFile('missing.txt', done));
    await fsp.readFile('program.mjs');
    await promisify(crypto.pbkdf2)('secret', 'salt', 1000, 32, 'sha256');
    await promisify(crypto.randomBytes)(16); crypto.randomBytes(16);
    await crypto.subtle.digest('SHA-256', Buffer.from('text'));
    const packed = await promisify(zlib.gzip)('x'.repeat(10_000));
    console.log(String(await promisify(zlib.gunzip)(packed)).length, packed.length);
    await dns.promises.lookup('localhost'); await dns.promises.lookup('127.0.0.1');`,
    'none,pool',
  );
  const found = operations(outcome.file);
  expect(namesOf(found)).toEqual(
    expect.arrayContaining([
      'fs.stat',
      'fs.readFile',
      'fs.promises.readFile',
      'crypto.pbkdf2',
      'crypto.subtle.digest',
      'zlib.Gzip',
      'zlib.Gunzip',
    ]),
  );
  const one = (name: string): Span[] => found.filter((span) => span.name === name);
  expect(one('fs.stat')[0]!.args).toEqual({
    path: 'program.mjs',
    ahead: 0,
    queued_ms: 0,
    run_ms: expect.any(Number),
  });
  expect(one('fs.readFile')[0]!.args).toMatchObject({ path: 'missing.txt', error: 'ENOENT' });
  expect(one('zlib.Gzip')[0]!.args.bytes).toBe(10_000);
  // Without a callback bytes are made at once, and an address is no name.
  expect(one('crypto.randomBytes')).toHaveLength(1);
  expect(one('dns.promises.lookup').map(({ args }) => args.host)).toEqual(['localhost']);
  for (const { start, end } of found) expect(end).toBeGreaterThan(start);
  expect(JSON.stringify(found)).not.toContain('secret');
});

test('what waits behind others says how many there are, and comes back after them', async () => {
  const outcome = await runProgram(
    `${IMPORTS}await trace.start({ file, sources: { pool: true } });
    const work = () => promisify(crypto.pbkdf2)('a', 'b', 60_000, 32, 'sha256');
    await Promise.all([work(), work(), work(), fsp.stat(file)]);
    await trace.stop();`,
    { env: { UV_THREADPOOL_SIZE: '1' } },
  );
  const found = operations(outcome.file).sort((a, b) => a.start - b.start);
  expect(namesOf(found)).toEqual(['crypto.pbkdf2', 'crypto.pbkdf2', 'crypto.pbkdf2', 'fs.promises.stat']);
  expect(found.map(({ args }) => args.ahead)).toEqual([0, 1, 2, 3]);
  const ends = found.map(({ end }) => end!);
  expect(ends).toEqual([...ends].sort((a, b) => a - b));
  // All were called before the first came back.
  expect(Math.max(...found.map(({ start }) => start))).toBeLessThan(ends[0]!);
});

/** Milliseconds that each of these operations stood in the queue. */
const queued = (spans: readonly Span[]): number[] => spans.map(({ args }) => Number(args.queued_ms));
/** Milliseconds from the call of one to the callback of another. */
const between = (from: Span, to: Span): number => (to.end! - from.start) / 1e3;

test('what stands in the queue says how long, and how long it ran', async () => {
  const outcome = await runProgram(
    `${IMPORTS}await trace.start({ file, sources: { pool: true } });
    const work = () => promisify(crypto.pbkdf2)('a', 'b', 60_000, 32, 'sha256');
    await Promise.all(Array.from({ length: 7 }, work));
    await trace.stop();`,
    { env: { UV_THREADPOOL_SIZE: '2' } },
  );
  const found = operations(outcome.file).sort((a, b) => a.start - b.start);
  expect(queued(found).slice(0, 2)).toEqual([0, 0]);
  const byEnd = [...found].sort((a, b) => a.end! - b.end!);
  found.slice(2).forEach((span, i) => {
    expect(queued([span])[0]).toBeCloseTo(between(span, byEnd[i]!), 1);
  });
  for (const span of found) {
    const whole = Number(span.args.queued_ms) + Number(span.args.run_ms);
    expect(whole).toBeCloseTo(between(span, span), 1);
    expect(span.args.run_ms).toBeGreaterThan(0);
  }
});

test('all threads stand in one queue, also with an environment of their own; what a terminated one leaves behind is not counted', async () => {
  const outcome = await runProgram(
    `${IMPORTS}import { execFileSync } from 'node:child_process';
    await trace.start({ file, sources: { pool: true } });
    // Opened for reading a pipe has the pool's only thread until somebody opens it for writing.
    execFileSync('mkfifo', ['pipe']);
    const own = fsp.open('pipe');
    const worker = new Worker("require('node:fs').stat('.', () => process.exit()); require('node:worker_threads').parentPort.postMessage(0)", { eval: true, env: {} });
    await once(worker, 'message');
    const ended = once(worker, 'exit');
    await new Promise((done) => setTimeout(done, 100));
    fs.closeSync(fs.openSync('pipe', 'r+'));
    await (await own).close();
    await ended;
    const killed = new Worker("require('node:crypto').pbkdf2('a', 'b', 300_000, 32, 'sha256', () => {}); require('node:crypto').pbkdf2('a', 'b', 1e7, 32, 'sha256', () => {}); require('node:worker_threads').parentPort.postMessage(0)", { eval: true });
    await once(killed, 'message');
    await killed.terminate();
    await new Promise((done) => setTimeout(done, 200));
    await fsp.stat('.');
    await trace.stop();`,
    { env: { UV_THREADPOOL_SIZE: '1' } },
  );
  const found = operations(outcome.file);
  const [own] = found.filter(({ name }) => name === 'fs.promises.open');
  const [stat] = found.filter(({ name }) => name === 'fs.stat');
  expect(stat!.args.ahead).toBe(1);
  // Both come back at about the same time, in either order.
  const both = Math.min(between(stat!, own!), between(stat!, stat!));
  expect(queued([stat!])[0]! / both).toBeGreaterThan(0.8);
  expect(found.find(({ name }) => name === 'fs.promises.stat')!.args).toMatchObject({
    ahead: 0,
    queued_ms: 0,
  });
});

test('names are looked up by half of the threads', async () => {
  const outcome = await runProgram(
    `${IMPORTS}await trace.start({ file, sources: { pool: true } });
    await Promise.all(Array.from({ length: 5 }, () => dns.promises.lookup('localhost')));
    await trace.stop();`,
  );
  const found = operations(outcome.file).sort((a, b) => a.start - b.start);
  expect(queued(found).slice(0, 2)).toEqual([0, 0]);
  for (const wait of queued(found).slice(2)) expect(wait).toBeGreaterThan(0);
});

test('operations belong to the task that they were called in, and those of workers are there', async () => {
  const outcome = await runProgram(
    `${IMPORTS}await trace.start({ file, sources: { pool: true } });
    let id; await trace.withTask('order', async (task) => { id = task.id; await fsp.stat(file); });
    const worker = new Worker("require('node:fs').stat('.', () => {}); require('node:fs').realpath('.', () => {});", { eval: true });
    await once(worker, 'exit'); await trace.stop(); console.log(id);`,
  );
  const found = operations(outcome.file);
  expect(String(found.find(({ name }) => name === 'fs.promises.stat')!.args.task)).toBe(
    outcome.stdout.trim(),
  );
  expect(namesOf(found)).toEqual(expect.arrayContaining(['fs.stat', 'fs.realpath']));
});

test('streams, file handles and functions that were imported by name are seen', async () => {
  const outcome = await runProgram(
    `${IMPORTS}await trace.start({ file, sources: { pool: true } });
    await importedWrite('imported.txt', 'x'.repeat(1000)); await promisify(readFile)('imported.txt');
    const handle = await fsp.open('imported.txt'); await handle.read(Buffer.alloc(10), 0, 10, 0); await handle.close();
    const second = await fsp.open('imported.txt'); await second.stat(); await second.close();
    await once(fs.createReadStream('imported.txt').pipe(zlib.createGzip()).pipe(fs.createWriteStream('imported.gz')), 'close');
    await trace.stop();`,
  );
  expect(new Set(namesOf(operations(outcome.file)))).toEqual(
    new Set([
      ...['fs.promises.writeFile', 'fs.readFile', 'fs.promises.open', 'FileHandle.read', 'FileHandle.stat'],
      ...['fs.open', 'fs.read', 'fs.write', 'fs.close', 'zlib.Gzip'],
    ]),
  );
});

test('values, errors and their stacks, receivers and properties are as without the source', async () => {
  await expectSameBehaviour(
    `${IMPORTS}
    const show = (error) => console.log(error?.name, error?.code, error?.message, error?.stack.split('\\n').slice(1, 6).join('\\n'));
    const attempts = [() => fs.stat(), () => fs.stat('.'), () => fs.readFile(5.5, () => {}), () => crypto.pbkdf2('a', 'b', -1, 1, 'sha1', () => {}),
      () => crypto.randomBytes('x', () => {}), () => dns.lookup(5, () => {}), () => zlib.gzip(5, () => {}), () => crypto.scrypt('a', 'b', 8, { N: 3 }, () => {})];
    for (const attempt of attempts) { try { attempt(); console.log('fine'); } catch (error) { show(error); } }
    await fsp.stat('missing').catch(show);
    await (async function caller() { await fsp.readFile('missing'); })().catch(show);
    await fsp.stat(5).catch(show); await crypto.subtle.digest('none', Buffer.alloc(1)).catch(show);
    await promisify(fs.stat)('missing').catch(show);
    console.log(await new Promise((done) => fs.stat('.', function (...args) { done([this === undefined, args.length, args[1].isDirectory()]); })));
    console.log(await new Promise((done) => fs.exists('.', function (...args) { done(args); })), await promisify(fs.exists)('.'));
    const fd = fs.openSync('program.mjs');
    console.log(Object.keys(await promisify(fs.read)(fd, Buffer.alloc(4), 0, 4, 0)).join(), Object.keys(await promisify(dns.lookup)('127.0.0.1')).join());
    console.log(Object.keys(await promisify(crypto.generateKeyPair)('ec', { namedCurve: 'P-256' })).join());
    for (const owner of [fs, fsp, crypto, dns, dns.promises, zlib.Gzip.prototype]) {
      console.log(Object.keys(owner).join(), Object.keys(owner).map((key) => typeof owner[key] === 'function' ? owner[key].name + owner[key].length + Reflect.ownKeys(owner[key]).length : '').join());
    }
    console.log(fs.realpath.native.name, fs.promises === fsp, (await fsp.stat('.')).isDirectory(), fsp.stat('.') instanceof Promise, typeof importedStat);`,
    'none,pool',
    { flags: ['--no-warnings'] },
  );
});

test('an exception in a callback, and a rejection that nobody handles, end the process as ever', async () => {
  const first = (text: string): string => text.split('\n').slice(0, 6).join('\n');
  for (const source of [
    "fs.stat('.', () => { throw new Error('in the callback'); });",
    "fsp.stat('missing');",
    "fsp.stat('missing').then(() => {}); process.on('unhandledRejection', (e) => console.log('once', e.code));",
  ]) {
    const run = (sources: string) =>
      runProgram(IMPORTS + source, { isHooked: true, env: { TTRACE_SOURCES: sources } });
    const [bare, recorded] = [await run('none'), await run('none,pool')];
    expect([recorded.code, recorded.stdout]).toEqual([bare.code, bare.stdout]);
    const clean = ({ stderr, directory }: typeof bare): string => first(stderr.replaceAll(directory, 'DIR'));
    expect(clean(recorded)).toBe(clean(bare));
  }
});

test('callbacks come in the same order', async () => {
  const outcome = await expectSameBehaviour(
    `${IMPORTS}const order = [];
    const files = Array.from({ length: 20 }, (_, i) => 'file' + i);
    for (const name of files) await fsp.writeFile(name, name);
    for (const name of files) { const text = await promisify(fs.readFile)(name, 'utf8'); order.push(text); }
    let stream = ''; for await (const chunk of fs.createReadStream('file1', { highWaterMark: 1 })) stream += chunk;
    console.log(order.join(), stream);`,
    'none,pool',
    { env: { UV_THREADPOOL_SIZE: '1' } },
  );
  expect(outcome.stdout).toMatch(/file0,file1,.*file1\n$/);
});

test('nothing is recorded by default, and stop gives every function back, also those imported by name', async () => {
  const outcome = await runProgram(
    `${IMPORTS}const first = await fsp.open('.'); await first.close(); const { prototype } = first.constructor; const subtle = Object.getPrototypeOf(crypto.subtle);
    const owners = [fs, fsp, crypto, dns, dns.promises, subtle, prototype, Object.getPrototypeOf(Object.getPrototypeOf(zlib.Gzip.prototype))];
    const read = () => owners.map((owner) => Object.entries(Object.getOwnPropertyDescriptors(owner)));
    const before = read(); const imported = [readFile, importedStat, importedWrite];
    const changed = () => read().map((entries, i) => entries.filter(([, own], j) => own.value !== before[i][j][1].value).length);
    await trace.start({ file, sources: true }); await fsp.stat('.'); await trace.stop();
    await trace.start({ file: file + '.json', sources: { pool: true } });
    await (await fsp.open('.')).close();
    const patched = changed().every((count) => count > 0) && imported[0] !== readFile && readFile === fs.readFile;
    await trace.stop();
    const shape = (entries) => JSON.stringify(entries.map(([key, own]) => [key, own.enumerable, own.writable, own.configurable]));
    console.log(patched, changed().join(), readFile === imported[0], importedStat === imported[1], importedWrite === imported[2],
      read().every((entries, i) => shape(entries) === shape(before[i])));`,
  );
  expect(outcome.stderr).toBe('');
  expect(outcome.stdout).toBe('true 0,0,0,0,0,0,0,0 true true true true\n');
  expect(operations(outcome.file)).toEqual([]);
});

test('a patch of the program on top of ours stays and works, and records nothing after stop', async () => {
  const outcome = await runProgram(
    `${IMPORTS}await trace.start({ file: file + '.json', sources: { pool: true } });
    const ours = fs.stat; let calls = 0;
    fs.stat = function (...args) { calls++; return ours.apply(this, args); };
    const theirs = fs.stat; const late = fsp.stat('.');
    await trace.stop(); await late;
    console.log(fs.stat === theirs, (await promisify(fs.stat)('.')).isDirectory(), calls);
    await trace.start({ file, sources: { pool: true } });
    await fsp.stat('.'); await trace.stop();`,
  );
  expect(outcome.stdout).toBe('true true 1\n');
  expect(namesOf(operations(outcome.file))).toEqual(['fs.promises.stat']);
});

test.runIf(NODE_MAJOR >= 24)('what only newer versions have is seen there', async () => {
  const outcome = await runProgram(
    `${IMPORTS}await trace.start({ file, sources: { pool: true } });
    await promisify(zlib.zstdCompress)('text'); await trace.stop();`,
  );
  expect(namesOf(operations(outcome.file))).toContain('zlib.ZstdCompress');
});
