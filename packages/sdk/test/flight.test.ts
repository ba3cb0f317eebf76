/**
 * The flight recorder in real programs: Go's contract, files of triggers, and what stays when the program does not. One file, for all
 * programs are written with the same few functions of `KIT`.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  filesIn,
  isComplete,
  named,
  type ProgramOptions,
  REQUIRE_SDK,
  readEvents,
  runProgram,
  type TraceEvent,
  threadNames,
  threadSlices,
} from './program.ts';

const KIT = `import { once } from 'node:events'; import { readFileSync, existsSync, readdirSync, writeFileSync, createWriteStream } from 'node:fs';
  import { pbkdf2Sync } from 'node:crypto'; import { setTimeout as sleep } from 'node:timers/promises';
  const spin = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };
  const codeOf = (promise) => promise.then(() => 'fine', ({ code }) => code);
  const flights = () => readdirSync('.').filter((name) => name.startsWith('flight-')).sort();
  const written = async (count) => { while (flights().length < count) await sleep(5); };
`;

async function run(source: string, options: ProgramOptions = {}) {
  const outcome = await runProgram(KIT + source, options);
  const flights = filesIn(outcome.directory).filter((name) => name.startsWith('flight-'));
  return { ...outcome, flights, read: (name: string) => readEvents(join(outcome.directory, name)) };
}

const triggerOf = (events: readonly TraceEvent[]): unknown[] =>
  named(events, 'flight trigger').map(({ args }) => `${String(args?.trigger)}: ${String(args?.what)}`);

test('it keeps to Go: errors while it does not run, is started twice, or writes already; it goes on after each file', async () => {
  const { stdout, stderr, read } = await run(`
    const said = [];
    const recorder = new trace.FlightRecorder();
    said.push(recorder.enabled, await codeOf(recorder.writeTo('a.json')));
    await recorder.stop();
    const started = recorder.start();
    trace.withRegion('first', () => {});
    await started;
    said.push(recorder.enabled, await codeOf(recorder.start()), await codeOf(new trace.FlightRecorder().start()));
    const writing = recorder.writeTo('a.json');
    said.push(await codeOf(recorder.writeTo('b.json')));
    const { file: path, bytes, events } = await writing;
    said.push(path.endsWith('a.json'), bytes === readFileSync('a.json').length, events > 0);
    trace.withRegion('second', () => {});
    await recorder.writeTo('b.pftrace.gz');
    const last = recorder.writeTo('c.json');
    await recorder.stop();
    said.push(existsSync('c.json'), (await last).events, recorder.enabled, await codeOf(recorder.writeTo('d.json')));
    await recorder.start();
    trace.withRegion('third', () => {});
    await recorder.writeTo('d.json');
    await recorder.stop();
    console.log(JSON.stringify(said), trace.isEnabled());
  `);
  expect(stderr).toBe('');
  const [enabled, disabled, ...rest] = JSON.parse(stdout.slice(0, stdout.lastIndexOf(' '))) as unknown[];
  expect([enabled, disabled]).toEqual([false, 'not-started']);
  expect(rest).toEqual([
    ...[true, 'already-started', 'already-started', 'write-in-progress', true, true, true],
    ...[true, 2, false, 'not-started'],
  ]);
  expect(stdout).toContain(' false');
  const names = (file: string): unknown[] => threadSlices(read(file)).map(({ name }) => name);
  expect(names('a.json')).toEqual(['first']);
  expect(names('c.json')).toEqual(['first', 'second']);
  expect(names('d.json')).toEqual(['third']);
});

test('a trace and a flight recorder run side by side, and neither stops the other, whichever came first', async () => {
  for (const isTraceFirst of [true, false]) {
    const { stderr, read, file } = await run(`
      const recorder = new trace.FlightRecorder();
      const worker = new Worker(${JSON.stringify(WORKER)}, { eval: true });
      const work = async (name) => { trace.withRegion(name, () => {}); worker.postMessage(name); await once(worker, 'message'); };
      await once(worker, 'online');
      const begin = [() => trace.start({ file }), () => recorder.start()];
      if (${!isTraceFirst}) begin.reverse();
      await begin[0]();
      await work('one');
      const long = trace.newTask('long');
      await begin[1]();
      await work('both');
      await recorder.writeTo('early.json');
      const report = ${isTraceFirst} ? await trace.stop() : void await recorder.stop();
      await work('other');
      long.end();
      if (${isTraceFirst}) await recorder.writeTo('late.json'), await recorder.stop(); else await trace.stop();
      await work('none');
      worker.terminate();
    `);
    expect(stderr).toBe('');
    const regions = (events: readonly TraceEvent[]): string[] =>
      threadSlices(events)
        .filter(({ cat }) => cat === 'region')
        .map(({ name }) => name!);
    const count = (events: readonly TraceEvent[], name: string): number =>
      regions(events).filter((each) => each === name).length;
    const whole = readEvents(file);
    expect(isComplete(file)).toBe(true);
    // Main and worker each.
    expect([count(whole, 'one'), count(whole, 'both'), count(whole, 'other'), count(whole, 'none')]).toEqual(
      isTraceFirst ? [2, 2, 0, 0] : [0, 2, 2, 0],
    );
    const early = read('early.json');
    expect([count(early, 'one'), count(early, 'both')]).toEqual(isTraceFirst ? [0, 2] : [2, 2]);
    if (isTraceFirst) expect(count(read('late.json'), 'other')).toBe(2);
    expect(threadNames(whole).size).toBe(2);
    // A task that began before the second one came is the first one's.
    const tasks = (events: readonly TraceEvent[]): string[] =>
      events.filter(({ name, ph }) => name === 'long' && 'be'.includes(ph)).map(({ ph }) => ph);
    expect(tasks(isTraceFirst ? whole : early)).toEqual(['b']);
    expect(tasks(isTraceFirst ? early : whole)).toEqual([]);
  }
});

const WORKER = `const { parentPort } = require('node:worker_threads'); ${REQUIRE_SDK}
  parentPort.on('message', (name) => { trace.withRegion(name, () => {}); parentPort.postMessage(name); });`;

const LOOP = { env: { TTRACE_SOURCES: 'none,loop' } };

test('a blocked loop is on disk before it is free again, with the function that blocks, also if the process is killed then', async () => {
  let seen: string[] = [];
  // On a busy machine the program may have stood still before as well.
  let earlier = 0;
  const { directory, signal, flights, read } = await run(
    `await new trace.FlightRecorder({ triggers: 'block>300ms' }).start();
    setTimeout(function stuck() { console.log(flights().length); for (;;); }, 50);`,
    {
      ...LOOP,
      onOutput: (text, child) => {
        earlier = Number(text);
        const timer = setInterval(() => {
          seen = readdirSync(child.spawnargs.at(-1)!.replace(/program\.mjs$/, '')).filter((name) =>
            name.startsWith('flight-'),
          );
          if (seen.length > earlier) child.kill('SIGKILL');
          if (seen.length > earlier || child.exitCode !== null) clearInterval(timer);
        }, 20);
      },
    },
  );
  expect(signal).toBe('SIGKILL');
  expect(flights).toEqual(seen);
  expect(flights).toHaveLength(earlier + 1);
  const last = flights.at(-1)!;
  expect(last).toMatch(/^flight-\d{8}-\d{6}-\d{3}-block-300ms\.json\.gz$/);
  expect(isComplete(join(directory, last))).toBe(true);
  const events = read(last);
  expect(triggerOf(events)).toEqual([expect.stringMatching(/^block>300ms: (Timeout\.)?stuck program\.mjs:/)]);
  const block = events.findLast(({ cat, args }) => cat === 'loop' && args?.blocked === true);
  expect(block?.args?.location).toMatch(/program\.mjs:\d+$/);
  const mark = named(events, 'flight trigger')[0]!;
  expect(mark.ts - block!.ts).toBeGreaterThan(300_000);
  expect(mark.args?.duration_ms).toBeGreaterThan(300);
});

test('a native call that blocks for long fires before it is over, although nobody can look into it', async () => {
  const { stdout, stderr, flights, read } = await run(
    `await new trace.FlightRecorder({ triggers: { on: 'block', overMs: 300 } }).start();
    await sleep(50);
    const earlier = flights().length;
    pbkdf2Sync('secret', 'salt', 4_000_000, 64, 'sha512');
    console.log(JSON.stringify([flights().length > earlier, earlier]));`,
    LOOP,
  );
  expect(stderr).toBe('');
  const [hasFired, earlier] = JSON.parse(stdout) as [boolean, number];
  expect(hasFired).toBe(true);
  expect(triggerOf(read(flights[earlier]!))).toEqual(['block>300ms: main, not answering: in a native call']);
});

test('an idle program is not blocked, however long it is idle', async () => {
  const { stdout, flights } = await run(
    // On a busy machine a thread may stand still in a turn of its loop, but not for as long.
    `await new trace.FlightRecorder({ triggers: 'block>1s' }).start();
    // By then all that is slow at the start is over.
    await sleep(1000);
    const before = flights().length;
    await sleep(3500);
    console.log(flights().length - before);`,
    LOOP,
  );
  expect(stdout).toBe('0\n');
  for (const name of flights) expect(name).toContain('block');
});

test('tasks, calls, collections and signals write a file each, that says which it was and marks the moment', async () => {
  const { stderr, stdout, flights, read } = await run(
    `const told = [];
    // In a file, not what is told of it: several that fire at once have one file, which is told of with the first of them.
    const isMarked = (trigger) => flights().some((name) => readFileSync(name, 'utf8').includes(JSON.stringify({ trigger }).slice(1, -1)));
    const marked = async (trigger) => { while (!isMarked(trigger)) await sleep(5); };
    const recorder = new trace.FlightRecorder({ format: '.json', throttleMs: 0, maxFiles: 100, onFile: (file) => told.push(file),
      triggers: ['task:order>80ms, task>p99*5,signal:SIGUSR2', { on: 'region', name: 'rare' }] });
    await recorder.start();
    trace.withTask('other', () => spin(120));
    let longest = 0;
    for (let i = 0; i < 100; i++) {
      const start = performance.now();
      trace.withTask('quick', () => spin(0.3));
      longest = Math.max(longest, performance.now() - start);
    }
    trace.withRegion('usual', () => {});
    await sleep(60);
    console.log(flights().length);
    // Fires while it goes on, and again at its end when that is twice as long, as on a busy machine: then at once with the next.
    const order = trace.newTask('order');
    await marked('task:order>80ms');
    spin(200);
    order.end();
    trace.withTask('quick', () => spin(7 * longest));
    await marked('task>p99*5');
    trace.withRegion('rare', () => spin(1));
    await marked('region:rare');
    process.kill(process.pid, 'SIGUSR2');
    await marked('signal:SIGUSR2');
    await recorder.stop();
    const collected = new trace.FlightRecorder({ format: '.json', maxFiles: 100, triggers: { on: 'gc', overMs: 5 }, onFile: (file) => told.push(file) });
    await collected.start();
    const kept = [];
    while (!isMarked('gc>5ms')) { for (let i = 0; i < 3e5; i++) kept.push({ i }); await sleep(1); if (kept.length > 6e6) kept.length = 0; }
    await collected.stop();
    console.log(told[0].trigger, told.length === flights().length, told.every(({ error, bytes, events }) => error === undefined && bytes > 0 && events > 0));
    console.log(process.listenerCount('SIGUSR2'));`,
    { env: { TTRACE_SOURCES: 'none,gc' } },
  );
  expect(stderr).toBe('');
  expect(stdout).toBe('0\ntask:order>80ms true true\n0\n');
  const fired = new Set(flights.flatMap((file) => triggerOf(read(file))));
  expect([...fired].slice(0, 4)).toEqual([
    'task:order>80ms: order',
    'task>p99*5: quick',
    'region:rare: rare',
    'signal:SIGUSR2: SIGUSR2',
  ]);
  expect([...fired].at(-1)).toMatch(/^gc>5ms: GC /);
  const open = read(flights[0]!).filter(({ name }) => name === 'order');
  expect(open.map(({ ph }) => ph)).toEqual(['b']);
});

test('an error that nothing catches leaves a file although the process ends, from any thread', async () => {
  const options = { env: { TTRACE_SOURCES: 'none,errors' } };
  const thrown = await run(
    `await new trace.FlightRecorder({ triggers: 'error' }).start();
    trace.withRegion('before', () => {});
    setTimeout(() => { throw new RangeError('too far'); }, 20);`,
    options,
  );
  expect(thrown.code).toBe(1);
  expect(thrown.stderr).toContain('RangeError: too far');
  expect(triggerOf(thrown.read(thrown.flights[0]!))).toEqual(['error: RangeError: too far']);
  expect(named(thrown.read(thrown.flights[0]!), 'before')).toHaveLength(1);
  const rejected = await run(
    `await new trace.FlightRecorder({ triggers: 'error' }).start();
    const worker = new Worker('Promise.reject(new TypeError("odd"))', { eval: true });
    worker.on('error', ({ message }) => console.log(message));
    await once(worker, 'exit');
    await written(1);`,
    options,
  );
  expect(rejected.stdout).toBe('odd\n');
  const [error] = rejected.read(rejected.flights[0]!).filter(({ cat }) => cat === 'error');
  expect(error).toMatchObject({
    name: 'TypeError: odd',
    args: { message: 'odd', origin: 'unhandledRejection' },
  });
  expect(String(error?.args?.stack)).toContain('[worker eval]:1:');
});

test('slow moments are throttled, but for what is twice as bad; and no more than so many files stay', async () => {
  const { stdout, flights, read } = await run(`
    writeFileSync('flight-notes.txt', 'mine');
    const slow = (ms) => trace.withTask('slow', () => spin(ms));
    const recorder = new trace.FlightRecorder({ triggers: 'task>20ms,region:call', maxFiles: 2 });
    await recorder.start();
    const start = performance.now();
    slow(400);
    const worst = performance.now() - start;
    await written(2);
    slow(250); slow(260);
    for (let i = 0; i < 5; i++) trace.withRegion('call', () => {});
    // The long task may have two files: it fires while it lasts, and again when it has become twice as long.
    while (!flights().some((name) => name.includes('call'))) await sleep(5);
    await sleep(60);
    console.log(flights().length);
    const before = flights().join();
    // Fires when it is twice as long, while it lasts, and not again at its end.
    slow(3 * worst);
    while (flights().join() === before) await sleep(5);
    await sleep(100);
    console.log(flights().length);
    await recorder.stop();
  `);
  expect(stdout).toBe('3\n3\n');
  expect(flights).toHaveLength(3);
  expect(flights[2]).toBe('flight-notes.txt');
  expect(flights.slice(0, 2).map((name) => triggerOf(read(name)).join())).toEqual([
    'region:call: call',
    'task>20ms: slow',
  ]);
});

test('it writes into a stream, which stays open, and says what it cannot write', async () => {
  const { stdout, stderr, read, directory } = await run(`
    const recorder = new trace.FlightRecorder();
    await recorder.start();
    trace.withRegion('work', () => {});
    const stream = createWriteStream('stream.json.gz');
    const { file: path, bytes } = await recorder.writeTo(stream, '.json.gz');
    stream.end();
    await once(stream, 'close');
    console.log(path, bytes === readFileSync('stream.json.gz').length);
    const failed = await recorder.writeTo('no/such/directory.json').catch((error) => error);
    console.log(failed.code, failed.message.includes('no/such/directory.json'), failed.message.includes('ENOENT'));
    console.log(await codeOf(recorder.writeTo('report.txt')), await codeOf(recorder.writeTo('a.json', '.zip')), await codeOf(recorder.writeTo(7)));
    const broken = createWriteStream('/dev/full');
    console.log(await codeOf(recorder.writeTo(broken)));
    await recorder.writeTo('after.json');
    await recorder.stop();
  `);
  expect(stderr).toBe('');
  expect(stdout).toBe(
    'undefined true\nwrite-failed true true\nbad-option bad-option bad-option\nwrite-failed\n',
  );
  expect(named(read('stream.json.gz'), 'work')).toHaveLength(1);
  expect(named(read('after.json'), 'work')).toHaveLength(1);
  expect(filesIn(directory).filter((name) => name.includes('tmp'))).toEqual([]);
});

test('a place where nothing can be written is said, and the program and the recorder go on', async () => {
  const { stdout, stderr } = await run(`
    writeFileSync('taken', '');
    for (const directory of ['/proc/no/such', 'taken', 'taken/below']) {
      const told = [];
      const recorder = new trace.FlightRecorder({ triggers: 'task>5ms', directory, onFile: (file) => told.push(file) });
      await recorder.start();
      trace.withTask('slow', () => spin(20));
      while (told.length === 0) await sleep(5);
      const { events } = await recorder.writeTo('after.json');
      console.log(told[0].error !== undefined, told[0].trigger, events);
      await recorder.stop();
    }
  `);
  expect(stderr).toBe('');
  expect(stdout).toBe('true task>5ms 1\n'.repeat(3));
});

test('it keeps its last seconds within its bytes, whole to the end, and says what found no room', async () => {
  const { stdout, read } = await run(`
    const recorder = new trace.FlightRecorder({ maxBytes: 1 << 20, minAgeMs: 60_000, bufferBytes: 1 << 18 });
    await recorder.start();
    trace.withRegion('first of all', () => {});
    await sleep(50);
    for (let before = -1; ; ) {
      for (let i = 0; i < 50_000; i++) { trace.withRegion('flood', () => {}); if (i % 1000 === 0) await sleep(1); }
      const { events } = await recorder.writeTo('window.json');
      if (events <= before * 1.01) break;
      before = events;
    }
    for (let i = 0; i < 100_000; i++) trace.withRegion('burst', () => {});
    await sleep(50);
    trace.withRegion('last', () => {});
    const { events } = await recorder.writeTo('window.json');
    console.log(events);
    await recorder.stop();
  `);
  const events = read('window.json');
  const slices = threadSlices(events);
  expect(slices.length).toBe(Number(stdout));
  expect(named(events, 'first of all')).toEqual([]);
  expect(slices.at(-1)?.name).toBe('last');
  const dropped = events.filter(({ name }) => name === 'ttrace_dropped');
  const count = dropped.reduce((sum, { args }) => sum + Number(args?.dropped), 0);
  expect(count).toBeGreaterThanOrEqual(100_000 - named(events, 'burst').length);
  expect(count).toBeGreaterThan(1000);
});

test('TTRACE_FLIGHT needs no code, says on stderr what it wrote, and a wrong one runs the program unrecorded', async () => {
  // Two files, each for what is twice as bad as the one before: of the first nobody may have seen the stack, for the recorder was
  // still on its way, or it was the start of the program.
  const source = `const count = () => (existsSync('deep/inside') ? readdirSync('deep/inside').length : 0);
    await sleep(50);
    for (let millis = 400; count() < 2; millis *= 2.2) { spin(millis); await sleep(50); }`;
  const { directory, stderr, stdout, flights } = await run(source, {
    env: {
      TTRACE_SOURCES: 'none,loop',
      TTRACE_FLIGHT: 'block>150ms',
      TTRACE_FLIGHT_DIR: 'deep/inside',
      TTRACE_FLIGHT_FORMAT: '.pftrace',
      TTRACE_FILE: '',
    },
    isHooked: true,
    trace: 'unused.json',
  });
  expect(stdout).toBe('');
  expect(flights).toEqual([]);
  const [file] = filesIn(join(directory, 'deep/inside'));
  expect(file).toMatch(/^flight-.*-block-150ms\.pftrace$/);
  expect(stderr).toMatch(
    /^ttrace: flight recorder \(block>150ms: spin program\.mjs:\d+(?: → \S+)?, \d+ ms\) wrote .*\.pftrace$/m,
  );
  const wrong = await run(`console.log('runs', trace.isEnabled());`, {
    env: { TTRACE_FLIGHT: 'blok>1s' },
    flags: ['--require', join(import.meta.dirname, '../dist/register.cjs')],
  });
  expect(wrong.stdout).toBe('runs false\n');
  expect(wrong.stderr).toContain('ttrace: there is no trigger blok>1s; there are block>200ms');
  expect(existsSync(join(wrong.directory, 'trace.json'))).toBe(false);
  const unit = await run(`console.log('runs', trace.isEnabled());`, {
    env: { TTRACE_FLIGHT: 'error', TTRACE_FLIGHT_MAX_BYTES: '20MB' },
    flags: ['--require', join(import.meta.dirname, '../dist/register.cjs')],
  });
  expect(unit.stdout).toBe('runs false\n');
  expect(unit.stderr).toBe('ttrace: TTRACE_FLIGHT_MAX_BYTES must be a number without a unit, got 20MB\n');
});

test('options that cannot be are refused when it is made', async () => {
  const { stdout } = await run(`
    const tries = [{ maxBytes: 1 }, { minAgeMs: -1 }, { triggers: 'block' }, { triggers: 'task>p99*0.5' }, { triggers: [{ on: 'gc' }] },
      { triggers: 'signal:SIGKILL' }, { format: '.txt' }, { maxFiles: 0 }, { directory: 7 }, { onFile: 'x' }, { triggers: 7 },
      { bufferBytes: 1 }, { triggers: 'region:' }, { triggers: { on: 'block', overMs: 5, name: 'x' } }];
    for (const options of tries) try { new trace.FlightRecorder(options); console.log('taken'); } catch ({ code, message }) { console.log(code, message.length > 20); }
  `);
  expect(stdout).toBe('bad-option true\n'.repeat(14));
});

test('a trigger on what is not recorded is refused at the start, also when a trace that came first does not record it', async () => {
  const { stdout, stderr } = await run(`
    const tried = (options) => new trace.FlightRecorder(options).start().then(() => 'started', ({ code, message }) => code + ': ' + message);
    for (const triggers of ['task>1s,block>1s', 'gc>5ms', 'error']) console.log(await tried({ triggers, sources: false }));
    console.log(await tried({ triggers: 'block>5ms', sources: { loop: true } }));
    console.log(trace.isEnabled());
    await trace.start({ file, sources: false });
    console.log((await tried({ triggers: 'block>1s' })).slice(0, 10), await tried({ triggers: 'task>1s,region:x' }));
    await trace.stop();
  `);
  expect(stderr).toBe('');
  const lines = stdout.split('\n');
  expect(lines[0]).toMatch(/^bad-option: the trigger block>1s needs the source loop, which is off: /);
  expect(lines[1]).toMatch(/gc>5ms needs the source gc,/);
  expect(lines[2]).toMatch(/error needs the source errors,/);
  expect(lines[3]).toMatch(/block>5ms is on blocks that are not recorded: only those over 20 ms are/);
  expect(lines.slice(4, 6)).toEqual(['false', 'bad-option started']);
});
