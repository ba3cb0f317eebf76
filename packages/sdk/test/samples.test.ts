/** CPU samples of real threads: what burned, where in the program, and that nothing is missed between profiles or at the end. */
import { expect, test } from 'vitest';
import {
  filesIn,
  type ProgramOptions,
  readEvents,
  runProgram,
  type TraceEvent,
  threadNames,
} from './program.ts';

// Generators: V8 takes functions that it puts into another one for that one at times.
const KIT = `import { writeFileSync } from 'node:fs'; import inspector from 'node:inspector'; import { once } from 'node:events';
  function* burnA(ms) { const end = performance.now() + ms; while (performance.now() < end) Math.sqrt(ms); }
  function* burnB(ms) { const end = performance.now() + ms; while (performance.now() < end) Math.sqrt(ms); }
  const a = (ms) => burnA(ms).next(); const b = (ms) => burnB(ms).next();
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
`;
const SAMPLES = { isHooked: true, env: { TTRACE_SOURCES: 'none,samples:2ms' } } as const;

/** A leaf of the samples: for how long nothing was running inside it. */
interface Sampled {
  readonly stack: readonly string[];
  readonly root: TraceEvent;
  readonly from: number;
  readonly to: number;
}

/** What was running on a thread, stretch by stretch. Throws when slices do not nest. */
function sampledOn(events: readonly TraceEvent[], tid: number): Sampled[] {
  const own = events.filter(({ cat, id2 }) => cat === 'sample' && Number(id2?.local) === tid);
  const open: TraceEvent[] = [];
  const found: Sampled[] = [];
  let last = 0;
  for (const event of own) {
    if (event.ts < last) throw new Error('samples go back in time');
    if (open.length > 0 && event.ts > last) {
      found.push({ stack: open.map(({ name }) => name!), root: open[0]!, from: last, to: event.ts });
    }
    last = event.ts;
    if (event.ph === 'b') open.push(event);
    else if (open.pop()?.name !== event.name) throw new Error(`${event.name} ends what it did not begin`);
  }
  return found;
}

function total(samples: readonly Sampled[], filter: (sample: Sampled) => boolean): number {
  return samples.filter(filter).reduce((sum, { from, to }) => sum + to - from, 0) / 1000;
}

const has =
  (name: string) =>
  ({ stack }: Sampled): boolean =>
    stack.includes(name);

async function record(source: string, options: ProgramOptions = SAMPLES): Promise<TraceEvent[]> {
  const outcome = await runProgram(KIT + source, options);
  expect(outcome.stderr).toBe('');
  return readEvents(outcome.file);
}

test('functions have their share of main and of a worker, under the region and the task in which they ran, over several profiles', async () => {
  const events = await record(
    // As many stretches as the ratio says, or nearly: on a busy machine each of them takes some time more.
    `const work = async () => { for (let i = 0; i < 14; i++) {
      trace.withTask('job', () => { trace.withRegion('first', () => { a(40); a(40); }); trace.withRegion('second', () => b(40)); });
      b(20); await sleep(10); } };
    const worker = new Worker(new URL('./worker.mjs', import.meta.url));
    await work();
    await once(worker, 'message');
    await sleep(1200);`,
    {
      ...SAMPLES,
      files: {
        'worker.mjs': `import { parentPort } from 'node:worker_threads';
          ${KIT.slice(KIT.indexOf('function*'), KIT.indexOf('const sleep'))}
          for (let i = 0; i < 10; i++) { a(60); b(60); b(60); }
          setTimeout(() => parentPort.postMessage('done'), 1200);`,
      },
    },
  );
  const [[main], [worker]] = [...threadNames(events)].sort(([, one]) => (one === 'main' ? -1 : 1)) as [
    [number, string],
    [number, string],
  ];
  const onMain = sampledOn(events, main);
  const ratio = total(onMain, has('burnA')) / total(onMain, has('burnB'));
  expect(ratio).toBeGreaterThan((80 / 60) * 0.65);
  expect(ratio).toBeLessThan((80 / 60) * 1.5);
  // Nothing is missed: but for the start of the profiler, all of what was burned.
  expect(total(onMain, has('burnA')) / (14 * 80)).toBeGreaterThan(0.6);
  expect(onMain.at(-1)!.to - onMain[0]!.from).toBeGreaterThan(1_500_000);
  const isIn =
    (region: string | undefined) =>
    ({ root }: Sampled): boolean =>
      root.args?.region === region;
  const share = (region: string | undefined, name: string): number =>
    total(onMain.filter(isIn(region)), has(name)) / total(onMain, has(name));
  expect(share('first', 'burnA')).toBeGreaterThan(0.9);
  expect(share('second', 'burnB')).toBeGreaterThan(0.45);
  expect(share('second', 'burnB')).toBeLessThan(0.85);
  expect(share(undefined, 'burnB')).toBeGreaterThan(0.12);
  const tasks = new Set(onMain.filter(isIn('first')).map(({ root }) => root.args?.task));
  expect(tasks.size).toBeGreaterThanOrEqual(9);
  const onWorker = sampledOn(events, worker);
  const workerRatio = total(onWorker, has('burnB')) / total(onWorker, has('burnA'));
  // Not exact where the processors are shared: time is burned by the clock.
  expect(workerRatio).toBeGreaterThan(1.25);
  expect(workerRatio).toBeLessThan(3.2);
  const leaf = events.find(({ cat, name }) => cat === 'sample' && name === 'burnA');
  expect(leaf?.args?.location).toMatch(/program\.mjs:3$/);
});

test('code that runs in a task has it without a region, and a request has its handler', async () => {
  const events = await record(
    `import http from 'node:http';
    for (let i = 0; i < 15; i++) { trace.withTask('job', async () => { a(40); await sleep(1); }); b(10); }
    const server = http.createServer((request, response) => { b(20); response.end(); }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    for (let i = 0; i < 15; i++) await fetch('http://127.0.0.1:' + server.address().port).then((answer) => answer.text());
    for (let i = 0; i < 3; i++) a(40);
    server.close();
    await sleep(1200);`,
    { ...SAMPLES, env: { TTRACE_SOURCES: 'none,http,samples:2ms' } },
  );
  const [[main]] = [...threadNames(events)] as [[number, string]];
  const samples = sampledOn(events, main);
  const tasks = new Map(
    events.filter(({ cat, ph }) => cat === 'task' && ph === 'b').map(({ args, name }) => [args?.task, name]),
  );
  const share = (task: string | undefined, name: string): number =>
    total(
      samples.filter(({ root }) => tasks.get(root.args?.task) === task),
      has(name),
    ) / total(samples, has(name));
  // 600 of 720 ms, and 300 of 450, in many stretches: what is lost or won in one of them on a busy machine is of little weight.
  expect(share('job', 'burnA')).toBeGreaterThan(0.7);
  expect(share(undefined, 'burnA')).toBeGreaterThan(0.1);
  expect(share('GET /', 'burnB')).toBeGreaterThan(0.5);
  expect(share(undefined, 'burnB')).toBeGreaterThan(0.2);
});

test('a thread that is busy from begin to end is sampled all along, and at process.exit nothing is lost', async () => {
  const events = await record(`a(2600); process.exit(0);`);
  const [[main]] = [...threadNames(events)] as [[number, string]];
  const samples = sampledOn(events, main);
  const burned = samples.filter(has('burnA'));
  const span = (burned.at(-1)!.to - burned[0]!.from) / 1000;
  expect(total(burned, () => true) / span).toBeGreaterThan(0.95);
  expect(span).toBeGreaterThan(2000);
});

test('stop has the samples until then; without the source there are none, and no inspector is opened', async () => {
  const stopped = await record(
    `await trace.start({ file, sources: { ...Object.fromEntries(['loop', 'gc', 'memory', 'messages', 'waits', 'http', 'workers', 'processes', 'errors']
      .map((name) => [name, false])), samples: { intervalMs: 1 } } });
    await sleep(150); a(300); await trace.stop(); b(100);`,
    {},
  );
  const [[main]] = [...threadNames(stopped)] as [[number, string]];
  const samples = sampledOn(stopped, main);
  expect(total(samples, has('burnA'))).toBeGreaterThan(200);
  expect(total(samples, has('burnB'))).toBe(0);
  const without = await record(`a(100);`, { isHooked: true });
  expect(without.filter(({ cat }) => cat === 'sample')).toEqual([]);
});

test("a profiler of the user's in the same thread goes on, and finds what it would have found", async () => {
  const events = await record(`
    const session = new inspector.Session(); session.connect();
    const post = (method, params) => new Promise((done, fail) => session.post(method, params, (error, result) => (error ? fail(error) : done(result))));
    await post('Profiler.enable'); await post('Profiler.start');
    a(1300);
    const { profile } = await post('Profiler.stop');
    const id = profile.nodes.filter(({ callFrame }) => callFrame.functionName === 'burnA').map(({ id }) => id);
    trace.counter('theirs', id.length);
    session.disconnect();
    a(100); await sleep(10);`);
  const [[main]] = [...threadNames(events)] as [[number, string]];
  expect(total(sampledOn(events, main), has('burnA'))).toBeGreaterThan(900);
  expect(events.find(({ name, ph }) => name === 'theirs' && ph === 'C')?.args?.value).toBeGreaterThan(0);
});

test('where the permission model forbids the inspector the program runs, and the trace says why there are no samples', async () => {
  const major = Number(process.versions.node.split('.')[0]);
  const flag = major < 24 ? '--experimental-permission' : '--permission';
  const outcome = await runProgram(`${KIT} a(100); console.log('ran');`, {
    ...SAMPLES,
    flags: [flag, '--allow-fs-read=*', '--allow-fs-write=*', '--allow-worker'],
  });
  expect(outcome.stdout).toBe('ran\n');
  const events = readEvents(outcome.file);
  expect(events.filter(({ cat }) => cat === 'sample')).toEqual([]);
  expect(events.find(({ name }) => name === 'ttrace_no_stacks')?.args?.reason).toContain('permission');
});

test('with --cpu-prof there are no samples, and nothing is printed: Node.js takes that profile as ever', async () => {
  const outcome = await runProgram(`${KIT} a(1500); await sleep(50);`, { ...SAMPLES, flags: ['--cpu-prof'] });
  expect(outcome.stderr).toBe('');
  expect(outcome.code).toBe(0);
  expect(readEvents(outcome.file).filter(({ cat }) => cat === 'sample')).toEqual([]);
  expect(filesIn(outcome.directory).filter((name) => name.endsWith('.cpuprofile')).length).toBeGreaterThan(0);
});
