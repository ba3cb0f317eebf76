/** The commands that answer questions, on a recording of a program that knows nothing of ttrace. Traces of other producers: foreign-traces.test.ts. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BIN, scratch, ttrace } from './ttrace-process.ts';

/** Blocks main and a worker, parks the worker in Atomics, floods it with messages, serves requests, makes garbage. */
const PROGRAM = `
import http from 'node:http';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
function stallMain(ms) { const end = performance.now() + ms; while (performance.now() < end); }
function stallWorker(ms) { const end = performance.now() + ms; while (performance.now() < end); }
if (isMainThread) {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), { workerData: shared, name: 'crunch' });
  const server = http.createServer((request, response) => { if (request.url === '/slow') stallMain(1500); response.end('{}'); });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = 'http://127.0.0.1:' + server.address().port;
  for (let i = 0; i < 20; i++) await (await fetch(url + (i === 10 ? '/slow' : '/fast'))).text();
  for (let i = 0; i < 1500; i++) worker.postMessage({ job: i });
  worker.postMessage('end');
  await new Promise((resolve) => worker.once('exit', resolve));
  server.close(); server.closeAllConnections();
} else {
  parentPort.on('message', (message) => {
    if (message === 'end') return parentPort.close();
    if (message.job === 100) Atomics.wait(workerData, 0, 0, 300);
    if (message.job === 200) stallWorker(1500);
  });
}
`;

const directory = scratch();
const program = directory.file('program.mjs');
const trace = directory.file('trace.json');
const packed = directory.file('trace.pftrace');

beforeAll(async () => {
  writeFileSync(program, PROGRAM);
  const { code, stderr } = await ttrace(['run', '-o', trace, '--', program]);
  expect({ code, stderr: /rror/.test(stderr) }).toEqual({ code: 0, stderr: false });
  expect((await ttrace(['convert', '-q', trace, packed])).code).toBe(0);
}, 120_000);
afterAll(() => directory.remove());

async function json(...args: string[]): Promise<Record<string, string | number>[]> {
  const { code, stdout, stderr } = await ttrace([...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, string | number>[];
}

test('blockers name the functions that blocked, with file and line, and the request that was running', async () => {
  for (const file of [trace, packed]) {
    const blockers = await json('blockers', file);
    expect(blockers.map(({ name }) => String(name)).join()).toMatch(/stallMain program\.mjs:\d+/);
    const each = await json('blockers', file, '--each', '--min', '1s');
    expect(new Set(each.map(({ thread }) => String(thread).replace(/^worker \d+ .*/, 'worker')))).toEqual(
      new Set(['main', 'worker']),
    );
    for (const { stack, location } of each) {
      expect(stack).toMatch(/stall(Main|Worker)/);
      expect(location).toMatch(/program\.mjs:\d+$/);
    }
    expect(each.map(({ task }) => task)).toContain('GET /slow');
  }
});

test('each thread’s states add up to its time, in both formats', async () => {
  for (const file of [trace, packed]) {
    const threads = await json('threads', file);
    expect(threads.length).toBeGreaterThanOrEqual(2);
    for (const { totalNanos, thread, tid, events, busyShare, dropped, pid, ...states } of threads) {
      const sum = Object.values(states).reduce<number>((total, each) => total + Number(each), 0);
      expect(Math.abs(sum - Number(totalNanos))).toBeLessThan(1000);
    }
    const worker = threads.find(({ thread }) => String(thread).startsWith('worker'));
    expect(Number(worker?.['waiting:Atomics.wait'])).toBeGreaterThan(250e6);
    expect(Number(worker?.blockedNanos)).toBeGreaterThan(1e9);
  }
});

test('messages, tasks and waits have their rows, and filters narrow them', async () => {
  const [flood] = (await json('messages', trace)).filter(
    ({ from, count }) => from === 'main' && Number(count) > 1000,
  );
  expect(flood).toMatchObject({ count: 1501 });
  expect(Number(flood?.maxQueue)).toBeGreaterThan(1000);
  const tasks = await json('tasks', trace);
  expect(tasks.map(({ task, count }) => [task, count])).toEqual([
    ['GET /slow', 1],
    ['GET /fast', 19],
  ]);
  expect(await json('tasks', trace, '--each', '--name', 'GET /fast')).toHaveLength(19);
  expect(await json('tasks', trace, '--each', '--min', '1s')).toHaveLength(1);
  expect(await json('tasks', trace, '--each', '--attribute', 'status=200')).toHaveLength(20);
  expect((await json('locks', trace)).map(({ name }) => name)).toContainEqual(
    expect.stringMatching(/^Atomics\.wait \[0\] \S.* program\.mjs:20$/),
  );
});

test('the critical path of the slow request is the function that blocked', async () => {
  const steps = await json('critical-path', trace, '--task', 'GET /slow');
  const [longest] = steps.sort((a, b) => Number(b.durationNanos) - Number(a.durationNanos));
  expect(longest).toMatchObject({ kind: 'running', thread: 'main' });
  expect(Number(longest?.share)).toBeGreaterThan(0.8);
});

test('as text a critical path has its short steps in one line, as JSON it has all', async () => {
  const steps = await json('critical-path', trace, '--task', 'GET /slow');
  const short = steps.filter(({ share }) => Number(share) < 0.01).length;
  const { stdout } = await ttrace(['critical-path', trace, '--task', 'GET /slow', '--top', '1000']);
  const lines = stdout.trim().split('\n').slice(1);
  expect(lines).toHaveLength(steps.length - Math.max(0, short - 1));
  expect(/(\d+) short steps/.exec(stdout)?.[1]).toBe(short > 1 ? String(short) : undefined);
});

test('lint says what is wrong and ends with 1; --fail-on never ends with 0; --md is short', async () => {
  const { code, stdout } = await ttrace(['lint', trace]);
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /^high +blocked-loop: .*program\.mjs:\d+.* blocked the event loop of main for 1\.\d+ s/m,
  );
  expect((await ttrace(['lint', trace, '--fail-on', 'never'])).code).toBe(0);
  const { stdout: rules } = await ttrace(['lint', trace, '--rules']);
  expect(rules.split('\n').length).toBeGreaterThan(10);
  for (const command of ['lint', 'summary', 'blockers', 'messages', 'tasks']) {
    const report = await ttrace([command, trace, '--md']);
    expect(report.stdout.length).toBeLessThan(4000);
    expect(report.stdout).toMatch(/^##? /);
  }
});

test('lint --json has what a program needs to go on: the worst case, its place, and the command that prints all', async () => {
  const { stdout } = await ttrace(['lint', trace, '--json']);
  const findings = JSON.parse(stdout) as Record<string, string | number>[];
  const blocked = findings.find(({ sentence }) => String(sentence).includes('stallMain'))!;
  expect(blocked).toMatchObject({
    rule: 'blocked-loop',
    severity: 'high',
    thread: 'main',
    task: 'GET /slow',
    taskId: expect.any(Number),
    function: 'stallMain',
    location: expect.stringMatching(/program\.mjs:\d+$/),
  });
  expect(Number(blocked.durationNanos)).toBeGreaterThan(1e9);
  const shell = `ttrace() { "$NODE" "$TTRACE" "$@"; }; ${blocked.command} --json`;
  const env = { ...process.env, NODE: process.execPath, TTRACE: BIN };
  const printed = spawnSync('sh', ['-c', shell], { encoding: 'utf8', env }).stdout;
  expect(JSON.parse(printed)).toHaveLength(Number(blocked.count));
});

test('check holds limits, says which are broken, and ends with 1', async () => {
  const { code, stdout } = await ttrace([
    'check',
    trace,
    '--max-block',
    '1s',
    '--p95',
    'GET /slow=10s',
    '--max',
    'GET /fast=soon',
    '--max-drops',
    '0',
  ]);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  const broken = await ttrace([
    'check',
    trace,
    '--max-block',
    '1s',
    '--p95',
    'GET /slow=10s',
    '--p95',
    'GET /fast=9s',
    '--max-drops',
    '0',
  ]);
  expect(broken.code).toBe(1);
  expect(broken.stdout).toMatch(
    /^BROKEN longest block: 1\.\d+ s \(.*program\.mjs:\d+\), over 1\.00 s\nok {5}p95 of GET \/slow/,
  );
  expect((await ttrace(['check', trace, '--max-block', '100s'])).code).toBe(0);
  expect(await ttrace(['check', trace])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('which limits?'),
  });
});

test('diff of a trace with itself is empty; with a slower one it ends with 1 and says what', async () => {
  expect(await ttrace(['diff', trace, packed])).toMatchObject({ code: 0 });
  const slower = directory.file('slower.json');
  const events = JSON.parse(readFileSync(trace, 'utf8')) as {
    ph: string;
    cat?: string;
    ts: number;
    name: string;
  }[];
  const begins = new Map<string, number>();
  for (const event of events) {
    if (event.cat !== 'task' || event.name !== 'GET /fast') continue;
    const id = JSON.stringify((event as { id2?: unknown }).id2);
    if (event.ph === 'b') begins.set(id, event.ts);
    else event.ts = begins.get(id)! + 3 * (event.ts - begins.get(id)!) + 5000;
  }
  writeFileSync(slower, JSON.stringify(events));
  expect(await ttrace(['diff', trace, trace])).toMatchObject({ code: 0, stdout: 'Nothing changed.\n' });
  const { code, stdout } = await ttrace(['diff', trace, slower]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^task +GET \/fast .*worse/m);
  expect((await ttrace(['diff', trace, slower, '--threshold', '100000%'])).code).toBe(0);
});

test('wrong options are told what is right', async () => {
  for (const [args, said] of [
    [['tasks', trace, '--sort', 'speed'], 'there is no column speed to sort by, only task'],
    [['tasks', trace, '--min', 'fast'], '--min takes a time such as'],
    [['tasks', trace, '--from', '2s', '--to', '1s'], '--from must be before --to'],
    [['tasks', trace, '--json', '--csv'], 'one of --json, --csv, --md and --explain'],
    [['check', trace, '--p95', 'order'], '--p95 takes a name and a time'],
    [['check', trace, '--max-block', '50'], '--max-block needs a unit'],
    [['tasks', trace, '--thread', 'nobody'], 'there is no thread nobody'],
    [['diff', trace, trace, '--threshold', 'much'], '--threshold takes a share'],
    [['check', trace, '--max-gc', '5'], '--max-gc takes a share such as 5% or 0.05, not 5'],
    [['threads', trace, '--task', 'order'], '--task does not narrow this table, only --from, --to, --thread'],
  ] as const) {
    const { code, stderr } = await ttrace(args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(said) });
  }
});
