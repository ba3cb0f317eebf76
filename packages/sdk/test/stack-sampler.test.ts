/** That nothing is left of the sampler when it is closed, at whatever moment. */
import { expect, test } from 'vitest';
import { runProgram } from './program.ts';

const SAMPLER = new URL('../dist/stack-sampler.js', import.meta.url).href;

test('closed at any moment it leaves no timer: its thread ends at once', async () => {
  const { stdout, stderr, code } = await runProgram(
    `import * as worker_threads from 'node:worker_threads';
    const idle = new worker_threads.Worker('setInterval(() => {}, 1000)', { eval: true });
    await new Promise((done) => idle.once('online', done));
    const asker = new worker_threads.Worker(\`
      const { workerData } = require('node:worker_threads');
      import('${SAMPLER}').then(async ({ StackSampler }) => {
        for (let i = 0; i < 60; i++) {
          const sampler = new StackSampler('"here"', { control: new Int32Array(64), arena: new SharedArrayBuffer(0) }, true);
          const asked = sampler.ask(workerData).catch(() => {});
          for (let k = 0; k < i % 20; k++) await new Promise((done) => (k % 2 ? setImmediate : queueMicrotask)(done));
          sampler.close();
          await asked;
        }
      });\`, { eval: true, workerData: idle.threadId });
    const start = performance.now();
    await new Promise((done) => asker.once('exit', done));
    console.log(performance.now() - start < 20_000);
    await idle.terminate();`,
  );
  expect([stdout, stderr, code]).toEqual(['true\n', '', 0]);
});
