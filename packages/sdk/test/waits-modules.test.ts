/**
 * Waits inside the packages that programs use, on real programs in both module systems. ES modules that are imported can be
 * seen where Node.js has synchronous load hooks (22.15, 23.5).
 */
import module from 'node:module';
import { expect, test } from 'vitest';
import { type AsyncSlice, asyncSlices, countByName } from './async-slices.ts';
import { named, type Outcome, REQUIRE_SDK, readEvents, runProgram } from './program.ts';
import { directoryWithPackages, packagesIn } from './user-packages.ts';

const hasLoadHooks = 'registerHooks' in module;
const KINDS = hasLoadHooks ? (['mjs', 'cjs'] as const) : (['cjs'] as const);
const SLEEP = `const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const hold = () => trace.withRegion('hold', () => sleep(15));`;
const WORKER = `${REQUIRE_SDK} module.exports = (value) => trace.withRegion('work', () => {
  const end = performance.now() + 5; while (performance.now() < end); return value * 2; });`;

async function record(body: string, kind: 'mjs' | 'cjs', env: Record<string, string> = {}): Promise<Outcome> {
  const outcome = await runProgram(`${packagesIn(kind)} ${SLEEP} (async () => { ${body} })();`, {
    kind,
    isHooked: true,
    flags: ['--no-warnings'],
    directory: directoryWithPackages(),
    env: { TTRACE_SOURCES: 'none,waits', ...env },
    files: { 'worker.cjs': WORKER },
  });
  expect(outcome.stderr).toBe('');
  expect(outcome.code).toBe(0);
  return outcome;
}

/** Each of these lets one at a time through `hold`, and is asked three times. */
const ASKED_THRICE: Readonly<Record<string, string>> = {
  'mutex wait': 'const one = new Mutex(); await Promise.all([1, 2, 3].map(() => one.runExclusive(hold)));',
  'semaphore wait':
    'const one = new Semaphore(1); await Promise.all([1, 2, 3].map(() => one.runExclusive(hold)));',
  'p-limit wait': 'const one = pLimit(1); await Promise.all([1, 2, 3].map(() => one(hold)));',
  'fastq wait': 'const one = fastq.promise(hold, 1); await Promise.all([1, 2, 3].map((i) => one.push(i)));',
};

test.each(KINDS)(
  'who comes second waits until the first lets go, and the first does not (%s)',
  async (kind) => {
    for (const [name, body] of Object.entries(ASKED_THRICE)) {
      const { file } = await record(body, kind);
      const slices = asyncSlices(file);
      const holds = slices.filter((slice) => slice.name === 'hold');
      const waits = slices.filter((slice) => slice.name.endsWith(' wait'));
      expect([name, holds.length]).toEqual([name, 3]);
      expect(waits.map((slice) => slice.name)).toEqual([name, name]);
      const ends = waits.map(({ end }) => end!).sort((a, b) => a - b);
      // From before the first lets go until after the one before lets go, and before it holds itself.
      for (const [i, end] of ends.entries()) {
        expect(waits[i]!.start).toBeLessThan(holds[0]!.end!);
        expect(end).toBeGreaterThan(holds[i]!.end!);
        expect(end).toBeLessThanOrEqual(holds[i + 1]!.start);
      }
    }
  },
);

test.each(KINDS)('other ways to ask are seen as well: %s', async (kind) => {
  const { file, stdout } = await record(
    `const mutex = new Mutex(); const release = await mutex.acquire(); setTimeout(release, 5);
    (await mutex.acquire())();
    const limit = pLimit(2); console.log((await limit.map([1, 2, 3], async (value, i) => { await sleep(2); return value + i; })).join());
    console.log(limit.activeCount, limit.pendingCount, limit.concurrency, typeof limit.clearQueue, limit.length);
    const limited = limitFunction(async (value) => { await sleep(2); return value; }, { concurrency: 1 });
    console.log((await Promise.all([limited(1), limited(2)])).join());
    const queue = fastq({ factor: 3 }, function (value, done) { setTimeout(done, 2, null, value * this.factor); }, 1);
    const push = (value, method = 'push') => new Promise((done) => queue[method](value, (_, result) => done(result)));
    console.log((await Promise.all([push(1), push(2), push(3, 'unshift')])).join());
    const pool = genericPool.createPool({ create: async () => ({}), destroy: async () => {} }, { max: 1 });
    const resource = await pool.acquire(); setTimeout(() => pool.release(resource), 5);
    await pool.use(async () => {}); await pool.drain(); await pool.clear();`,
    kind,
  );
  expect(stdout).toBe('1,3,5\n0 0 2 function 1\n1,2\n3,6,9\n');
  expect(countByName(asyncSlices(file), 'mutex', 'p-limit', 'fastq', 'pool')).toEqual({
    'mutex wait': 1,
    'p-limit wait': 2,
    'fastq wait': 2,
    // The first had to be made.
    'pool acquire': 2,
  });
});

test.each(KINDS)(
  'a task of a worker pool waits for a worker, then runs, on the worker that is named (%s)',
  async (kind) => {
    for (const [name, make] of [
      ['piscina', 'new Piscina({ filename, minThreads: 1, maxThreads: 1 })'],
      ['tinypool', 'new Tinypool({ filename, minThreads: 1, maxThreads: 1 })'],
    ] as const) {
      const { file, stdout } = await record(
        `const filename = process.cwd() + '/worker.cjs'; const pool = ${make};
      console.log((await Promise.all([1, 2, 3].map((value) => pool.run(value)))).join());
      await pool.destroy();`,
        kind,
      );
      expect(stdout).toBe('2,4,6\n');
      const slices = asyncSlices(file);
      const of = (what: string): AsyncSlice[] => slices.filter((slice) => slice.name === `${name} ${what}`);
      expect([name, of('wait').length, of('run').length]).toEqual([name, 3, 3]);
      // One worker: a task waits until it has done the one before, which need not be the one that was asked for before.
      const runs = of('run');
      const works = named(readEvents(file), 'work').sort((a, b) => a.ts - b.ts);
      const ends = of('wait').map(({ end }) => end!);
      for (const [i, end] of ends.sort((a, b) => a - b).entries()) {
        expect(end).toBeLessThanOrEqual(runs[i]!.start);
        if (i > 0) expect(end).toBeGreaterThan(works[i - 1]!.ts + works[i - 1]!.dur!);
        expect(works[i]!.ts).toBeGreaterThan(runs[i]!.start);
        expect(works[i]!.ts + works[i]!.dur!).toBeLessThan(runs[i]!.end!);
      }
      for (const { args } of of('wait')) expect(args.file).toBe('worker.cjs');
      for (const { args } of runs) expect(typeof args.thread).toBe('number');
    }
  },
);

test('who gives up, is sent away or is never served is told apart', async () => {
  const { file } = await record(
    `const cancelled = new Mutex(); await cancelled.acquire();
    const asked = cancelled.acquire().catch(() => {}); await sleep(5); cancelled.cancel(); await asked;
    const stuck = new Semaphore(1); await stuck.acquire(); stuck.acquire();
    const limit = pLimit(1); limit(() => sleep(5)); limit(() => {}); limit.clearQueue();
    const queue = fastq((_, done) => setTimeout(done, 5), 1); queue.push(1); queue.push(2); queue.kill();
    const pool = genericPool.createPool({ create: async () => ({}), destroy: async () => {} }, { max: 1, acquireTimeoutMillis: 10 });
    await pool.acquire(); await pool.acquire().catch(() => {});
    const filename = process.cwd() + '/worker.cjs';
    for (const workers of [new Piscina({ filename, minThreads: 1, maxThreads: 1 }), new Tinypool({ filename, minThreads: 1, maxThreads: 1 })]) {
      const controller = new AbortController(); const runs = workers.run(1);
      const second = workers.run(2, { signal: controller.signal }).catch(() => {}); controller.abort();
      await Promise.all([runs, second]);
      await workers.run(() => {}).catch(() => {});
      await workers.destroy();
    }`,
    'cjs',
  );
  const slices = asyncSlices(file);
  const said = (name: string) => slices.filter((slice) => slice.name === name).map(({ args }) => args);
  const has = (key: string) => [expect.objectContaining({ [key]: true })];
  expect(said('mutex wait')).toEqual(has('rejected'));
  expect(said('p-limit wait')).toEqual(has('cleared'));
  expect(said('fastq wait')).toEqual(has('forgotten'));
  expect(said('pool acquire').at(-1)).toMatchObject({ rejected: true });
  for (const name of ['piscina', 'tinypool']) {
    expect(said(`${name} wait`).filter(({ aborted }) => aborted === true).length).toBe(1);
    // A function cannot be sent.
    expect(said(`${name} run`).filter(({ error }) => error === 'DataCloneError').length).toBe(1);
  }
  const open = slices.filter(({ end }) => end === undefined).map(({ name }) => name);
  expect(open).toEqual(['semaphore wait']);
});

test.each(KINDS)('programs do the same in the same order with and without it (%s)', async (kind) => {
  const body = `
    const said = []; const say = (text) => said.push(text);
    process.on('unhandledRejection', (reason) => say('unhandled ' + reason.message));
    const tick = async (name, count) => { for (let i = 0; i < count; i++) { await null; say(name + i); } };
    const mutex = new Mutex(); const first = mutex.acquire(); const second = mutex.acquire();
    tick('a', 12); (await first)(); say('released'); (await second)(); say('second');
    await mutex.acquire(); mutex.acquire(); mutex.cancel(); await sleep(1);
    const semaphore = new Semaphore(2); tick('b', 12);
    await Promise.all([3, 2, 1].map((priority) => semaphore.runExclusive(() => say('priority ' + priority), 2, priority)));
    try { semaphore.acquire(0); } catch (error) { say(error.message); }
    const limit = pLimit(1); tick('c', 12);
    await Promise.allSettled([1, 2, 3].map((i) => limit((...args) => { say('job ' + args); if (i === 2) throw new Error('two'); }, i, 'x')));
    limit(() => { throw new Error('nobody listens'); }); await sleep(1);
    try { pLimit(0); } catch (error) { say(error.name + error.message); }
    say(limit.name + limit.length + Object.getOwnPropertyNames(limit).sort());
    const queue = fastq(function (value, done) { say('work ' + value + (this === null)); queueMicrotask(() => done(value === 2 ? new Error('two') : null, value)); }, 1);
    queue.saturated = () => say('saturated'); queue.empty = () => say('empty'); queue.drain = () => say('drain');
    queue.error((error, value) => error && say('error ' + value)); tick('d', 12);
    for (const value of [1, 2, 3]) queue.push(value, (error, result) => say('done ' + (error?.message ?? result)));
    queue.unshift(4); say(queue.length() + ' ' + queue.getQueue() + queue.running() + queue.idle()); await sleep(2);
    say(fastq.name + fastq.length + typeof fastq.promise + Object.keys(queue).sort());
    const promises = fastq.promise(async (value) => { if (value === 2) throw new Error('rejected'); return value; }, 1);
    say(JSON.stringify(await Promise.allSettled([1, 2, 3].map((value) => promises.push(value))))); await promises.drained();
    const pool = genericPool.createPool({ create: async () => ({ id: 1 }), destroy: async () => {} }, { max: 1, acquireTimeoutMillis: 20 });
    tick('e', 12); const resource = await pool.acquire(); pool.acquire(); await sleep(40); say(pool.pending + ' ' + pool.borrowed);
    pool.release(resource);
    const filename = process.cwd() + '/worker.cjs';
    for (const Pool of [Piscina, Tinypool]) {
      const workers = new Pool({ filename, minThreads: 1, maxThreads: 1 });
      say(JSON.stringify(await Promise.allSettled([1, 2, 3].map((value) => workers.run(value)))));
      workers.run(() => {}); await sleep(5); say(Pool.name + workers.completed + workers.queueSize); await workers.destroy();
    }
    console.log(said.join('\\n'));`;
  const traced = await record(body, kind);
  const plain = await record(body, kind, { TTRACE_SOURCES: 'none' });
  expect(plain.stdout).toContain('unhandled request for lock canceled');
  expect(plain.stdout.match(/unhandled/g)?.length).toBeGreaterThanOrEqual(4);
  expect(traced.stdout.split('\n')).toEqual(plain.stdout.split('\n'));
  expect(asyncSlices(plain.file)).toEqual([]);
  expect(asyncSlices(traced.file).length).toBeGreaterThan(15);
});

test('jobs of a queue that is stopped, filled from both ends and refilled from inside are never mixed up', async () => {
  const { file, stdout } = await record(
    `let seed = 7; const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
    let waited = 0; let pushing = false; let next = 0;
    const queue = fastq((job, done) => {
      if (!job.isDirect()) waited++;
      if (job.id % 5 === 0 && next < 600) push();
      if (job.id % 3 === 0) done(); else setTimeout(done, random(3));
    }, 3);
    queue.saturated = () => { if (random(2)) setImmediate(() => { queue.concurrency = 2 + random(3); }); };
    function push() {
      let inside = true; const job = { id: next++, isDirect: () => inside };
      queue[random(4) ? 'push' : 'unshift'](job, () => {}); inside = false;
    }
    while (next < 600) {
      for (let i = random(8); i >= 0; i--) push();
      if (!random(4)) { queue.pause(); push(); await sleep(1); queue.resume(); }
      await sleep(random(4));
    }
    while (!queue.idle()) await sleep(1);
    console.log(waited);`,
    'cjs',
  );
  const waits = asyncSlices(file).filter(({ name }) => name === 'fastq wait');
  expect(waits.filter(({ args, end }) => args.forgotten === true || end === undefined)).toEqual([]);
  expect(Number(stdout)).toBeGreaterThan(100);
  expect(waits.length).toBe(Number(stdout));
});

test('stop gives the packages and the loader back; what was loaded before is reached through classes', async () => {
  const outcome = await runProgram(
    `import loader, { createRequire } from 'node:module'; ${packagesIn('mjs')} ${SLEEP}
    const require = createRequire(import.meta.url);
    const cjsMutex = require('async-mutex');
    const look = () => [cjsMutex.Mutex.prototype.acquire, cjsMutex.Mutex.prototype.runExclusive, cjsMutex.Semaphore.prototype.acquire,
      genericPool.Pool.prototype.acquire, genericPool.PriorityQueue.prototype.enqueue, require('fastq'), loader._findPath];
    const others = () => [loader._extensions['.js'], globalThis[Symbol.for('ttrace/module')], loader._resolveFilename, loader._load];
    const before = look(), rest = others();
    const same = (now, then) => now.filter((value, i) => value === then[i]).length;
    const said = [];
    for (const name of ['one', 'two']) {
      await trace.start({ file: file + '.' + name + '.json', sources: { waits: true } });
      said.push(same(look(), before), same(others(), rest));
      const mutex = new cjsMutex.Mutex(); await Promise.all([mutex.runExclusive(() => sleep(2)), mutex.runExclusive(() => {})]);
      const pool = new Piscina({ filename: process.cwd() + '/worker.cjs', minThreads: 1, maxThreads: 1 });
      await pool.run(1); await pool.destroy();
      await trace.stop();
      said.push(same(look(), before), same(others(), rest));
      await Promise.all([mutex.runExclusive(() => sleep(2)), mutex.runExclusive(() => {})]);
    }
    console.log(said.join());`,
    { directory: directoryWithPackages(), files: { 'worker.cjs': WORKER } },
  );
  expect(outcome.stderr).toBe('');
  // While recording: all patched, and one function that ES modules call. After: everything as before.
  expect(outcome.stdout).toBe('0,3,7,4,0,3,7,4\n');
  for (const name of ['one', 'two']) {
    const slices = asyncSlices(`${outcome.file}.${name}.json`);
    expect(countByName(slices, 'mutex', 'piscina')).toEqual({
      'mutex wait': 1,
      'piscina wait': 1,
      'piscina run': 1,
    });
  }
});

test.runIf(hasLoadHooks)('a module that was imported in one recording is seen in the next', async () => {
  const outcome = await runProgram(
    `${SLEEP} const starts = { file: file + '.one.json', sources: { waits: true } };
    await trace.start(starts); const { Mutex } = await import('async-mutex'); const { default: pLimit } = await import('p-limit');
    const original = Mutex.prototype.runExclusive; await trace.stop();
    const isBack = Mutex.prototype.runExclusive !== original;
    await trace.start({ ...starts, file });
    const mutex = new Mutex(), limit = pLimit(1);
    await Promise.all([mutex.runExclusive(() => sleep(2)), mutex.runExclusive(() => {}), limit(() => sleep(2)), limit(() => {})]);
    await trace.stop();
    console.log(isBack, (await import('async-mutex')).Mutex === Mutex);`,
    { directory: directoryWithPackages() },
  );
  expect(outcome.stderr).toBe('');
  expect(outcome.stdout).toBe('true true\n');
  expect(countByName(asyncSlices(outcome.file), 'mutex', 'p-limit')).toEqual({
    'mutex wait': 1,
    'p-limit wait': 1,
  });
});

test("tasks and ports keep one hidden class each: what V8 has optimized for a pool's tasks serves all of them", async () => {
  const program = `
    const { dirname, join } = require('node:path');
    const { TaskInfo } = require(join(dirname(require.resolve('piscina')), 'task_queue/index.js'));
    const task = () => new TaskInfo({ filename: 'x', name: 'default', triggerAsyncId: 1 }, () => {});
    const channel = () => new MessageChannel();
    const alike = (make) => { make(); return %HaveSameMap(make(), make()); };
    console.log(alike(task), alike(channel), task() instanceof TaskInfo, channel() instanceof MessageChannel);
    process.exit();`;
  for (const isHooked of [false, true]) {
    const { stderr, stdout } = await runProgram(program, {
      kind: 'cjs',
      isHooked,
      flags: ['--allow-natives-syntax'],
      directory: directoryWithPackages(),
      env: { TTRACE_SOURCES: 'none,waits,messages' },
    });
    expect([stderr, stdout]).toEqual(['', 'true true true true\n']);
  }
});
