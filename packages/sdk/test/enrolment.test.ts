/** Workers take part by themselves, whatever options they are made with. */
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { named, REGISTER, REQUIRE_SDK, readEvents, runProgram, SDK_URL, threadNames } from './program.ts';

const require = createRequire(import.meta.url);
const OPTIONS: readonly [string, string][] = [
  ['no options', '{}'],
  ['execArgv: []', '{ execArgv: [] }'],
  ['env: {}', '{ env: {} }'],
  ['execArgv: [] and env: {}', '{ execArgv: [], env: {} }'],
  ['other flags', "{ execArgv: ['--no-warnings'] }"],
  ['SHARE_ENV', '{ env: (await import("node:worker_threads")).SHARE_ENV }'],
];
const ENDED = (worker: string) => `await new Promise((resolve) => ${worker}.once('exit', resolve));`;

describe.each([
  ['trace.start', false],
  ['the register hook', true],
])('with %s a worker that knows nothing of ttrace has its track', (_, isHooked) => {
  const begin = isHooked ? '' : 'await trace.start({ file });';
  const end = isHooked ? '' : 'await trace.stop();';

  // One program each for all options: to start one takes longer than its workers.
  test('made from text or from a file, with any options', async () => {
    const workers = OPTIONS.map(
      ([, options], at) => `
        const text${at} = new Worker('0', { ...${options}, eval: true, name: 'job ${at}' }); ${ENDED(`text${at}`)}
        const file${at} = new Worker(new URL('body${at}.mjs', import.meta.url), ${options}); ${ENDED(`file${at}`)}`,
    );
    const { code, stderr, file } = await runProgram(`${begin} ${workers.join('')} ${end}`, {
      isHooked,
      files: Object.fromEntries(OPTIONS.map((_options, at) => [`body${at}.mjs`, 'export {};'])),
    });
    expect([code, stderr]).toEqual([0, '']);
    const names = [...threadNames(readEvents(file)).values()].map((name) => name.replace(/^worker \d+ /, ''));
    const expected = OPTIONS.flatMap((_options, at) => [`job ${at}`, `body${at}.mjs`]);
    expect(names.filter((name) => name !== 'main').sort()).toEqual(expected.sort());
  });

  test('nested in workers with bare options, from a data: URL, and of a class of its own', async () => {
    const inner = `const { Worker } = require('node:worker_threads'); new Worker('0', { eval: true, name: 'inner', execArgv: [], env: {} });`;
    const { code, stderr, file } = await runProgram(
      `${begin}
       class Own extends Worker { own = 1; }
       const workers = [
         new Worker(${JSON.stringify(inner)}, { eval: true, name: 'outer', execArgv: [], env: {} }),
         new Worker(new URL('data:text/javascript,0')),
         new Own('0', { eval: true, name: 'own' }),
       ];
       if (workers[2].own !== 1 || !(workers[2] instanceof Own) || !(workers[2] instanceof Worker)) throw new Error('class');
       await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)))); ${end}`,
      { isHooked },
    );
    expect([code, stderr]).toEqual([0, '']);
    const labels = [...threadNames(readEvents(file)).values()].map((name) => name.split(' ').at(-1)).sort();
    expect(labels.filter((label) => label !== 'main')).toEqual(['[data]', 'inner', 'outer', 'own']);
  });

  test('while the process has flags that no worker takes', async () => {
    const { code, stderr, file } = await runProgram(
      `${begin} const worker = new Worker('0', { eval: true, name: 'job' }); ${ENDED('worker')} ${end}`,
      { isHooked, flags: ['--max-old-space-size=200', '--expose-gc', '--stack-trace-limit=20'] },
    );
    expect([code, stderr]).toEqual([0, '']);
    expect([...threadNames(readEvents(file)).values()].join()).toContain('job');
  });

  test('that sees the flags it would see without, with any options', async () => {
    const files = {
      'outer.cjs': `const { parentPort, Worker } = require('node:worker_threads');
        const inner = new Worker(require.resolve('./inner.cjs'));
        inner.once('message', (flags) => parentPort.postMessage([process.execArgv, flags]));`,
      'inner.cjs': `require('node:worker_threads').parentPort.postMessage(process.execArgv);`,
    };
    const look = `
      const seen = [];
      for (const options of [${OPTIONS.map(([, options]) => options).join(', ')}]) {
        const worker = new Worker(new URL('outer.cjs', import.meta.url), options);
        const ended = new Promise((resolve) => worker.once('exit', resolve));
        seen.push(await new Promise((resolve) => worker.once('message', resolve)));
        await ended;
      }
      console.log(JSON.stringify(seen));`;
    const { code, stderr, stdout } = await runProgram(`${begin} ${look} ${end}`, { isHooked, files });
    const without = await runProgram(look, { files });
    const expected = (JSON.parse(without.stdout) as string[][][]).map((flags, at) => {
      const own = isHooked && !OPTIONS[at]![1].includes('execArgv') ? ['--require', REGISTER] : [];
      return flags.map((each) => [...own, ...each]);
    });
    expect([code, stderr, JSON.parse(stdout)]).toEqual([0, '', expected]);
  });

  test.each(['piscina', 'tinypool'])('in a pool of %s', async (pool) => {
    const { code, stderr, file } = await runProgram(
      `import * as module from ${JSON.stringify(require.resolve(pool))};
       const Pool = module.Piscina ?? module.Tinypool ?? module.default.Piscina ?? module.default;
       ${begin}
       const pool = new Pool({ filename: new URL('task.mjs', import.meta.url).href, minThreads: 2, maxThreads: 2 });
       const results = await Promise.all(Array.from({ length: 20 }, (_, i) => pool.run(i)));
       if (results.join() !== Array.from({ length: 20 }, (_, i) => i * 2).join()) throw new Error(results.join());
       await (pool.close?.() ?? pool.destroy()); ${end}`,
      {
        isHooked,
        files: {
          'task.mjs': `${REQUIRE_SDK.replace('const', "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); const")} export default (n) => trace.withRegion('pool task', () => n * 2);`,
        },
      },
    );
    expect([code, stderr]).toEqual([0, '']);
    const events = readEvents(file);
    const tasks = named(events, 'pool task');
    expect(tasks).toHaveLength(20);
    const names = threadNames(events);
    for (const { tid } of tasks) expect(names.get(tid)).toMatch(/^worker /);
  });
});

test('NODE_OPTIONS with the register hook records a program and its workers', async () => {
  const { code, file, directory } = await runProgram(
    `const worker = new Worker('0', { eval: true, name: 'job' }); ${ENDED('worker')}`,
    { env: { NODE_OPTIONS: `--require ${JSON.stringify(REGISTER)}`, TTRACE_FILE: 'trace.json' } },
  );
  expect(code).toBe(0);
  expect(file.startsWith(directory)).toBe(true);
  expect([...threadNames(readEvents(file)).values()].join()).toMatch(/main,worker \d+ job/);
});

test('a worker that was there before the recording takes part if it uses the SDK', async () => {
  const body = `${REQUIRE_SDK} const { parentPort } = require('node:worker_threads');
    setInterval(() => { trace.withRegion('beat', () => 1); if (trace.isEnabled()) parentPort.postMessage('beat'); }, 5);`;
  const { code, stderr, file } = await runProgram(
    `const worker = new Worker(${JSON.stringify(body)}, { eval: true });
     await new Promise((resolve) => worker.once('online', resolve));
     await trace.start({ file });
     for (let beats = 0; beats < 5; beats++) await new Promise((resolve) => worker.once('message', resolve));
     await trace.stop();
     await worker.terminate();`,
  );
  expect([code, stderr]).toEqual([0, '']);
  expect(named(readEvents(file), 'beat').length).toBeGreaterThan(3);
});

test('many workers, at once and one after another, have tracks and thread ids of their own', async () => {
  const { code, stderr, file, stdout } = await runProgram(
    `await trace.start({ file, bufferBytes: 1 << 16 });
     const body = ${JSON.stringify(`${REQUIRE_SDK} trace.withRegion('once', () => 1);`)};
     const one = () => new Promise((resolve) => new Worker(body, { eval: true }).once('exit', resolve));
     await Promise.all(Array.from({ length: 12 }, one));
     for (let i = 0; i < 40; i++) await one();
     const { threads, refusedThreads, dropped } = await trace.stop();
     console.log(threads, refusedThreads, dropped);`,
  );
  expect([code, stderr, stdout]).toEqual([0, '', '52 0 0\n']);
  const events = readEvents(file);
  expect(named(events, 'once')).toHaveLength(52);
  expect(new Set(named(events, 'once').map(({ tid }) => tid)).size).toBe(52);
  expect(events.filter(({ name }) => name === 'thread_name')).toHaveLength(52);
});

test('the thread of module.register is left alone', async () => {
  const { code, stderr, file } = await runProgram(
    `import { register } from 'node:module';
     register('./hooks.mjs', import.meta.url);
     await import('./late.mjs');
     trace.withRegion('main only', () => 1);`,
    {
      isHooked: true,
      flags: ['--no-warnings'],
      files: {
        'hooks.mjs': 'export const resolve = (name, context, next) => next(name, context);',
        'late.mjs': 'export {};',
      },
    },
  );
  expect([code, stderr]).toEqual([0, '']);
  expect([...threadNames(readEvents(file)).values()]).toEqual(['main']);
});

describe('a Worker constructor that was taken before the recording', () => {
  const SDK_BODY = `${REQUIRE_SDK} for (let i = 0; i < 100; i++) trace.withRegion('own', () => i);`;
  // In the program's text `Worker` is what the prelude took before `trace.start`.
  const USES = `
    const ended = (worker) => new Promise((resolve) => worker.once('exit', resolve));
    await ended(new Worker('0', { eval: true, name: 'plain' }));
    await ended(new Worker(${JSON.stringify(SDK_BODY)}, { eval: true, name: 'user' }));
    await ended(new threads.Worker('0', { eval: true, name: 'later' }));`;
  const required = `const threads = require('node:worker_threads');`;
  /** What the threads are called, without their numbers, and how many regions the SDK's user recorded. */
  const look = (file: string): [string[], number] => {
    const events = readEvents(file);
    const labels = [...threadNames(events).values()].map((name) => name.replace(/^(worker) \d+/, '$1'));
    return [labels.filter((label) => label !== 'main').sort(), named(events, 'own').length];
  };

  test('by require makes workers that take part, without their name, if they use the SDK, and not otherwise', async () => {
    const { code, stderr, file } = await runProgram(
      `${required} (async () => { await trace.start({ file }); ${USES} await trace.stop(); })();`,
      { kind: 'cjs' },
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(look(file)).toEqual([['worker', 'worker later'], 100]);
  });

  test('by import follows the recording', async () => {
    const { code, stderr, file } = await runProgram(
      `import * as threads from 'node:worker_threads'; await trace.start({ file }); ${USES} await trace.stop();`,
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(look(file)).toEqual([['worker later', 'worker plain', 'worker user'], 100]);
  });

  test.each(['cjs', 'mjs'] as const)(
    'does not exist under the register hook, which comes first (%s)',
    async (kind) => {
      const uses = kind === 'cjs' ? `${required} (async () => { ${USES} })();` : USES;
      const { code, stderr, file } = await runProgram(
        kind === 'cjs' ? uses : `import * as threads from 'node:worker_threads'; ${uses}`,
        { kind, isHooked: true },
      );
      expect([code, stderr]).toEqual([0, '']);
      expect(look(file)).toEqual([['worker later', 'worker plain', 'worker user'], 100]);
    },
  );

  test('is what it was after the recording, and one that was taken meanwhile does nothing more', async () => {
    const { code, stderr, stdout, directory } = await runProgram(
      `${required}
       (async () => {
         const before = threads.Worker;
         await trace.start({ file });
         const { Worker: meanwhile } = threads;
         await trace.stop();
         console.log(threads.Worker === before, meanwhile === before);
         const worker = new meanwhile('require("node:worker_threads").parentPort.postMessage(process.execArgv)', { eval: true });
         const [flags] = await Promise.all([new Promise((resolve) => worker.once('message', resolve)), new Promise((resolve) => worker.once('exit', resolve))]);
         console.log(flags.length, worker instanceof before, worker instanceof meanwhile);
         await trace.start({ file: 'second.json' });
         await new Promise((resolve) => new meanwhile('0', { eval: true, name: 'again' }).once('exit', resolve));
         await trace.stop();
       })();`,
      { kind: 'cjs' },
    );
    expect([code, stderr, stdout]).toEqual([0, '', 'true false\n0 true true\n']);
    // One that was taken in an earlier recording serves the next as well.
    expect(look(`${directory}/second.json`)).toEqual([['worker again'], 0]);
  });
});

test('a worker loads neither readers nor writers of traces, which would take longer than the worker takes to start', async () => {
  const { code, stderr, stdout } = await runProgram(
    `const worker = new Worker(new URL('body.cjs', import.meta.url));
     console.log(JSON.stringify(await new Promise((resolve) => worker.once('message', resolve))));`,
    {
      isHooked: true,
      env: { TTRACE_SOURCES: 'default' },
      files: {
        'body.cjs': `const session = new (require('node:inspector').Session)();
          const urls = [];
          session.on('Debugger.scriptParsed', ({ params }) => urls.push(params.url));
          session.connect();
          session.post('Debugger.enable', () => require('node:worker_threads').parentPort.postMessage(urls));`,
      },
    },
  );
  expect([code, stderr]).toEqual([0, '']);
  const urls = JSON.parse(stdout) as string[];
  const own = urls.filter((url) => url.startsWith(new URL('.', SDK_URL).href));
  expect(own.map((url) => url.split('/').at(-1))).toEqual(expect.arrayContaining(['worker-start.js']));
  expect(own.length).toBeLessThan(10);
  expect(own.filter((url) => url.endsWith('/collector.js'))).toEqual([]);
  expect(urls.filter((url) => url.includes('/format/')).map((url) => url.split('/').at(-1))).toEqual([
    'vocabulary.js',
  ]);
});
