/** Blocked event loops of real programs: their length, the function that blocks, and what is none. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NODE_MAJOR, readEvents, runProgram, type TraceEvent, temporaryDirectory } from './program.ts';
import { record, run, SLEEP, SPIN } from './source-program.ts';

/**
 * A block whose stack is to be there lasts a second, and on a machine that has little to spare, where the collector takes longer
 * than that to start and to ask, until a look into the file finds its function: `do spin(1000); while (!isFound('name'));`
 */
const FOUND = `import { readFileSync } from 'node:fs';
  const isFound = (name) => readFileSync(file, 'utf8').includes('"' + name + ' (');\n`;

interface Block {
  readonly name: string;
  /** Microseconds. */
  readonly start: number;
  readonly millis: number;
  readonly args: Record<string, unknown>;
  /** All stacks that were seen in it, as JSON text. */
  readonly stacks: string;
  readonly tid: number;
}

function blocks(events: readonly TraceEvent[]): Block[] {
  const open = new Map<string, TraceEvent>();
  const stacks = new Map<string, string>();
  const found: Block[] = [];
  for (const event of events) {
    if (event.cat !== 'loop' || event.id2 === undefined) continue;
    const { local } = event.id2;
    if (event.ph === 'b') {
      open.set(local, event);
      stacks.set(local, '');
    }
    stacks.set(local, stacks.get(local) + JSON.stringify(event.args?.stack ?? []));
    const begin = open.get(local);
    if (event.ph !== 'e' || begin?.args?.blocked !== true) continue;
    found.push({
      name: begin.name!,
      start: begin.ts,
      millis: (event.ts - begin.ts) / 1000,
      args: begin.args,
      stacks: stacks.get(local)!,
      tid: Number(local),
    });
  }
  return found;
}

type Interval = Pick<Block, 'start' | 'millis'>;

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
  const stackOf = (name: string) => found.find(({ stacks }) => stacks.includes(`"${name} (`));
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
    let count = Infinity;
    for (let i = 0; i < 20 && count >= 40; i++) { const before = wakes(); await sleep(1000); count = wakes() - before; }
    console.log(count);
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
      const block = found.find(({ stacks }) => stacks.includes(`"${name} (`));
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

test('a long native call is named after who made it, not after what is called next, whatever kind of function that is', async () => {
  const next = {
    afterFunction: 'declared',
    afterAsync: 'later',
    afterNameless: 'nameless',
    afterNamelessAsync: 'namelessLater',
    afterArrow: 'arrow',
    afterMethod: 'thing.method',
    afterClass: 'new Thing',
  };
  const callers = Object.entries(next).map(
    ([name, callee]) =>
      `function ${name}() { do { const made = JSON.parse(text); ${callee}(made); } while (!isFound('${name}')); }
      await sleep(50); ${name}();`,
  );
  const { events } = await record(
    `${SPIN}${SLEEP}${FOUND}const text = '[' + '{"a":1},'.repeat(600_000) + '1]'; let kept;
    function declared(made) { kept = made; }
    async function later(made) { kept = made; }
    const nameless = function (made) { kept = made; };
    const namelessLater = async function (made) { kept = made; };
    const arrow = (made) => { kept = made; };
    class Thing { constructor(made) { kept = made; } method(made) { kept = made; } }
    const thing = new Thing();
    // In the call itself nobody answers: somebody must have been asked before.
    (function warmUp() { do spin(100); while (!isFound('warmUp')); })();
    ${callers.join('\n')}
    await sleep(50);`,
    'none,loop',
  );
  const names = blocks(events).map(({ name }) => name);
  for (const caller of Object.keys(next)) {
    expect(names).toContainEqual(expect.stringMatching(new RegExp(`^${caller} program`)));
  }
});

test('a long native call that is the last of a callback is nobody’s: not that of what runs callbacks', async () => {
  const { events } = await record(
    `${SPIN}${SLEEP}${FOUND}const text = '[' + '{"a":1},'.repeat(1_500_000) + '1]';
    (function warmUp() { do spin(100); while (!isFound('warmUp')); })();
    for (let i = 0; i < 3; i++) { setTimeout(() => JSON.parse(text), 30); await sleep(60); }`,
    'none,loop',
  );
  const names = blocks(events).map(({ name }) => name);
  expect(names.filter((name) => name === 'blocked' || name.includes('program')).length).toBeGreaterThan(2);
  expect(names.join()).not.toMatch(/listOnTimeout|processTimers|destroyHooksExist/);
});

/** Most promise jobs that any look into a block knows to have run one after another. */
const jobs = (events: readonly TraceEvent[], { start, millis }: Block): number =>
  Math.max(
    0,
    ...events
      .filter(({ cat, ph, ts }) => cat === 'loop' && ph !== 'e' && ts >= start && ts <= start + millis * 1000)
      .map(({ args }) => Number(args?.jobs ?? 0)),
  );

test('promises that never let go are told from code that runs long, in whatever callback, and from several of one turn', async () => {
  const { events } = await record(
    `${SPIN}${SLEEP}${FOUND}
    function work() { spin(4); }
    async function starves() { const end = Date.now() + 1000; while (Date.now() < end || !isFound('work')) { work(); await null; } }
    function computes() { do spin(1000); while (!isFound('computes')); }
    async function afterAwait() { await null; do spin(1000); while (!isFound('afterAwait')); }
    async function inTurn() { await null; spin(200); }
    await sleep(100);
    await starves();
    await sleep(100);
    setTimeout(() => computes());
    await sleep(100);
    setTimeout(() => afterAwait());
    await sleep(100);
    // Several timers of one turn, each with a promise of its own.
    for (let i = 0; i < 6; i++) setTimeout(() => inTurn(), 20);
    spin(30);
    await sleep(100);`,
    'none,loop',
  );
  const found = blocks(events);
  const most = (name: string): number[] =>
    found.filter(({ stacks }) => stacks.includes(`"${name} (`)).map((block) => jobs(events, block));
  expect(Math.max(...most('work'))).toBeGreaterThanOrEqual(2);
  for (const name of ['computes', 'afterAwait', 'inTurn']) {
    expect(most(name).length, name).toBeGreaterThan(0);
    expect(Math.max(...most(name)), name).toBeLessThan(2);
  }
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

test('the last turn of a worker is there, also where it is too short to be looked at, or ends by process.exit', async () => {
  const { events } = await record(
    `import { once } from 'node:events';
    for (const end of ['parentPort.unref()', 'process.exit()']) {
      const worker = new worker_threads.Worker(\`${SPIN.trim()} const { parentPort } = require('node:worker_threads');
        parentPort.on('message', () => { spin(12); ${'$'}{end}; });
        parentPort.postMessage('up');\`, { eval: true });
      await once(worker, 'message');
      const gone = once(worker, 'exit');
      trace.log('asked');
      worker.postMessage('go');
      await gone;
      trace.log('gone');
    }`,
    'none,loop',
  );
  const times = (wanted: string): number[] =>
    events.filter(({ name }) => name === wanted).map(({ ts }) => ts);
  const loops = events.filter(({ cat, pid, id2 }) => cat === 'loop' && Number(id2?.local) !== pid);
  const gone = times('gone');
  for (const [at, asked] of times('asked').entries()) {
    // Where the loop has not waited meanwhile, the turn begins where the one before has ended.
    const own = loops.filter(({ ts }) => ts >= asked - 5000 && ts <= gone[at]!);
    const begins = own.filter(({ ph }) => ph === 'b');
    const ends = own.filter(({ ph }) => ph === 'e');
    expect(Math.max(...ends.map(({ ts }) => ts)) - Math.min(...begins.map(({ ts }) => ts))).toBeGreaterThan(
      11_900,
    );
  }
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
