/** Which lock is contended, by whom and where: on recordings of real threads, with hand-made locks, @ttrace/sync and worker pools. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { sep } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { scratch, ttrace } from './ttrace-process.ts';

const require = createRequire(import.meta.url);
const directory = scratch();
afterAll(() => directory.remove());

type Row = Record<string, string | number>;

/** Records a program and gives back what asks a command about it. */
async function record(name: string, source: string): Promise<(...args: string[]) => Promise<Row[]>> {
  const [program, trace] = [directory.file(`${name}.mjs`), directory.file(`${name}.json`)];
  writeFileSync(program, source);
  const { code, stderr } = await ttrace(['run', '-o', trace, '--', program]);
  expect({ code, stderr: /rror/.test(stderr) }).toEqual({ code: 0, stderr: false });
  return async (command, ...args) => {
    const { stdout } = await ttrace([command, trace, ...args, '--json']);
    return JSON.parse(stdout) as Row[];
  };
}

/** Workers that wait for jobs at one word, and for a lock of their own making at another. */
const TWO_WORDS = `
import { Worker, isMainThread, workerData } from 'node:worker_threads';
const [LOCK, JOBS] = [0, 8];
function acquire(words) { while (Atomics.compareExchange(words, LOCK, 0, 1) !== 0) Atomics.wait(words, LOCK, 1); }
function release(words) { Atomics.store(words, LOCK, 0); Atomics.notify(words, LOCK, 1); }
function nextJob(words, seen) { Atomics.wait(words, JOBS, seen); return Atomics.load(words, JOBS); }
function update(words) { acquire(words); const end = performance.now() + 10; while (performance.now() < end); release(words); }
if (isMainThread) {
  const words = new Int32Array(new SharedArrayBuffer(64));
  for (let i = 0; i < 3; i++) new Worker(new URL(import.meta.url), { workerData: words });
  setInterval(() => { Atomics.add(words, JOBS, 1); Atomics.notify(words, JOBS); }, 100);
  setTimeout(() => process.exit(), 3000);
} else for (let seen = 0; ; ) { seen = nextJob(workerData, seen); update(workerData); }
`;

test('of two words that the same threads wait for the contended one is found, with its place, its stack, and who lets whom go on', async () => {
  const ask = await record('two-words', TWO_WORDS);
  const names = (await ask('locks')).map(({ name }) => name).filter((name) => String(name).includes('['));
  const lock = 'Atomics.wait [0] acquire two-words.mjs:4';
  const jobs = 'Atomics.wait [8] nextJob two-words.mjs:6';
  expect(names.sort()).toEqual([lock, jobs]);
  const found = (await ask('lint')).filter(({ rule }) => rule === 'lock-convoy');
  expect(found).toHaveLength(1);
  expect(found[0]?.sentence).toContain(`${lock} is contended: 3 threads that take turns`);
  expect(found[0]?.location).toMatch(/two-words\.mjs:4$/);
  const handovers = await ask('handovers');
  const ofWord = (name: string): Row[] => handovers.filter((row) => row.name === name);
  expect(new Set(ofWord(jobs).map(({ from }) => from))).toEqual(new Set(['main']));
  expect(ofWord(lock).length).toBeGreaterThan(1);
  for (const { from, to } of ofWord(lock))
    expect([from === to, from === 'main', to === 'main']).toEqual([false, false, false]);
  const { stdout } = await ttrace(['pprof', directory.file('two-words.json'), '--type', 'mutex', '--folded']);
  expect(stdout).toMatch(/\bupdate two-words\.mjs:7;acquire two-words\.mjs:4;Atomics\.wait \d+\n/);
  expect(await ask('locks', '--each', '--name', 'Atomics.wait [0]')).toEqual(
    await ask('locks', '--each', '--name', lock),
  );
});

describe.each(['piscina', 'tinypool'])('workers of %s', (pool) => {
  test('that wait for tasks are not contending', async () => {
    const entry = require.resolve(pool);
    const folder = `${sep}node_modules${sep}${pool}${sep}`;
    mkdirSync(directory.file('node_modules'), { recursive: true });
    symlinkSync(
      entry.slice(0, entry.lastIndexOf(folder) + folder.length - 1),
      directory.file(`node_modules/${pool}`),
      'dir',
    );
    writeFileSync(
      directory.file('task.mjs'),
      'export default (ms) => { const end = performance.now() + ms; while (performance.now() < end); return ms; };',
    );
    const ask = await record(
      pool,
      `import * as exports from '${pool}';
      const Pool = exports.Piscina ?? exports.Tinypool ?? exports.default;
      const pool = new Pool({ filename: new URL('./task.mjs', import.meta.url).href, minThreads: 3, maxThreads: 3 });
      for (let i = 0; i < 40; i++) {
        await Promise.all([1, 2, 3].map(() => pool.run(3)));
        await new Promise((done) => setTimeout(done, 20));
      }
      await pool.destroy();`,
    );
    const words = (await ask('locks')).filter(({ name }) => String(name).startsWith('Atomics.wait'));
    expect(words.reduce((sum, { waits }) => sum + Number(waits), 0)).toBeGreaterThan(30);
    expect((await ask('lint')).filter(({ rule }) => rule === 'lock-convoy')).toEqual([]);
  });
});

test('a lock of @ttrace/sync says which thread had it, while others waited and not, and each thread can be asked', async () => {
  const sync = new URL('../../sync/dist/index.js', import.meta.url).href;
  const ask = await record(
    'mutex',
    `import { Worker, isMainThread, workerData } from 'node:worker_threads';
    import { Mutex } from '${sync}';
    const burn = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };
    if (isMainThread) {
      const lock = new Mutex('db');
      const start = (ms, times) => new Worker(new URL(import.meta.url), { workerData: { lock, ms, times }, name: 'for' + ms });
      await Promise.all([start(20, 20), start(4, 40)].map((worker) => new Promise((done) => worker.once('exit', done))));
    } else {
      const lock = Mutex.from(workerData.lock);
      for (let i = 0; i < workerData.times; i++) lock.withLock(() => burn(workerData.ms));
    }`,
  );
  const threads = await ask('lock-threads', '--name', 'lock db');
  const of = (name: string): Row => threads.find(({ thread }) => String(thread).includes(name))!;
  expect(threads).toHaveLength(2);
  expect([of('for20').holds, of('for4').holds]).toEqual([20, 40]);
  expect(Number(of('for20').heldNanos)).toBeGreaterThan(20 * 20e6);
  expect(Number(of('for4').heldNanos)).toBeGreaterThan(40 * 4e6);
  for (const { heldNanos, contendedNanos } of threads)
    expect(Number(contendedNanos)).toBeLessThanOrEqual(Number(heldNanos));
  const [whole] = await ask('locks', '--name', 'lock db');
  expect(whole?.heldBy).toMatch(/^worker \d+ for20 .*\(20, .*, worker \d+ for4 .*\(40, /);
  const [part] = await ask('locks', '--name', 'lock db', '--thread', String(of('for20').thread));
  expect(part).toMatchObject({
    holds: 20,
    heldNanos: of('for20').heldNanos,
    contendedNanos: of('for20').contendedNanos,
    waitedNanos: of('for20').waitedNanos,
  });
  expect(Number(whole?.heldNanos)).toBeLessThanOrEqual(
    Number(of('for20').heldNanos) + Number(of('for4').heldNanos),
  );
});
