/** The current task in a whole program: callbacks that no async resource of the program's own announces. */
import { expect, test } from 'vitest';
import { named, readEvents, runProgram } from './program.ts';

/** Enters tasks, and says beside each mark which task a plain storage has; checked against the file. */
const PRELUDE = `
  import { AsyncLocalStorage } from 'node:async_hooks';
  import { writeSync } from 'node:fs';
  const plain = new AsyncLocalStorage();
  const expected = [];
  const where = [];
  const mark = (place) => {
    where.push(place);
    expected.push(plain.getStore() ?? 0);
    trace.withRegion('mark ' + (expected.length - 1), () => 1);
  };
  const inTask = (fn) => trace.withTask('task', ({ id }) => plain.run(id, fn));
  const settled = (name, emitter) => new Promise((resolve) => emitter.once(name, resolve));
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  process.on('exit', () => { mark('exit'); writeSync(1, JSON.stringify([expected, where])); });
  await trace.start({ file });
`;

async function play(source: string, flags: readonly string[] = []): Promise<string[]> {
  const outcome = await runProgram(PRELUDE + source, { flags });
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  const [expected, where] = JSON.parse(outcome.stdout) as [number[], string[]];
  const events = readEvents(outcome.file);
  const found = where.map((place, i) => {
    const marks = named(events, `mark ${i}`);
    expect(marks).toHaveLength(1);
    return [place, Number(marks[0]!.args?.task ?? 0)];
  });
  expect(found).toEqual(where.map((place, i) => [place, expected[i]]));
  // The program must have gone in and out of tasks.
  expect(new Set(expected).size).toBeGreaterThan(5);
  return where;
}

test('errors and rejections that reach the process are in the task that the program finds there', async () => {
  const places = await play(`
    process.on('uncaughtException', () => { mark('uncaught'); inTask(() => mark('task in uncaught')); mark('uncaught, after'); });
    process.on('unhandledRejection', () => { mark('unhandled'); inTask(() => mark('task in unhandled')); mark('unhandled, after'); });
    process.on('warning', () => mark('warning'));
    for (let i = 0; i < 4; i++) {
      inTask(() => {
        setTimeout(() => { mark('thrower'); inTask(() => { mark('deep thrower'); throw new Error('in timer'); }); }, i);
        setImmediate(() => { mark('immediate'); throw new Error('in immediate'); });
        process.nextTick(() => { mark('tick'); throw new Error('in tick'); });
        queueMicrotask(() => { mark('microtask'); throw new Error('in microtask'); });
        Promise.resolve().then(() => { mark('then'); throw new Error('in then'); });
        (async () => { await 1; mark('async'); throw new Error('in async'); })();
      });
      mark('between');
      await pause(3);
      mark('after');
    }
    inTask(() => mark('last'));`);
  expect(places.filter((place) => place === 'uncaught')).toHaveLength(16);
  expect(places.filter((place) => place === 'unhandled')).toHaveLength(8);
});

test('sockets that are used again, streams, ports, finalizers and other processes keep their tasks', async () => {
  const places = await play(
    `
    import http from 'node:http';
    import { execFile } from 'node:child_process';
    import { createReadStream } from 'node:fs';
    import { pipeline, Transform } from 'node:stream';
    import { createGzip } from 'node:zlib';
    import { lookup } from 'node:dns';
    import { MessageChannel } from 'node:worker_threads';
    const server = http.createServer((request, response) => {
      mark('request');
      inTask(() => {
        mark('handler');
        request.on('data', () => mark('data')).on('end', async () => {
          mark('end');
          await pause(1);
          mark('handled');
          response.end('x'.repeat(100_000), () => mark('sent'));
        });
      });
      mark('request, after');
    }).listen(0, '127.0.0.1');
    await settled('listening', server);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
    const get = () => new Promise((resolve) => {
      const request = http.request({ port: server.address().port, host: '127.0.0.1', agent, method: 'POST' }, (response) => {
        mark('response');
        response.on('data', () => mark('chunk')).on('end', () => { mark('response end'); resolve(); });
      });
      request.on('socket', () => mark('socket'));
      request.end('body');
    });
    const { port1, port2 } = new MessageChannel();
    port1.on('message', () => { mark('port'); inTask(() => mark('task at port')); mark('port, after'); });
    const worker = new Worker('require("node:worker_threads").parentPort.on("message", (m) => { require("node:worker_threads").parentPort.postMessage(m); })', { eval: true });
    let answers = 0;
    worker.on('message', () => { answers++; mark('worker'); inTask(() => mark('task at worker')); mark('worker, after'); });
    let finalized = 0;
    const registry = new FinalizationRegistry(() => { finalized++; mark('finalizer'); inTask(() => mark('task in finalizer')); mark('finalizer, after'); });
    const jobs = Array.from({ length: 6 }, (_, i) => inTask(async () => {
      mark('job');
      await get();
      mark('got');
      registry.register({ i }, i);
      port2.postMessage(i);
      worker.postMessage(i);
      execFile(process.execPath, ['--version'], () => mark('process'));
      lookup('127.0.0.1', () => mark('lookup'));
      const upper = new Transform({ transform(chunk, _, done) { mark('transform'); setImmediate(() => done(null, chunk)); } });
      await new Promise((resolve) => pipeline(createReadStream(process.argv[1]), upper, createGzip(), async (source) => {
        for await (const chunk of source) mark('for await');
      }, () => { mark('pipeline'); resolve(); }));
      await get();
      mark('got again');
    }));
    await Promise.all(jobs);
    while (finalized === 0 || answers < 6) { globalThis.gc(); await pause(2); mark('waiting'); }
    mark('done');
    port1.close();
    await worker.terminate();
    agent.destroy();
    server.close();`,
    ['--expose-gc'],
  );
  expect(places).toEqual(
    expect.arrayContaining(['finalizer', 'process', 'sent', 'worker', 'port', 'for await']),
  );
});
