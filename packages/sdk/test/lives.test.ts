/** The lives of workers and of child processes: real ones, seen by the thread that makes them. */
import { expect, test } from 'vitest';
import { type ProgramOptions, readEvents, runProgram, type TraceEvent, threadNames } from './program.ts';
import { spansOf } from './spans.ts';

const KIT = `import worker_threads from 'node:worker_threads'; import * as processes from 'node:child_process';
  import { once } from 'node:events'; import diagnostics from 'node:diagnostics_channel'; import { writeFileSync } from 'node:fs';
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const onLives = (file) => trace.start({ file, sources: { ...Object.fromEntries(
    ['loop', 'gc', 'memory', 'messages', 'waits', 'http'].map((name) => [name, false])), workers: true, processes: true } });
`;

async function record(source: string, options: ProgramOptions = {}): Promise<TraceEvent[]> {
  const outcome = await runProgram(KIT + source, {
    isHooked: true,
    env: { TTRACE_SOURCES: 'none,workers,processes' },
    ...options,
  });
  expect(outcome.stderr).toBe('');
  expect(outcome.code).toBe(0);
  return readEvents(outcome.file);
}

test('a worker lives from its construction to its exit, under the name of its track, in the task that made it', async () => {
  const events = await record(
    `const task = trace.newTask('start up');
    const worker = task.run(() => new Worker(new URL('./job.cjs', import.meta.url)));
    await once(worker, 'exit');
    await once(new Worker('process.exit(3)', { eval: true, name: 'resizer' }), 'exit');
    task.end();`,
    { files: { 'job.cjs': 'setTimeout(() => {}, 30);' } },
  );
  const [first, second, ...others] = spansOf(events, 'worker');
  expect(others).toEqual([]);
  expect([first?.name, second?.name]).toEqual(['worker 2 job.cjs', 'worker 3 resizer']);
  for (const name of [first?.name, second?.name]) expect([...threadNames(events).values()]).toContain(name);
  expect(first?.args).toEqual({ task: expect.any(Number), threadId: 2, exitCode: 0 });
  expect(second?.args).toEqual({ threadId: 3, exitCode: 3 });
  expect(first!.end! - first!.start).toBeGreaterThan(25_000);
  const online = events.filter(({ name }) => name === 'worker online');
  // The second one may end before it is heard of.
  expect(online[0]?.args).toEqual({ task: first?.args.task, threadId: 2 });
  expect(online[0]?.ph).toBe('i');
  expect(online[0]?.ts).toBeGreaterThan(first!.start);
  expect(online[0]?.ts).toBeLessThan(first!.end!);
  const main = [...threadNames(events)].find(([, name]) => name === 'main')?.[0];
  expect(online[0]?.tid).toBe(main);
});

test('a worker that a worker makes lives on the trace too, and one that is terminated says so', async () => {
  const events = await record(
    `const worker = new Worker('./outer.cjs');
    await once(worker, 'message');
    await worker.terminate();`,
    {
      files: {
        'outer.cjs': `const { Worker, parentPort } = require('node:worker_threads');
          new Worker('process.exit(7)', { eval: true }).on('exit', (code) => setTimeout(() => parentPort.postMessage(code), 60));
          setTimeout(() => {}, 5000);`,
      },
    },
  );
  const lives = spansOf(events, 'worker').map(({ name, args: { exitCode, terminated } }) => [
    name,
    exitCode,
    terminated,
  ]);
  expect(lives).toEqual([
    ['worker 2 outer.cjs', 1, true],
    ['worker 3 [eval]', 7, undefined],
  ]);
});

test('the recorder has no life of its own, and workers and processes begun or ended outside are left alone', async () => {
  const { file, stdout, stderr } = await runProgram(`${KIT}
    const hold = 'setInterval(() => {}, 1000)';
    const make = async () => {
      const worker = new Worker(hold, { eval: true });
      const child = processes.spawn(process.execPath, ['-e', hold], { stdio: 'ignore' });
      await Promise.all([once(worker, 'online'), once(child, 'spawn')]);
      return { worker, child, counts: () => [worker, child].map((one) => one.eventNames().map((name) => String(name) + one.listenerCount(name)).join()) };
    };
    const end = ({ worker, child }) => { child.kill(); return Promise.all([worker.terminate(), once(child, 'exit')]); };
    const names = ['worker_threads', 'child_process'];
    const subscribed = () => names.filter((name) => diagnostics.hasSubscribers(name)).length;
    const { terminate } = worker_threads.Worker.prototype;
    const seen = [subscribed()];
    const before = await make();
    const counts = before.counts();
    await onLives(file);
    seen.push(subscribed(), worker_threads.Worker.prototype.terminate.name, worker_threads.Worker.prototype.terminate.length === terminate.length);
    const during = await make();
    await end(before);
    await trace.stop();
    // One listener is the enrolment's: it waits for the end of the thread.
    during.worker.off('exit', during.worker.listeners('exit').at(-1));
    seen.push(subscribed(), worker_threads.Worker.prototype.terminate === terminate, during.counts(), counts);
    await end(during);
    console.log(JSON.stringify(seen));`);
  expect(stderr).toBe('');
  const [off, on, name, sameLength, after, restored, listeners, expected] = JSON.parse(stdout) as unknown[];
  expect([off, on, name, sameLength, after, restored]).toEqual([0, 2, 'terminate', true, 0, true]);
  expect(listeners).toEqual(expected);
  const events = readEvents(file);
  const lives = [...spansOf(events, 'worker'), ...spansOf(events, 'process')];
  expect(lives.map(({ name, end }) => [name.replace(/\d+/, 'N'), end])).toEqual([
    ['worker N [eval]', undefined],
    ['process node', undefined],
  ]);
});

test('a child process lives from spawn to exit, with its id and how it ended, but not what it was told', async () => {
  const events = await record(
    `const task = trace.newTask('deploy');
    const child = task.run(() => processes.spawn(process.execPath, ['-e', 'process.exit(4)', '--', '--token=hush']));
    console.log(child.pid);
    await once(child, 'exit');
    task.end();
    const killed = processes.spawn('sleep', ['20']);
    killed.kill('SIGTERM');
    await once(killed, 'exit');
    await new Promise((done) => processes.exec('exit 5 # hush', done));
    const forked = processes.fork('./child.cjs', ['hush'], { execArgv: [] });
    await once(forked, 'exit');
    processes.execSync('true');
    processes.spawnSync('true');`,
    { files: { 'child.cjs': 'process.send("x"); process.disconnect();' } },
  );
  const lives = spansOf(events, 'process').map(({ name, end, args: { pid, task, ...args } }) => [
    name,
    end !== undefined && typeof pid === 'number',
    args,
  ]);
  expect(lives).toEqual([
    ['process node', true, { args: 4, exitCode: 4 }],
    ['process sleep', true, { args: 1, signal: 'SIGTERM' }],
    ['process sh', true, { args: 2, exitCode: 5 }],
    ['process node', true, { args: 2, exitCode: 0 }],
  ]);
  expect(spansOf(events, 'process')[0]?.args.task).toBe(spansOf(events, 'task')[0]?.args.task);
  expect(JSON.stringify(events)).not.toContain('hush');
});

test('what cannot be started has an end at once, with what went wrong', async () => {
  const events = await record(`
    processes.spawn('/no/such/program', ['x']).on('error', ({ code }) => console.log(code));
    try { processes.spawn('sleep', ['1'], { cwd: 7 }); } catch ({ code }) { console.log(code); }
    try { processes.spawn('true', ['x'.repeat(4e6)]); } catch ({ code }) { console.log(code); }
    try { new processes.ChildProcess().spawn({}); } catch ({ code }) { console.log(code); }
    try { new Worker('./no-such-worker.js').on('error', ({ code }) => console.log(code)); } catch ({ code }) { console.log(code); }
    try { new Worker(17); } catch ({ code }) { console.log(code); }
    await sleep(300);`);
  const children = spansOf(events, 'process').map(({ name, end, args }) => [name, end !== undefined, args]);
  expect(children).toEqual([
    ['process program', true, { args: 1, error: 'ENOENT' }],
    ['process true', true, { args: 1, error: 'failed' }],
  ]);
  expect(spansOf(events, 'worker').map(({ name, args }) => [name, args.exitCode])).toEqual([
    ['worker 2 no-such-worker.js', 1],
  ]);
});

test('errors of workers and child processes that nobody handles end the program as without', async () => {
  const failing = {
    "processes.spawn('/no/such/program');": "Emitted 'error' event on ChildProcess instance",
    'new Worker(\'throw new Error("mine")\', { eval: true });': 'Error: mine',
  };
  for (const [source, text] of Object.entries(failing)) {
    const outputs = [];
    for (const begin of ['', 'await onLives(file);']) {
      const { code, stderr } = await runProgram(`${KIT} ${begin} ${source} setTimeout(() => {}, 5000);`);
      expect(code).toBe(1);
      outputs.push(stderr);
    }
    expect(outputs[0]).toContain(text);
    expect(outputs[1]).toBe(outputs[0]);
  }
});

test('programs see the same order of events and the same answers', async () => {
  const said = [];
  for (const [begin, end] of [
    ['', ''],
    ['await onLives(file);', 'await trace.stop();'],
  ]) {
    const { stdout, stderr } = await runProgram(`${KIT} ${begin}
      const said = [];
      const worker = new Worker('require("node:worker_threads").parentPort.on("message", () => {})', { eval: true });
      for (const name of ['online', 'exit', 'error']) worker.on(name, (value) => said.push(name, value));
      await once(worker, 'online');
      const answer = worker.terminate();
      said.push(answer instanceof Promise, await answer, await worker.terminate());
      try { await worker_threads.Worker.prototype.terminate.call({}); } catch ({ name }) { said.push(name); }
      process.nextTick(() => said.push('tick before'));
      const child = processes.spawn(process.execPath, ['-e', 'process.exit(4)']);
      process.nextTick(() => said.push('tick after'));
      for (const name of ['spawn', 'exit', 'close', 'error']) child.on(name, (...values) => said.push(name, values));
      await once(child, 'close');
      const lost = processes.spawn('/no/such/program').on('error', ({ code }) => said.push(code));
      said.push(lost.pid === undefined, lost.listenerCount('error'), lost.listenerCount('exit'));
      await new Promise((done) => lost.once('close', done));
      said.push(processes.execSync('echo hello', { encoding: 'utf8' }));
      console.log(JSON.stringify(said));
      ${end}`);
    expect(stderr).toBe('');
    said.push(stdout);
  }
  expect(said[0]).toContain('"tick before","spawn"');
  expect(said[1]).toBe(said[0]);
});

test('without the sources no life is recorded', async () => {
  const events = await record(
    `await once(new Worker('1', { eval: true }), 'exit'); await once(processes.spawn('true'), 'exit');`,
    { env: { TTRACE_SOURCES: 'none,gc' } },
  );
  expect(events.filter(({ cat }) => cat === 'worker' || cat === 'process')).toEqual([]);
});
