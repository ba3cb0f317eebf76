/** Waits on shared memory and for Web Locks, on real programs with real threads. */
import { expect, test } from 'vitest';
import { asyncSlices, countByName } from './async-slices.ts';
import { isComplete, named, readEvents, runProgram } from './program.ts';

const SLEEP = `const sleep = (ms) => new Promise((done) => setTimeout(done, ms));`;
const waits = { env: { TTRACE_SOURCES: 'none,waits' }, isHooked: true } as const;
/** Web Locks came with Node.js 24. */
const hasWebLocks = 'locks' in (await import('node:worker_threads'));

test('a wait that really waits is a slice as long as it takes, and one that finds the value changed leaves nothing', async () => {
  const outcome = await runProgram(
    `const cell = new Int32Array(new SharedArrayBuffer(16)); const big = new BigInt64Array(new SharedArrayBuffer(16));
    const said = [];
    trace.withRegion('quick', () => { for (let i = 0; i < 100; i++) said.push(Atomics.wait(cell, 0, 1), Atomics.wait(cell, 0, 0, 0)); });
    trace.withRegion('long', () => said.push(Atomics.wait(cell, 2, 0, 200)));
    trace.withRegion('big', () => said.push(Atomics.wait(big, 1, 0n, 100), Atomics.notify(big, 1)));
    console.log([...new Set(said)].join());`,
    waits,
  );
  expect(outcome.stdout).toBe('not-equal,timed-out,0\n');
  const events = readEvents(outcome.file);
  const slices = named(events, 'Atomics.wait');
  expect(slices.map(({ args }) => args)).toMatchObject([
    { index: 2, result: 'timed-out' },
    { index: 1, result: 'timed-out' },
  ]);
  for (const [i, region] of [named(events, 'long')[0]!, named(events, 'big')[0]!].entries()) {
    const slice = slices[i]!;
    expect(slice.ts).toBeGreaterThan(region.ts);
    expect(slice.ts + slice.dur!).toBeLessThan(region.ts + region.dur!);
    expect(slice.dur!).toBeGreaterThan(region.dur! / 2);
  }
  expect(named(events, 'Atomics.notify')).toEqual([]);
});

test('a thread that is woken says by which result, and who woke it how many', async () => {
  const outcome = await runProgram(
    `${SLEEP} const cell = new Int32Array(new SharedArrayBuffer(16));
    const wait = "const { workerData, parentPort } = require('node:worker_threads'); Atomics.add(workerData, 1, 1); Atomics.wait(workerData, 0, 0);";
    const workers = [1, 2].map(() => new Worker(wait, { eval: true, workerData: cell }));
    while (Atomics.load(cell, 1) < 2) await sleep(1);
    const async = Atomics.waitAsync(cell, 0, 0);
    // One that counts itself waits only a moment later, which nobody can see: it may miss the first.
    let woken = 0;
    while (woken < 3) { await sleep(20); woken += Atomics.notify(cell, 0); }
    console.log(async.async, await async.value, Atomics.waitAsync(cell, 0, 5).value);
    await Promise.all(workers.map((worker) => new Promise((done) => worker.once('exit', done))));`,
    waits,
  );
  expect(outcome.stdout).toBe('true ok not-equal\n');
  const events = readEvents(outcome.file);
  const notify = named(events, 'Atomics.notify');
  expect(notify.map(({ args }) => args?.index)).toEqual(notify.map(() => 0));
  expect(notify.reduce((sum, { args }) => sum + Number(args?.woken), 0)).toBe(3);
  const woken = events.filter(
    ({ ph, name, args }) => args?.result === 'ok' || (ph === 'B' && name === 'Atomics.wait'),
  );
  expect(new Set(woken.filter(({ tid }) => tid !== notify[0]!.tid).map(({ tid }) => tid)).size).toBe(2);
  const [slice] = asyncSlices(outcome.file).filter(({ name }) => name === 'Atomics.waitAsync');
  expect(slice).toMatchObject({ args: { index: 0, result: 'ok' } });
  expect(slice!.start).toBeLessThan(notify[0]!.ts);
  expect(slice!.end).toBeGreaterThanOrEqual(notify[0]!.ts);
  // Nobody goes on before the notify that woke it has begun, and the words are the same to both.
  const ends = readEvents(outcome.file).filter(
    ({ args }) => args?.result === 'ok' && args.byte !== undefined,
  );
  expect(ends.length).toBeGreaterThan(0);
  for (const { ts, dur, args } of ends) {
    expect(ts + (dur ?? 0)).toBeGreaterThanOrEqual(notify[0]!.ts);
    expect({ byte: args?.byte, of: args?.of }).toEqual({ byte: 0, of: 16 });
  }
  for (const { args } of notify) expect(args).toMatchObject({ byte: 0, of: 16 });
});

test('a wait of a millisecond and more says who waited, in the places of the sources', async () => {
  // vitest must not take the file's comment for this one's. The map says: line 1, column 0 of the file is line 41, column 2 of original.ts.
  const map = JSON.stringify({ version: 3, sources: ['original.ts'], names: [], mappings: 'AAwCE' });
  const compiled = `module.exports = function acquire(cell, index, ms) { return Atomics.wait(cell, index, 0, ms); };
//# ${'sourceMappingURL'}=data:application/json;base64,${Buffer.from(map).toString('base64')}`;
  const outcome = await runProgram(
    `import acquire from './compiled.cjs';
    const cell = new Int32Array(new SharedArrayBuffer(64), 16, 4); const big = new BigInt64Array(cell.buffer, 32);
    function update() { return acquire(cell, 3, 5); }
    Error.prepareStackTrace = () => 'mine'; Error.stackTraceLimit = 1;
    const said = [update(), update(), Atomics.wait(big, 2, 0n, 5)];
    // Shorter ones have theirs once they have come to so much together.
    for (let i = 0; i < 100; i++) acquire(cell, 1, 0.1);
    said.push(new Error('x').stack, Error.stackTraceLimit);
    Object.freeze(Error); said.push(update());
    Array.prototype.toJSON = () => { throw new Error('mine'); }; said.push(update());
    console.log(said.join());`,
    { ...waits, files: { 'compiled.cjs': compiled } },
  );
  expect(outcome.stderr).toBe('');
  expect(outcome.stdout).toBe('timed-out,timed-out,timed-out,mine,1,timed-out,timed-out\n');
  const slices = named(readEvents(outcome.file), 'Atomics.wait').map(({ args }) => args);
  const [first, second, third] = slices;
  expect(first).toMatchObject({ index: 3, byte: 28, of: 64, result: 'timed-out' });
  const [inner, outer, ...rest] = first!.stack as string[];
  expect(inner).toMatch(/^acquire \(.*original\.ts:41:\d+\)$/);
  expect(outer).toMatch(/^update \(.*program\.mjs:\d+:\d+\)$/);
  // The module itself, and nothing of the recorder or of how Node.js came to run it.
  expect(rest).toEqual([expect.stringMatching(/program\.mjs:\d+:\d+\)$/)]);
  expect((second!.stack as string[]).slice(0, 2)).toEqual([inner, outer]);
  expect(third).toMatchObject({ index: 2, byte: 48, of: 64 });
  const short = slices.filter((args) => args?.index === 1);
  const looked = short.filter((args) => args?.stack !== undefined);
  expect(short).toHaveLength(100);
  expect(looked.length).toBeGreaterThan(0);
  expect(looked.length).toBeLessThan(100);
  for (const args of looked) expect((args!.stack as string[])[0]).toBe(inner);
  expect(slices.slice(-2).map((args) => args?.stack)).toEqual([undefined, undefined]);
});

test('a wait that never ends is in the trace', async () => {
  const outcome = await runProgram(
    `const { readFileSync } = await import('node:fs');
    const wait = "Atomics.wait(require('node:worker_threads').workerData, 0, 0);";
    const cell = new Int32Array(new SharedArrayBuffer(8));
    new Worker(wait, { eval: true, workerData: cell });
    Atomics.waitAsync(cell, 0, 0);
    setInterval(() => { if (readFileSync(file, 'utf8').includes('"name":"Atomics.wait"')) process.exit(); }, 5);`,
    waits,
  );
  expect(outcome.code).toBe(0);
  const begun = readEvents(outcome.file).filter(({ name, ph }) => name === 'Atomics.wait' && ph === 'B');
  expect(begun.length).toBe(1);
  expect(asyncSlices(outcome.file).filter(({ end }) => end === undefined)).toMatchObject([
    { name: 'Atomics.waitAsync' },
  ]);
});

test('arguments of any kind mean the same, and errors have the same text and stack', async () => {
  const source = (isTraced: boolean) => `
    await trace.start({ file, sources: { waits: ${isTraced} } });
    const cell = new Int32Array(new SharedArrayBuffer(16)); const said = [];
    const stackOf = ({ stack }) => stack.replace(/\\(?file:.*?\\)?$/gm, '');
    function attempt(what) { try { said.push(what()); } catch (error) { said.push(error.constructor.name, stackOf(error)); } }
    for (const index of [undefined, null, '1', 1.9, true, NaN, [2], { valueOf: () => 1 }, -0, Symbol('no'), -1, 99, Infinity, 1n]) {
      attempt(() => Atomics.wait(cell, index, 0, 1));
      attempt(() => Atomics.notify(cell, index));
      attempt(() => Atomics.waitAsync(cell, index, 0, 0).value);
    }
    for (const timeout of [-1, '1', null, { valueOf() { throw new RangeError('mine'); } }, 1n]) attempt(() => Atomics.wait(cell, 0, 0, timeout));
    for (const value of ['0', null, 0n, { valueOf() { throw new RangeError('mine'); } }]) attempt(() => Atomics.wait(cell, 0, value, 1));
    let asked = 0; const asking = (value) => ({ valueOf() { asked++; return value; } });
    attempt(() => [Atomics.wait(cell, asking(1), asking(0), asking(1)), asked]);
    attempt(() => [Atomics.wait(cell, 0, 1, asking(1)), asked]);
    attempt(() => Atomics.wait(cell, 0, 1, Symbol('no time')));
    for (const array of [undefined, [], new Int32Array(4), new Uint8Array(4), new Int16Array(new SharedArrayBuffer(4))]) {
      attempt(() => Atomics.wait(array, 0, 0, 1));
      attempt(() => Atomics.notify(array, 0, 1));
      attempt(() => Atomics.waitAsync(array, 0, 0, 1).async);
    }
    const { wait, notify, waitAsync } = Atomics;
    attempt(() => wait(cell, 0, 0, 1)); attempt(() => wait.call(null, cell, 0, 1)); attempt(() => new wait(cell, 0, 0));
    for (const name of ['wait', 'notify', 'waitAsync']) {
      const { value, ...flags } = Object.getOwnPropertyDescriptor(Atomics, name);
      said.push([value.name, value.length, typeof value.prototype, JSON.stringify(flags)].join());
    }
    await trace.stop();
    console.log(JSON.stringify(said, null, 1));`;
  const plain = await runProgram(source(false));
  const traced = await runProgram(source(true));
  expect(JSON.parse(plain.stdout).length).toBeGreaterThan(60);
  expect(JSON.parse(traced.stdout)).toEqual(JSON.parse(plain.stdout));
  expect(traced.stderr).toBe('');
  expect(isComplete(traced.file)).toBe(true);
  for (const { args } of named(readEvents(traced.file), 'Atomics.wait')) {
    expect(Number.isInteger(args?.index)).toBe(true);
  }
});

test('a recording that ends while a thread waits, and the next one, stay whole', async () => {
  const outcome = await runProgram(
    `import { readFileSync } from 'node:fs';
    ${SLEEP} const cell = new Int32Array(new SharedArrayBuffer(16));
    const options = (name) => ({ file: file + name, sources: { waits: true } });
    await trace.start(options('.1.json'));
    const worker = new Worker(\`const { workerData, parentPort } = require('node:worker_threads');
      Atomics.wait(workerData, 0, 0);
      const timer = setInterval(() => { if (workerData[1] === 1) clearInterval(timer); else Atomics.wait(workerData, 0, 1, 10); }, 5);\`,
      { eval: true, workerData: cell });
    const seen = async (name) => { while (!readFileSync(file + name, 'utf8').includes('"name":"Atomics.wait"')) await sleep(1); };
    await seen('.1.json');
    await trace.stop();
    await trace.start(options('.2.json'));
    for (let i = 0; i < 1000; i++) trace.withRegion('mine', () => {});
    Atomics.store(cell, 0, 1); console.log(Atomics.notify(cell, 0));
    // The worker takes part in it from a turn of its loop on.
    await seen('.2.json');
    Atomics.store(cell, 1, 1);
    await new Promise((done) => worker.once('exit', done));
    await trace.stop();`,
  );
  expect(outcome.stderr).toBe('');
  expect(outcome.stdout).toBe('1\n');
  const first = readEvents(`${outcome.file}.1.json`);
  const second = readEvents(`${outcome.file}.2.json`);
  expect([isComplete(`${outcome.file}.1.json`), isComplete(`${outcome.file}.2.json`)]).toEqual([true, true]);
  expect(first.filter(({ name, ph }) => name === 'Atomics.wait' && ph === 'B').length).toBe(1);
  expect(named(second, 'mine').length).toBe(1000);
  expect(new Set(named(second, 'Atomics.wait').map(({ args }) => args?.result))).toEqual(
    new Set(['timed-out']),
  );
});

test.runIf(hasWebLocks)('each request for a lock has its own wait and its own hold', async () => {
  const outcome = await runProgram(
    `${SLEEP} import worker_threads from 'node:worker_threads'; const { locks } = worker_threads;
    const said = []; const hold = (name, over = () => sleep(15)) => (lock) => trace.withRegion('in ' + name, async () => { said.push(name + lock.mode); await over(); return name; });
    const gone = new AbortController(); const isGone = new Promise((done) => { gone.signal.onabort = () => setTimeout(done, 15); });
    const asked = [locks.request('a', hold('first', () => isGone)), locks.request('a', { signal: gone.signal }, hold('gone')),
      locks.request('a', { signal: new AbortController().signal }, hold('second')), locks.request('a', hold('third'))];
    await sleep(5); gone.abort();
    said.push(JSON.stringify((await Promise.allSettled(asked)).map(({ value, reason }) => value ?? reason.name)));
    let held, end; const isHeld = new Promise((done) => { held = done; }), isStolen = new Promise((done) => { end = done; });
    const robbed = locks.request('b', hold('robbed', () => (held(), isStolen))).catch(({ name }) => said.push(name)); await isHeld;
    await locks.request('b', { steal: true }, hold('thief')); await robbed; end();
    await Promise.all([locks.request('c', { mode: 'shared' }, hold('reader')), locks.request('c', { mode: 'shared' }, hold('reader')),
      locks.request('c', hold('writer'))]);
    await locks.request('d', () => { throw new Error('mine'); }).catch(({ message }) => said.push(message));
    // Node.js never gives back a lock whose callback throws at once.
    await locks.request('e', () => locks.request('e', { ifAvailable: true }, (lock) => said.push(lock)));
    for (const wrong of [[], ['d'], ['-d', () => {}], ['d', { mode: 'other' }, () => {}], ['d', {}, 1]]) {
      await locks.request(...wrong).catch((error) => said.push(error.name + error.message));
    }
    console.log(JSON.stringify(said));`,
    waits,
  );
  expect(outcome.stderr).toBe('');
  const said = JSON.parse(outcome.stdout) as unknown[];
  expect(said).toContain('["first","AbortError","second","third"]');
  expect(said.length).toBe(17);
  const slices = asyncSlices(outcome.file);
  expect(slices.filter(({ end }) => end === undefined)).toEqual([]);
  expect(countByName(slices, 'lock')).toEqual({
    'lock a wait': 3,
    'lock a': 3,
    'lock b': 2,
    'lock c wait': 1,
    'lock c': 3,
    'lock d': 1,
    'lock e': 1,
  });
  const inside = (name: string) => slices.find((slice) => slice.name === `in ${name}`)!;
  const [second, third] = slices.filter(
    ({ name, args }) => name === 'lock a wait' && args.aborted === undefined,
  );
  expect(second!.end).toBeGreaterThan(inside('first').end!);
  expect(second!.end).toBeLessThan(inside('second').start);
  expect(third!.end).toBeGreaterThan(inside('second').end!);
  expect(third!.end).toBeLessThan(inside('third').start);
});

test.runIf(hasWebLocks)('stop gives Web Locks back', async () => {
  const { stdout } = await runProgram(
    `import worker_threads from 'node:worker_threads'; import { hasSubscribers } from 'node:diagnostics_channel';
    const manager = Object.getPrototypeOf(worker_threads.locks); const before = manager.request;
    const said = []; const look = () => said.push(manager.request === before, hasSubscribers('locks.request.start'));
    look(); await trace.start({ file, sources: { waits: true } }); look();
    said.push(manager.request.name, manager.request.length); await trace.stop(); look();
    console.log(said.join(), before.length);`,
  );
  expect(stdout).toMatch(/^true,false,false,true,request,(\d),true,false \1\n$/);
});

test('a thread that has not heard of the end of the recording waits as long as it says', async () => {
  const { stdout, code } = await runProgram(
    `const cell = new Int32Array(new SharedArrayBuffer(16));
    await trace.start({ file, sources: { waits: true } });
    const worker = new Worker(\`const { parentPort, workerData } = require('node:worker_threads');
      Atomics.store(workerData, 0, 1);
      while (Atomics.load(workerData, 1) === 0);
      const begin = performance.now();
      const result = Atomics.wait(workerData, 2, 0, 200);
      parentPort.postMessage([result, performance.now() - begin > 150]);\`, { eval: true, workerData: cell });
    const answer = new Promise((done) => worker.once('message', done));
    while (Atomics.load(cell, 0) === 0) await new Promise((done) => setTimeout(done, 5));
    await trace.stop();
    Atomics.store(cell, 1, 1);
    console.log((await answer).join());`,
    { env: { TTRACE_SOURCES: 'none,waits' } },
  );
  expect([code, stdout]).toEqual([0, 'timed-out,true\n']);
});
