/** However a program ends, what it recorded is in the file. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  isComplete,
  named,
  type Outcome,
  type ProgramOptions,
  REGISTER,
  REQUIRE_SDK,
  readEvents,
  runProgram,
  temporaryDirectory,
} from './program.ts';

const COUNT = 5000;
const RECORD = `for (let i = 0; i < ${COUNT}; i++) trace.withRegion('step', () => i);`;

/** The program ended as it should have, and every step is in the file. */
async function expectAllSteps(
  source: string,
  expected: Partial<Outcome>,
  options?: ProgramOptions,
): Promise<Outcome> {
  const outcome = await runProgram(source, options);
  expect(outcome).toMatchObject(expected);
  expect(isComplete(outcome.file)).toBe(true);
  expect(named(readEvents(outcome.file), 'step')).toHaveLength(COUNT);
  return outcome;
}

const START = 'await trace.start({ file });';
const WORKER = (body: string) => `new Worker(${JSON.stringify(REQUIRE_SDK + body)}, { eval: true })`;

describe.each(['trace.json', 'trace.json.gz'])('every event is in %s when the program', (trace) => {
  test.each<[string, string, Partial<Outcome>]>([
    ['stops the recording', `${START} ${RECORD} await trace.stop();`, { code: 0, stderr: '' }],
    ['returns from main', `${START} ${RECORD}`, { code: 0, stderr: '' }],
    ['calls process.exit', `${START} ${RECORD} process.exit(7);`, { code: 7, stderr: '' }],
    [
      'calls process.exit in a callback',
      `${START} setTimeout(() => { ${RECORD} process.exit(7); }, 50);`,
      { code: 7, stderr: '' },
    ],
    ['exits right after start', `trace.start({ file }); ${RECORD} process.exit(0);`, { code: 0, stderr: '' }],
    ['exits while it stops', `${START} ${RECORD} trace.stop(); process.exit(3);`, { code: 3, stderr: '' }],
    [
      'exits a while after it began to stop',
      `${START} ${RECORD} trace.stop(); setImmediate(() => process.exit(3));`,
      { code: 3, stderr: '' },
    ],
    ['throws', `${START} ${RECORD} throw new Error('boom');`, { code: 1 }],
    [
      'throws in a callback',
      `${START} setTimeout(() => { ${RECORD} throw new Error('boom'); }, 50);`,
      { code: 1 },
    ],
    [
      'rejects without a handler',
      `${START} ${RECORD} Promise.reject(new Error('boom')); setTimeout(() => {}, 1000);`,
      { code: 1 },
    ],
    [
      'records in its own exit listener',
      `${START} process.on('exit', () => { ${RECORD} });`,
      { code: 0, stderr: '' },
    ],
    [
      'records in an exit listener set before start',
      `process.on('exit', () => { ${RECORD} }); ${START} process.exit(4);`,
      { code: 4, stderr: '' },
    ],
    [
      'exits again in its exit listener',
      `${START} process.on('exit', () => process.exit(9)); ${RECORD}`,
      { code: 9, stderr: '' },
    ],
    [
      'throws in its exit listener',
      `${START} process.on('exit', () => { throw new Error('late'); }); ${RECORD}`,
      {},
    ],
  ])('%s', async (_, source, expected) => {
    await expectAllSteps(source, expected, { trace });
  });
});

describe('every event of a worker is in the file when', () => {
  test.each<[string, string, Partial<Outcome>]>([
    ['the worker returns', `${START} ${WORKER(RECORD)};`, { code: 0, stderr: '' }],
    [
      'the worker calls process.exit',
      `${START} ${WORKER(`${RECORD} process.exit(5);`)};`,
      { code: 0, stderr: '' },
    ],
    [
      'the worker throws',
      `${START} ${WORKER(`${RECORD} throw new Error('boom');`)}.on('error', () => {});`,
      { code: 0, stderr: '' },
    ],
    [
      'nobody handles the error of the worker',
      `${START} ${WORKER(`${RECORD} throw new Error('boom');`)};`,
      { code: 1 },
    ],
    [
      'the worker records in its exit listener',
      `${START} ${WORKER(`process.on('exit', () => { ${RECORD} });`)};`,
      { code: 0, stderr: '' },
    ],
    [
      'main exits while the worker lives',
      `${START} ${WORKER(`${RECORD} require('node:worker_threads').parentPort.postMessage(1); setInterval(() => {}, 1000);`)}.on('message', () => process.exit(6));`,
      { code: 6, stderr: '' },
    ],
  ])('%s', async (_, source, expected) => {
    await expectAllSteps(source, expected);
  });

  test('a busy worker is terminated in its tight loop', async () => {
    // The worker counts in shared memory what it has recorded; the last call may be cut in two.
    const { code, stdout, stderr, file } = await runProgram(`
      ${START}
      const counter = new Int32Array(new SharedArrayBuffer(4));
      const worker = new Worker(${JSON.stringify(`${REQUIRE_SDK}
        const { workerData: counter } = require('node:worker_threads');
        for (;;) { trace.withRegion('step', () => {}); counter[0]++; for (let i = 0; i < 2000; i++); }`)}, { eval: true, workerData: counter });
      while (Atomics.load(counter, 0) < 1000) await new Promise((done) => setTimeout(done, 5));
      await worker.terminate();
      const report = await trace.stop();
      console.log(JSON.stringify({ called: counter[0], ...report }));`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { called, dropped } = JSON.parse(stdout) as { called: number; dropped: number };
    const recorded = named(readEvents(file), 'step').length;
    expect(called).toBeGreaterThanOrEqual(1000);
    expect(recorded + dropped - called).toBeOneOf([0, 1]);
  });
});

test('a collector that could not start is said with its cause, and the end of the process does not wait for it', async () => {
  // All but two descriptors of a few are taken: enough for the trace, not for a thread.
  const taken = `const { openSync, closeSync } = require('node:fs'); const all = [];
    try { for (;;) all.push(openSync('/dev/null')); } catch { for (const fd of all.slice(-3)) closeSync(fd); }
    setTimeout(() => {}, 500);`;
  const directory = temporaryDirectory();
  const hook = join(directory, 'taken.cjs');
  writeFileSync(hook, taken);
  const flags = ['--require', hook, '--require', REGISTER, '-e', ''];
  const said = (env: NodeJS.ProcessEnv): string =>
    spawnSync('sh', ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, ...flags], {
      encoding: 'utf8',
      env: { ...process.env, ...env },
    }).stderr;
  expect(said({ TTRACE_FILE: join(directory, 'trace.json') })).toMatch(
    /^ttrace: the trace in \S+ is not complete: the collector thread failed: .*EMFILE/,
  );
  expect(said({ TTRACE_FLIGHT: 'error' })).toMatch(
    /^ttrace: the flight recorder has failed: the collector thread failed: .*EMFILE/,
  );
});
