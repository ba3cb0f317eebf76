/** Deaths that no program survives, and files that cannot be written. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import {
  filesIn,
  isComplete,
  named,
  PACKAGE,
  readEvents,
  runProgram,
  temporaryDirectory,
  threadNames,
} from './program.ts';

const START = 'await trace.start({ file });';

test.each([
  ['SIGKILL', 'process.kill(process.pid, "SIGKILL")'],
  ['SIGABRT', 'process.abort()'],
] as const)('%s loses at most the last 100 ms, and the file opens', async (signal, die) => {
  // Beside the collector another thread sleeps 20 ms at a time: on a busy machine both wake as late. Ten of its rounds are
  // twice the promise. They count from the moment at which the collector writes: its own start takes a while.
  const outcome = await runProgram(`
    import { statSync } from 'node:fs';
    const ticks = new Int32Array(new SharedArrayBuffer(8));
    new Worker("const { workerData: ticks } = require('node:worker_threads'); for (;; ticks[0]++) Atomics.wait(ticks, 1, 0, 20);",
      { eval: true, workerData: ticks });
    ${START}
    trace.startRegion('open all the time');
    let steps = 0, early = 0, from = 0;
    (function step() {
      trace.withRegion('step', () => steps++);
      if (from === 0 && ticks[0] > 0 && statSync(file).size > 0) from = ticks[0];
      if (from > 0 && ticks[0] <= from + 10) early = steps;
      if (from > 0 && ticks[0] > from + 20) { console.log(early); ${die}; }
      setTimeout(step, 1);
    })();`);
  expect(outcome.signal).toBe(signal);
  const events = readEvents(outcome.file);
  expect(isComplete(outcome.file)).toBe(false);
  expect(Number(outcome.stdout)).toBeGreaterThan(10);
  expect(named(events, 'step').length).toBeGreaterThanOrEqual(Number(outcome.stdout));
  expect(named(events, 'open all the time').map(({ ph }) => ph)).toEqual(['B']);
});

test('SIGKILL of a process that does nothing loses nothing that is older', async () => {
  // A loop is quiet once it has had next to nothing to do for a while; from then on the collector mostly sleeps.
  const outcome = await runProgram(
    `
    import { setTimeout } from 'node:timers/promises';
    ${START}
    for (let round = 0; round < 5; round++) {
      await setTimeout(600);
      trace.log('round', String(round));
    }
    trace.startRegion('open');
    console.log('open');
    await setTimeout(10_000);`,
    {
      env: { TTRACE_SOURCES: 'none,loop,memory' },
      onOutput: (_, child) => setTimeout(() => child.kill('SIGKILL'), 170),
    },
  );
  expect(outcome.signal).toBe('SIGKILL');
  const events = readEvents(outcome.file);
  expect(named(events, 'round')).toHaveLength(5);
  expect(named(events, 'open').map(({ ph }) => ph)).toEqual(['B']);
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s under the register hook completes the file and still kills',
  async (signal) => {
    const outcome = await runProgram(
      `import { setTimeout } from 'node:timers/promises';
     for (let i = 0; i < 1000; i++) trace.withRegion('step', () => i);
     process.kill(process.pid, ${JSON.stringify(signal)});
     await setTimeout(10_000);`,
      { isHooked: true },
    );
    expect(outcome.signal).toBe(signal);
    expect(isComplete(outcome.file)).toBe(true);
    expect(named(readEvents(outcome.file), 'step')).toHaveLength(1000);
  },
);

test('a second signal while the file is completed does not cut it off', async () => {
  const outcome = await runProgram(
    `for (let i = 0; i < 200_000; i++) trace.withRegion('step', () => i);
     setInterval(() => {}, 1000);
     // Sent by another thread, for the main thread is busy with the file: every millisecond from the first one on.
     new Worker("const nap = new Int32Array(new SharedArrayBuffer(4)); for (;;) { process.kill(process.pid, 'SIGINT'); Atomics.wait(nap, 0, 0, 1); }",
       { eval: true });`,
    { isHooked: true },
  );
  expect(outcome.signal).toBe('SIGINT');
  expect(isComplete(outcome.file)).toBe(true);
});

test('where ES modules cannot be required it records all the same', async () => {
  const { code, stderr, file } = await runProgram(`new Worker('', { eval: true, name: 'job' });`, {
    isHooked: true,
    flags: ['--no-experimental-require-module'],
  });
  expect([code, stderr]).toEqual([0, '']);
  expect([...threadNames(readEvents(file)).values()].join()).toContain('job');
});

test('in a bundle, without the files that its threads load, it does nothing, and says so when it is to start', async () => {
  const directory = temporaryDirectory();
  cpSync(join(PACKAGE, 'dist'), directory, { recursive: true });
  rmSync(join(directory, 'collector.cjs'));
  const { stdout, stderr } = await runProgram(
    `const { trace: bundled } = await import(${JSON.stringify(pathToFileURL(join(directory, 'index.js')).href)});
    console.log(bundled.withRegion('region', () => 5));
    await bundled.start({ file }).catch(({ code }) => console.log(code));`,
  );
  expect([stdout, stderr]).toEqual(['5\nbundled\n', '']);
});

test('a file that another program deleted or replaced meanwhile is no success', async () => {
  const { stdout } = await runProgram(`${START}
    const { rmSync } = await import('node:fs');
    rmSync(file);
    await trace.stop().catch(({ code, message }) => console.log(code, message));`);
  expect(stdout).toMatch(/^write-failed .* the file was deleted or replaced meanwhile\n$/);
});

test('a signal that the program handles is left to the program', async () => {
  const outcome = await runProgram(
    `process.on('SIGTERM', () => { trace.withRegion('handler', () => 1); process.exitCode = 5; clearInterval(timer); });
     const timer = setInterval(() => {}, 1000);
     process.kill(process.pid, 'SIGTERM');`,
    { isHooked: true },
  );
  expect(outcome).toMatchObject({ code: 5, signal: null });
  expect(named(readEvents(outcome.file), 'handler')).toHaveLength(1);
});

test('a full disk disturbs nothing, and stop rejects with the reason', async () => {
  const outcome = await runProgram(
    `${START}
     for (let i = 0; i < 100_000; i++) trace.withRegion('step', () => i);
     try { await trace.stop(); console.log('no error'); } catch (error) { console.log(error.code, error.message); }
     await trace.start({ file: 'next.json' });
     trace.withRegion('again', () => 1);
     await trace.stop();`,
    { tracePath: '/dev/full' },
  );
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(outcome.stdout).toMatch(/^write-failed .*ENOSPC/);
  expect(named(readEvents(join(outcome.directory, 'next.json')), 'again')).toHaveLength(1);
});

test.each([
  ['a directory', '.'],
  ['a directory that does not exist', 'missing/trace.json'],
  ['a name that promises another format', 'trace.html'],
])('start rejects at once for %s, leaves nothing behind, and records nothing', async (_, name) => {
  const outcome = await runProgram(
    `try { await trace.start({ file: ${JSON.stringify(name)} }); console.log('no error'); }
     catch (error) { console.log(error.name, error.code); }
     console.log(trace.isEnabled(), trace.withRegion('off', () => 7));`,
  );
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(outcome.stdout).toMatch(/^TraceUsageError (cannot-open|bad-option)\nfalse 7\n$/);
  expect(filesIn(outcome.directory)).toEqual(['program.mjs']);
});

test('a pipe whose reader goes away disturbs nothing, and stop rejects', async () => {
  const directory = temporaryDirectory();
  const pipe = join(directory, 'pipe');
  expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
  const outcome = await runProgram(
    `import { spawn } from 'node:child_process';
     import { openSync, closeSync, constants, readSync } from 'node:fs';
     const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
     await trace.start({ file });
     closeSync(reader);
     for (let i = 0; i < 100_000; i++) trace.withRegion('step', () => i);
     try { await trace.stop(); console.log('no error'); } catch (error) { console.log(error.code, error.message); }`,
    { directory, tracePath: pipe },
  );
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(outcome.stdout).toMatch(/^write-failed .*EPIPE/);
});

test('a file that cannot be written under the register hook is said on stderr, and the program runs as ever', async () => {
  const outcome = await runProgram("console.log('body'); process.exitCode = 4;", {
    isHooked: true,
    tracePath: '/nonexistent/trace.json',
  });
  expect(outcome).toMatchObject({ code: 4, stdout: 'body\n' });
  expect(outcome.stderr).toMatch(/^ttrace: cannot record into \/nonexistent\/trace.json: .*\n$/);
});

test('what a child process of a recorded program does is not mixed into its file', async () => {
  const directory = temporaryDirectory();
  mkdirSync(directory, { recursive: true });
  const outcome = await runProgram(
    `import { fork } from 'node:child_process';
     if (process.argv[2] === 'child') trace.withRegion('in child', () => 1);
     else {
       trace.withRegion('in parent', () => 1);
       const child = fork(process.argv[1], ['child']);
       await new Promise((resolve) => child.once('exit', resolve));
     }`,
    { isHooked: true, directory },
  );
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(readFileSync(outcome.file, 'utf8'))).toHaveLength(readEvents(outcome.file).length);
  expect(named(readEvents(outcome.file), 'in parent')).toHaveLength(1);
  expect(named(readEvents(outcome.file), 'in child')).toEqual([]);
});
