/** Several threads in one file: their clocks agree, their losses are their own, and arrows join them. */
import { createReadStream } from 'node:fs';
import { EventKind, readTrace, type Trace } from '@ttrace/format';
import { expect, test } from 'vitest';
import { named, REQUIRE_SDK, readEvents, runProgram, type TraceEvent, threadNames } from './program.ts';

const worker = (body: string, options = ''): string =>
  `new Worker(${JSON.stringify(`${REQUIRE_SDK} const { parentPort, workerData, threadId } = require('node:worker_threads'); ${body}`)}, { eval: true, ${options} })`;
const EXIT = 'const ended = (worker) => new Promise((resolve) => worker.once("exit", resolve));';

const numbered = (events: readonly TraceEvent[], name: string): Map<string, TraceEvent> =>
  new Map(named(events, name).map((event) => [String(event.args!.n), event]));
const end = ({ ts, dur = 0 }: TraceEvent): number => ts + dur;

/** Each cause has ended before its effect begins, in the times of the file. */
function expectOrder(events: readonly TraceEvent[], rounds: number, names: readonly string[]): void {
  const steps = names.map((name) => numbered(events, name));
  for (const step of steps) expect(step.size).toBe(rounds);
  let early = 0;
  for (const n of steps[0]!.keys()) {
    for (let i = 1; i < steps.length; i++) {
      const [cause, effect] = [steps[i - 1]!.get(n)!, steps[i]!.get(n)!];
      expect(effect.tid).not.toBe(cause.tid);
      if (effect.ts < end(cause)) early++;
    }
  }
  expect(early).toBe(0);
}

test('what happens before a message is sent lies before what happens after it is received', async () => {
  const outcome = await runProgram(`${EXIT}
    await trace.start({ file });
    const rounds = 500;
    const workers = [0, 1].map(() => ${worker(`parentPort.on('message', (n) => {
      if (n === undefined) return parentPort.close();
      trace.withRegion('there', { n }, () => 1);
      parentPort.postMessage(n);
    });`)});
    await Promise.all(workers.map(async (worker, w) => {
      for (let i = 0; i < rounds; i++) {
        const n = w + ' ' + i;
        const answer = new Promise((resolve) => worker.once('message', resolve));
        trace.withRegion('before', { n }, () => 1);
        worker.postMessage(n);
        await answer;
        trace.withRegion('after', { n }, () => 1);
      }
      worker.postMessage(undefined);
      await ended(worker);
    }));
    console.log((await trace.stop()).dropped);`);
  expect(outcome).toMatchObject({ code: 0, stderr: '', stdout: '0\n' });
  expectOrder(readEvents(outcome.file), 1000, ['before', 'there', 'after']);
});

test('what happens before Atomics.notify lies before what happens after the wait, also from worker to worker', async () => {
  // Each thread waits for its turn, main, first worker, second worker, main, …, and looks a while before it sleeps, which is the tightest order there is.
  const turn = (own: number) => `
    for (let n = 0; n < workerData.rounds; n++) {
      for (let now, tries = 0; (now = Atomics.load(workerData.turn, 0)) !== n * 3 + ${own}; ) {
        if (++tries > 500) Atomics.wait(workerData.turn, 0, now);
      }
      trace.withRegion('turn ${own}', { n }, () => 1);
      Atomics.store(workerData.turn, 0, n * 3 + ${own} + 1);
      Atomics.notify(workerData.turn, 0);
    }`;
  const outcome = await runProgram(`${EXIT}
    await trace.start({ file });
    const workerData = { turn: new Int32Array(new SharedArrayBuffer(4)), rounds: 2000 };
    const workers = [${worker(turn(1), 'workerData')}, ${worker(turn(2), 'workerData')}].map(ended);
    ${turn(0)}
    await Promise.all(workers);
    console.log((await trace.stop()).dropped);`);
  expect(outcome).toMatchObject({ code: 0, stderr: '', stdout: '0\n' });
  const events = readEvents(outcome.file);
  expectOrder(events, 2000, ['turn 0', 'turn 1', 'turn 2']);
  const [first, last] = [numbered(events, 'turn 0'), numbered(events, 'turn 2')];
  for (let n = 1; n < 2000; n++) {
    expect(first.get(String(n))!.ts).toBeGreaterThanOrEqual(end(last.get(String(n - 1))!));
  }
});

test.each(['trace.json', 'trace.pftrace'])(
  'each thread has the count of its own dropped events in %s',
  async (name) => {
    // Threads run one after another, so that none is in want of a processor; one of them drops nothing.
    const outcome = await runProgram(
      `${EXIT}
    await trace.start({ file, bufferBytes: 65536 });
    const flood = (count) => { for (let i = 0; i < count; i++) trace.withRegion('step', () => i); };
    flood(200_000);
    const calls = { main: 200_000, a: 300_000, b: 100, c: 100_000 };
    for (const name of ['a', 'b', 'c']) {
      await ended(${worker("for (let i = 0; i < workerData; i++) trace.withRegion('step', () => i);", 'name, workerData: calls[name]')});
    }
    console.log(JSON.stringify({ calls, ...(await trace.stop()) }));`,
      { trace: name },
    );
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    const { calls, dropped } = JSON.parse(outcome.stdout) as {
      calls: Record<string, number>;
      dropped: number;
    };
    const { tracks, columns, length } = await readTrace(createReadStream(outcome.file));
    const recorded = tracks.map(() => 0);
    for (let row = 0; row < length; row++) recorded[columns.track[row]!]!++;
    let sum = 0;
    for (const [index, track] of tracks.entries()) {
      if (track.kind !== 'thread') continue;
      const label = track.name.split(' ').at(-1)!;
      expect([label, recorded[index]! + track.dropped]).toEqual([label, calls[label]]);
      if (label === 'b') expect(track.dropped).toBe(0);
      else expect(track.dropped).toBeGreaterThan(0);
      sum += track.dropped;
    }
    expect(sum).toBe(dropped);
  },
);

/** Sends messages to and fro, each with a flow; a few flows have more ends than two, or one. */
const FLOWS = `${EXIT}
  await trace.start({ file });
  const workers = [0, 1].map((w) => ${worker(
    `parentPort.on('message', ({ n, flow, taskId }) => {
      if (n === undefined) return parentPort.close();
      trace.adoptTask(taskId).run(() => trace.flowIn(flow, 'arrive ' + n));
      parentPort.postMessage({ n, flow: trace.flowOut('answer ' + n) });
    });`,
    'name: "receiver " + w',
  )});
  await Promise.all(workers.map(async (worker, w) => {
    for (let i = 0; i < 20; i++) {
      const n = w + '.' + i;
      const answer = new Promise((resolve) => worker.once('message', resolve));
      trace.withTask('job', { n }, (task) => worker.postMessage({ n, flow: trace.flowOut('leave ' + n), taskId: task.id }));
      const { flow } = await answer;
      trace.flowIn(flow, 'return ' + n);
    }
    worker.postMessage({});
    await ended(worker);
  }));
  const twice = trace.flowOut('leave twice');
  trace.flowIn(twice, 'once'); trace.flowIn(twice, 'again');
  trace.flowOut('nobody gets it');
  trace.flowIn(0, 'was off'); trace.flowIn(undefined, 'no id'); trace.flowIn(NaN, 'no number');
  await trace.stop();`;

/** Ends of the arrows, as `out leave 0.1 in main`, by flow; the slice is the one that holds the end. */
function arrows({ columns, strings, tracks, length }: Trace): string[] {
  const { kind, track, start, value, name } = columns;
  const slices = new Map<string, number>();
  for (let row = 0; row < length; row++) {
    if (kind[row] === EventKind.slice) slices.set(`${track[row]} ${start[row]}`, row);
  }
  const ends = new Map<number, string[]>();
  for (let row = 0; row < length; row++) {
    if (kind[row] !== EventKind.flowOut && kind[row] !== EventKind.flowIn) continue;
    const slice = slices.get(`${track[row]} ${start[row]}`)!;
    const own = ends.get(value[row]!) ?? [];
    ends.set(value[row]!, own);
    const direction = kind[row] === EventKind.flowOut ? 'out' : 'in';
    own.push(`${direction} ${strings.text(name[slice]!)} in ${tracks[track[row]!]!.name}`);
  }
  return [...ends.values()].map((own) => own.sort().reverse().join(' > ')).sort();
}

test.each(['trace.json', 'trace.pftrace', 'trace.json.gz'])(
  'an arrow goes from the slice that sends to the slice that receives, across threads, in %s',
  async (name) => {
    const outcome = await runProgram(FLOWS, { trace: name });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    const read = await readTrace(createReadStream(outcome.file));
    const expected: string[] = [];
    for (const w of [0, 1]) {
      const receiver = read.tracks.find((track) => track.name.endsWith(`receiver ${w}`))!.name;
      for (let i = 0; i < 20; i++) {
        expected.push(`out leave ${w}.${i} in main > in arrive ${w}.${i} in ${receiver}`);
        expected.push(`out answer ${w}.${i} in ${receiver} > in return ${w}.${i} in main`);
      }
    }
    expected.push('out leave twice in main > in once in main > in again in main');
    expected.push('out nobody gets it in main');
    expect(arrows(read)).toEqual(expected.sort());
  },
);

test('both ends of an arrow are in the task that sent and the one that was adopted', async () => {
  const { file } = await runProgram(FLOWS);
  const events = readEvents(file);
  const threads = threadNames(events);
  const jobs = new Map(named(events, 'job').map(({ args }) => [args!.n, args!.task]));
  expect(jobs.size).toBe(40);
  for (const [n, task] of jobs) {
    const [leave, arrive] = [`leave ${n}`, `arrive ${n}`].map((name) => named(events, name));
    expect([leave!.length, arrive!.length]).toEqual([1, 1]);
    expect([leave![0]!.args!.task, arrive![0]!.args!.task]).toEqual([task, task]);
    expect([threads.get(leave![0]!.tid), threads.get(arrive![0]!.tid)]).toEqual([
      'main',
      expect.stringContaining('receiver'),
    ]);
    expect(arrive![0]!.ts).toBeGreaterThan(end(leave![0]!));
  }
});
