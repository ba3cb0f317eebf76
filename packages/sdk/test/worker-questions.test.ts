/** Workers, and code with a time limit, that are ended while the recorder asks them for their stack end: V8 by itself would lose it. */
import { expect, test } from 'vitest';
import { runProgram } from './program.ts';

/** In a worker: answers take so long that an end comes in the middle of one, and say so. */
const SLOW_PROBE = `const { workerData: cell } = require('node:worker_threads'); const key = Symbol.for('ttrace/probe'); const probe = globalThis[key];
  globalThis[key] = () => { Atomics.add(cell, 0, 1); const end = performance.now() + 20; while (performance.now() < end); return probe(); };
  const spin = (done) => { while (!done()); };`;

const AFTERWARDS = {
  computes: 'spin(() => false);',
  'waits on shared memory': 'spin(() => Atomics.load(cell, 0) > 0); Atomics.wait(cell, 1, 0);',
};

test.each(Object.entries(AFTERWARDS))(
  'a worker that is ended while it answers ends, though it %s',
  async (_, code) => {
    const outcome = await runProgram(
      `import * as worker_threads from 'node:worker_threads';
    await trace.start({ file, sources: { loop: true } });
    for (let i = 0; i < 10; i++) {
      const cell = new Int32Array(new SharedArrayBuffer(8));
      const worker = new worker_threads.Worker(${JSON.stringify(SLOW_PROBE + code)}, { eval: true, workerData: cell });
      while (Atomics.load(cell, 0) === 0) await new Promise((done) => setTimeout(done, 1));
      const exit = new Promise((done) => worker.once('exit', done));
      const code = await worker.terminate();
      if (code !== await exit) console.log(code);
    }
    await trace.stop();
    console.log('all ended');`,
    );
    expect([outcome.stdout, outcome.stderr, outcome.code]).toEqual(['all ended\n', '', 0]);
  },
);

test('a process that exits while its workers answer exits', async () => {
  for (const code of Object.values(AFTERWARDS)) {
    const outcome = await runProgram(
      `import * as worker_threads from 'node:worker_threads';
      await trace.start({ file, sources: { loop: true } });
      const cell = new Int32Array(new SharedArrayBuffer(8));
      new worker_threads.Worker(${JSON.stringify(SLOW_PROBE + code)}, { eval: true, workerData: cell });
      while (Atomics.load(cell, 0) === 0) await new Promise((done) => setTimeout(done, 1));
      process.exit(7);`,
    );
    expect([outcome.stderr, outcome.code]).toEqual(['', 7]);
  }
});

test.each(['exits', 'is terminated'])('workers of a worker that %s while they answer end', async (how) => {
  const middle = `const { Worker, workerData: cell, parentPort } = require('node:worker_threads');
    for (let i = 0; i < 3; i++) {
      new Worker(${JSON.stringify(SLOW_PROBE + AFTERWARDS.computes)}, { eval: true, workerData: cell });
    }
    const waiting = setInterval(() => {
      if (Atomics.load(cell, 0) < 6) return;
      clearInterval(waiting);
      ${how === 'exits' ? 'process.exit(3)' : "parentPort.postMessage('answered')"};
    }, 1);`;
  const outcome = await runProgram(
    `import * as worker_threads from 'node:worker_threads';
    await trace.start({ file, sources: { loop: true } });
    for (let i = 0; i < 5; i++) {
      const cell = new Int32Array(new SharedArrayBuffer(8));
      const worker = new worker_threads.Worker(${JSON.stringify(middle)}, { eval: true, workerData: cell });
      const exit = new Promise((done) => worker.once('exit', done));
      worker.once('message', () => worker.terminate());
      await exit;
    }
    await trace.stop();
    console.log('all ended');`,
  );
  expect([outcome.stdout, outcome.stderr, outcome.code]).toEqual(['all ended\n', '', 0]);
});

test('code that has a time limit is not asked while it runs, and before and after it is', async () => {
  const outcome = await runProgram(
    `import vm from 'node:vm';
    const key = Symbol.for('ttrace/probe');
    const { runInContext } = vm.Script.prototype;
    await trace.start({ file, sources: { loop: true } });
    await new Promise((done) => setTimeout(done, 50));
    const probe = globalThis[key];
    let asked = 0;
    globalThis[key] = () => { asked++; return probe(); };
    const counts = [];
    const during = (fn) => { const before = asked; fn(); counts.push(asked > before); };
    const spin = () => { const end = performance.now() + 1000; while (performance.now() < end); };
    for (const run of [
      () => vm.runInNewContext('for (;;);', {}, { timeout: 1000 }),
      () => vm.runInThisContext('for (;;);', { timeout: 1000 }),
      () => new vm.Script('for (;;);').runInContext(vm.createContext(), { timeout: 1000 }),
    ]) {
      during(spin);
      await new Promise((done) => setTimeout(done, 50));
      during(() => { try { run(); } catch (error) { counts.push(error.code); } });
      await new Promise((done) => setTimeout(done, 50));
    }
    // An outer limit that ends an inner one leaves nothing behind.
    try { vm.runInNewContext('inner()', { inner: () => vm.runInThisContext('for (;;);', { timeout: 5000 }) }, { timeout: 100 }); } catch {}
    await new Promise((done) => setTimeout(done, 50));
    during(() => vm.runInThisContext('(' + spin + ')')());
    await trace.stop();
    counts.push(vm.Script.prototype.runInContext === runInContext);
    console.log(counts.join());`,
  );
  const each = 'true,ERR_SCRIPT_EXECUTION_TIMEOUT,false';
  expect([outcome.stdout, outcome.stderr]).toEqual([`${each},${each},${each},true,true\n`, '']);
});
