/** What the API promises: Go's contracts in ttrace's names. */
import { expect, test } from 'vitest';
import {
  droppedCount,
  NODE_MAJOR,
  named,
  readEvents,
  runProgram,
  type TraceEvent,
  threadSlices,
} from './program.ts';

/** Runs a program that records, and returns its events and its output. */
async function record(source: string): Promise<{ events: TraceEvent[]; stdout: string }> {
  const outcome = await runProgram(`await trace.start({ file });\n${source}\nawait trace.stop();`);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  return { events: readEvents(outcome.file), stdout: outcome.stdout };
}

const only = (events: readonly TraceEvent[], name: string): TraceEvent => {
  const found = named(events, name);
  expect(found).toHaveLength(1);
  return found[0]!;
};

test('a second start is refused and leaves the first recording as it was', async () => {
  const { events, stdout } = await record(`
    await trace.start({ file: 'other.json' }).catch((error) => console.log(error.name, error.code));
    trace.withRegion('still here', () => 1);`);
  expect(stdout).toBe('TraceUsageError already-started\n');
  expect(only(events, 'still here').ph).toBe('X');
});

test('stop without a recording, and a second stop, are harmless', async () => {
  const { stdout } = await runProgram(`
    console.log(await trace.stop());
    await trace.start({ file });
    trace.withRegion('one', () => 1);
    const [first, second] = await Promise.all([trace.stop(), trace.stop()]);
    console.log(first.events, first.dropped, first.threads, second === first, await trace.stop());`);
  expect(stdout).toBe('undefined\n1 0 1 true undefined\n');
});

test('while off every call does its work and evaluates nothing', async () => {
  const outcome = await runProgram(`
    trace.log('cache', () => { throw new Error('evaluated'); });
    const region = trace.startRegion('a');
    region.end();
    const task = trace.newTask('t', { get bad() { throw new Error('read'); } });
    console.log(trace.isEnabled(), trace.withRegion('r', () => 1), trace.withRegion('r', { a: 1 }, () => 2),
      trace.withTask('t', (own) => own.id), await trace.withTask('t', async () => 3), task.run(() => 4), task.id,
      trace.flowOut(), region === trace.startRegion('b'));
    task.end(); trace.flowIn(0); trace.counter('c', 1); trace.adoptTask(9).end();`);
  expect(outcome).toMatchObject({ code: 0, stderr: '', stdout: 'false 1 2 0 3 4 0 0 true\n' });
});

test('regions pass value and exception through, nest in time, and carry attributes', async () => {
  const { events, stdout } = await record(`
    const value = trace.withRegion('outer', { id: 17 }, () => trace.withRegion('inner', () => 'value'));
    try { trace.withRegion('thrower', () => { throw new Error('mine'); }); } catch (error) { console.log(value, error.message); }
    const a = trace.startRegion('a'); const b = trace.startRegion('b'); b.end(); a.end(); a.end();`);
  expect(stdout).toBe('value mine\n');
  const [outer, inner, a, b] = ['outer', 'inner', 'a', 'b'].map((name) => only(events, name));
  expect(outer!.args).toEqual({ id: 17 });
  for (const [parent, child] of [
    [outer!, inner!],
    [a!, b!],
  ] as const) {
    expect(child.ts).toBeGreaterThan(parent.ts);
    expect(child.ts + child.dur!).toBeLessThan(parent.ts + parent.dur!);
  }
  expect(only(events, 'thrower').ph).toBe('X');
});

test('the region of an async function ends when its promise settles, and hides no rejection', async () => {
  const outcome = await runProgram(`
    import { setTimeout } from 'node:timers/promises';
    await trace.start({ file });
    console.log(await trace.withRegion('slow', async () => { await setTimeout(50); return 'done'; }));
    await trace.withRegion('failing', async () => { throw new Error('caught'); }).catch(({ message }) => console.log(message));
    process.once('unhandledRejection', ({ message }) => console.log('unhandled', message));
    trace.withRegion('forgotten', { id: 1 }, async () => { throw new Error('loose'); });
    await setTimeout(20);
    const query = { called: 0, then(resolve) { this.called++; resolve(1); } };
    console.log(trace.withRegion('lazy', () => query) === query, query.called);
    await trace.stop();`);
  expect(outcome).toMatchObject({ code: 0, stdout: 'done\ncaught\nunhandled loose\ntrue 0\n' });
  const events = readEvents(outcome.file);
  const begin = only(events, 'slow');
  const end = events.find(
    ({ ph, id2, ts }) => ph === 'e' && id2!.local === begin.id2!.local && ts > begin.ts,
  );
  expect(begin.ph).toBe('b');
  expect(end!.ts - begin.ts).toBeGreaterThan(40_000);
  expect(only(events, 'lazy').ph).toBe('X');
});

test('tasks know their parents, regions and logs their task, across everything that is asynchronous', async () => {
  const { events } = await record(`
    import { EventEmitter, once } from 'node:events';
    import { readFile } from 'node:fs/promises';
    import { AsyncResource } from 'node:async_hooks';
    const expected = [];
    const mark = (task, where) => { const name = where + ' ' + task; expected.push(name); trace.withRegion(name, () => 1); };
    const ids = {};
    const job = (n) => trace.withTask('job', { n }, async (task) => {
      ids[n] = task.id;
      mark(n, 'sync');
      await 1; mark(n, 'await');
      await new Promise((resolve) => setTimeout(resolve, n)); mark(n, 'timer');
      await readFile(process.argv[1]); mark(n, 'file');
      await new Promise((resolve) => setImmediate(resolve)); mark(n, 'immediate');
      await new Promise((resolve) => process.nextTick(resolve)); mark(n, 'tick');
      queueMicrotask(() => mark(n, 'microtask'));
      const emitter = new EventEmitter(); emitter.on('x', () => mark(n, 'event')); emitter.emit('x');
      const bound = AsyncResource.bind(() => mark(n, 'bound'));
      await new Promise((resolve) => setTimeout(resolve, 5));
      trace.newTask('other').run(() => { bound(); mark('inner' + n, 'nested'); });
      mark(n, 'after nested');
      let ticks = 0;
      await new Promise((resolve) => { const timer = setInterval(() => {
        mark(n, 'interval' + ticks);
        trace.newTask('tick').run(() => mark('tick' + n, 'run' + ticks));
        mark(n, 'interval again' + ticks);
        if (++ticks === 3) { clearInterval(timer); resolve(); }
      }, 2); });
      trace.log('done', String(n));
      await trace.withTask('child', async () => { await 1; mark('child' + n, 'deep'); });
      mark(n, 'end');
    });
    mark('none', 'outside');
    await Promise.all(Array.from({ length: 20 }, (_, n) => job(n)));
    mark('none', 'outside again');`);
  const jobs = events.filter(({ ph, name }) => ph === 'b' && name === 'job');
  expect(jobs).toHaveLength(20);
  const taskOf = new Map(jobs.map(({ args }) => [String(args!.n), args!.task]));
  let checked = 0;
  for (const { ph, name, args } of events) {
    if (ph !== 'X') continue;
    const owner = name!.split(' ').at(-1)!;
    if (owner === 'none') expect(args?.task).toBeUndefined();
    else if (taskOf.has(owner)) expect([name, args?.task]).toEqual([name, taskOf.get(owner)]);
    else expect([...taskOf.values(), undefined]).not.toContain(args?.task);
    checked++;
  }
  expect(checked).toBe(20 * 22 + 2);
  const parents = events
    .filter(({ ph, name }) => ph === 'b' && name === 'child')
    .map(({ args }) => args!.parent);
  expect(new Set(parents)).toEqual(new Set(taskOf.values()));
  for (const { args } of named(events, 'done')) expect(args!.task).toBe(taskOf.get(String(args!.message)));
});

test('a task ends once, also when a worker that adopted it ends it first', async () => {
  const { events } = await record(`
    const task = trace.newTask('shared');
    const worker = new Worker(\`const { parentPort, workerData } = require('node:worker_threads');
      import(\${JSON.stringify(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)})}).then(({ trace }) => {
        const task = trace.adoptTask(workerData);
        task.run(() => trace.withRegion('in worker', () => 1));
        task.end(); task.end();
      });\`, { eval: true, workerData: task.id });
    await new Promise((resolve) => worker.once('exit', resolve));
    task.end(); task.end();`);
  const begin = only(events, 'shared');
  expect(
    events.filter(({ ph, id2, cat }) => ph === 'e' && cat === 'task' && id2!.local === begin.id2!.local),
  ).toHaveLength(1);
  expect(only(events, 'in worker').args).toEqual({ task: begin.args!.task });
});

test('what begins in one recording and ends in another leaves no stray event', async () => {
  const outcome = await runProgram(`
    const off = trace.startRegion('begun off');
    await trace.start({ file: 'first.json' });
    off.end();
    const region = trace.startRegion('begun in the first'); const task = trace.newTask('task of the first');
    const promise = trace.withRegion('async of the first', () => new Promise((resolve) => setTimeout(resolve, 60)));
    let late; const running = trace.withRegion('sync over the end', () => { late = trace.stop(); return 1; });
    await late;
    await trace.start({ file });
    region.end(); task.end(); await promise;
    trace.withRegion('clean', () => 1);
    await trace.stop();`);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  const events = readEvents(outcome.file).filter(({ ph, cat }) => ph !== 'M' && cat !== 'ttrace');
  expect(events.map(({ name }) => name)).toEqual(['clean']);
  const first = readEvents(`${outcome.directory}/first.json`);
  expect(
    first
      .filter(({ ph }) => 'Bb'.includes(ph))
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['async of the first', 'begun in the first', 'sync over the end', 'task of the first']);
});

test('attributes of any kind are made safe', async () => {
  const { events } = await record(`
    const cycle = { name: 'cycle' }; cycle.self = cycle;
    const attributes = { cycle, nan: NaN, big: 10n ** 30n, fn() {}, symbol: Symbol('s'), nothing: undefined, nil: null,
      get bad() { throw new Error('getter'); }, proxy: new Proxy({}, { ownKeys() { throw new Error('trap'); } }),
      date: new Date(0), error: new TypeError('oops'), map: new Map(), huge: 'x'.repeat(1e6),
      wide: Array.from({ length: 1000 }, (_, i) => i), task: 'reserved', ['__proto__x']: 1, 'quote"\\n': 'é😀\\u2028' };
    trace.withRegion('region', attributes, () => 1);
    trace.withTask('task', attributes, () => 1);
    trace.log('', 'empty category'); trace.log('lazy', () => { throw new Error('inside'); }); trace.log('object', { toString() { throw 1; } });
    trace.counter('nan', NaN); trace.counter('symbol', Symbol('s'));`);
  const { args } = only(events, 'region');
  expect(args).toMatchObject({
    nan: 'NaN',
    nil: null,
    date: '1970-01-01T00:00:00.000Z',
    error: 'TypeError: oops',
    task_: 'reserved',
  });
  expect(args!['quote"\n']).toBe('é😀\u2028');
  expect(args).not.toHaveProperty('nothing');
  expect(String(args!.huge).length).toBeLessThan(5000);
  expect(only(events, 'task').args).toMatchObject({ big: '1000000000000000000000000000000' });
  expect(only(events, 'lazy').args!.message).toContain('inside');
  expect(only(events, 'nan').args!.value).toBe(0);
});

test('names that are no strings are made strings, and never thrown about', async () => {
  const { events } = await record(`
    const odd = [null, undefined, 17, Symbol('s'), { get length() { throw new Error('length'); }, toString() { throw new Error('text'); } }];
    for (const name of odd) console.log(trace.withRegion(name, () => 'ran'), trace.withRegion(name, { a: 1 }, () => 'ran'));`);
  const names = threadSlices(events)
    .filter(({ cat }) => cat === 'region')
    .map(({ name }) => name);
  const texts = ['null', 'undefined', '17', 'Symbol(s)', '[unreadable]'];
  expect(names).toEqual(texts.flatMap((text) => [text, text]));
});

test('ids of flows and tasks that no recording gave out are passed over, in every format', async () => {
  for (const name of ['trace.json', 'trace.pftrace']) {
    const { code, stdout, stderr } = await runProgram(
      `await trace.start({ file });
      for (const id of [Infinity, -Infinity, NaN, 1e300, 0.5, -1, 2 ** 53, Symbol('s'), 1n, 'x', null]) {
        trace.flowIn(id);
        trace.adoptTask(id).run(() => trace.withRegion('kept', () => 1));
      }
      console.log(trace.adoptTask(2 ** 32 + 1).id, (await trace.stop()).events);`,
      { trace: name },
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '0 11\n', stderr: '' });
  }
});

test('names past the bound are recorded as (other), and none is lost', async () => {
  const { events } = await record(
    "for (let i = 0; i < 20_000; i++) trace.withRegion('name ' + i, () => i); trace.withRegion({ odd: 1 }, () => 1);",
  );
  const regions = threadSlices(events);
  expect(regions).toHaveLength(20_001);
  expect(new Set(regions.map(({ name }) => name)).size).toBeLessThan(16_385);
  expect(named(events, '(other)').length).toBeGreaterThan(3000);
});

test('a full ring drops the newest events, counts them exactly, and says so in the file', async () => {
  const outcome = await runProgram(`
    await trace.start({ file, bufferBytes: 65536 });
    const count = 300_000;
    const worker = new Worker(\`import(\${JSON.stringify(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)})}).then(({ trace }) => {
      for (let i = 0; i < \${count}; i++) trace.withRegion('step', () => i); });\`, { eval: true });
    for (let i = 0; i < count; i++) trace.withRegion('step', () => i);
    await new Promise((resolve) => worker.once('exit', resolve));
    const { events, dropped } = await trace.stop();
    console.log(events, dropped, 2 * count);`);
  const [recorded, dropped, called] = outcome.stdout.split(' ').map(Number) as [number, number, number];
  const events = readEvents(outcome.file);
  expect(dropped).toBeGreaterThan(0);
  expect(recorded + dropped).toBe(called);
  expect(named(events, 'step')).toHaveLength(recorded);
  expect(droppedCount(events)).toBe(dropped);
});

test('begins of a thread strictly increase, and children lie within their parents', async () => {
  const { events } = await record(`
    const nest = (depth) => trace.withRegion('depth ' + depth, () => (depth > 0 ? nest(depth - 1) : 0));
    for (let i = 0; i < 500; i++) nest(100);`);
  const open: number[] = [];
  const regions = threadSlices(events).sort((a, b) => a.ts - b.ts);
  expect(regions).toHaveLength(500 * 101);
  let last = 0;
  for (const { ts, dur } of regions) {
    expect(ts).toBeGreaterThan(last);
    last = ts;
    while (open.length > 0 && open.at(-1)! < ts) open.pop();
    if (open.length > 0) expect(ts + dur!).toBeLessThan(open.at(-1)!);
    open.push(ts + dur!);
  }
});

test('stop takes everything back, and a program that only starts and stops ends by itself', async () => {
  const outcome = await runProgram(`
    import * as threads from 'node:worker_threads';
    import { createRequire } from 'node:module';
    import { readdirSync } from 'node:fs';
    const required = createRequire(import.meta.url)('node:worker_threads');
    const look = () => [threads.Worker, required.Worker, process.emit, process.reallyExit,
      ...process.eventNames().map((name) => String(name) + process.listenerCount(name))];
    const before = look();
    const files = () => readdirSync('/proc/self/fd').length;
    await trace.start({ file }); await trace.stop();
    const open = files();
    for (let i = 0; i < 30; i++) { await trace.start({ file }); trace.withRegion('x', () => 1); await trace.stop(); }
    const after = look();
    console.log(before.length === after.length && before.every((value, i) => value === after[i]), files() - open);`);
  expect(outcome).toMatchObject({ code: 0, stderr: '', stdout: 'true 0\n' });
});

test.runIf(NODE_MAJOR >= 24)('using closes regions and tasks with their block', async () => {
  const { events } = await record(
    "{ using task = trace.newTask('task'); using region = trace.startRegion('region'); }",
  );
  expect(only(events, 'region').ph).toBe('X');
  expect(events.filter(({ ph }) => ph === 'e')).toHaveLength(1);
});

test('CommonJS programs use it by require', async () => {
  const outcome = await runProgram(
    "trace.start({ file }).then(() => { trace.withRegion('cjs', () => 1); return trace.stop(); });",
    { kind: 'cjs' },
  );
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(named(readEvents(outcome.file), 'cjs')).toHaveLength(1);
});
