/**
 * What the tasks of served requests say at their end, on real servers: it travels as a number and as texts that are only
 * named when they come again, so each answer is given several times.
 */
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { readEvents, runProgram } from './program.ts';
import { spansOf } from './spans.ts';

const EXPRESS = JSON.stringify(createRequire(import.meta.url).resolve('express'));

const KIT = `import http from 'node:http';
  const answers = [];
  const note = (request, response) => response.on('finish', () => {
    const { statusCode, _contentLength: length } = response;
    answers.push([request.method, request.url, statusCode, request.method !== 'HEAD' && typeof length === 'number' ? length : null]);
  });
  const serve = (handler) => new Promise((done) => { const server = http.createServer(handler).listen(0, '127.0.0.1', () => done(server)); });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (server, method, path) => new Promise((done, fail) => http.request(
    { agent, host: '127.0.0.1', port: server.address().port, method, path },
    (response) => response.resume().on('close', done)).on('error', fail).end());
`;

/** The arguments of the tasks of a program's requests in their order, and what it prints, as JSON. */
async function serve(
  source: string,
): Promise<[tasks: Readonly<Record<string, unknown>>[], printed: unknown]> {
  const env = { TTRACE_SOURCES: 'none,http' };
  const outcome = await runProgram(KIT + source, { isHooked: true, env });
  expect(outcome.stderr).toBe('');
  expect(outcome.code).toBe(0);
  const tasks = spansOf(await readEvents(outcome.file), 'task');
  for (const { end } of tasks) expect(end).toBeDefined();
  return [tasks.map(({ args }) => args), JSON.parse(outcome.stdout)];
}

test('each task ends with the status of its request, and the length of the body where it is known', async () => {
  const [tasks, printed] = await serve(`
    const statuses = [200, 201, 204, 206, 301, 304, 400, 404, 418, 500, 503, 599, 999];
    const server = await serve((request, response) => {
      note(request, response);
      const [, status, how, length] = request.url.split('/');
      response.statusCode = Number(status);
      const body = 'x'.repeat(Number(length));
      if (how === 'chunked') { response.write(body); response.end(); }
      else if (how === 'promised') { response.setHeader('content-length', body.length); response.write(body); response.end(); }
      else response.end(body);
    });
    let count = 0;
    for (let round = 0; round < 4; round++) for (const status of statuses) for (const how of ['whole', 'chunked', 'promised']) {
      // No empty piece: Node.js 20 and newer differ in what they do with one. Every third length comes once only.
      const length = ++count % 3 === 0 ? 1000 + count : 7;
      await ask(server, round === 2 ? 'HEAD' : 'GET', '/' + [status, how, status === 204 || status === 304 ? 0 : length].join('/'));
    }
    agent.destroy(); server.close();
    console.log(JSON.stringify(answers));`);
  expect(tasks.length).toBe(4 * 13 * 3);
  const said = tasks.map(({ method, url, status, responseBytes }) => [
    method,
    url,
    status,
    responseBytes ?? null,
  ]);
  expect(said).toEqual(printed);
  // Both kinds are among them.
  expect(new Set(said.map(([, , , bytes]) => bytes === null)).size).toBe(2);
});

test('the end of a task has its route between the two, each time it comes again', async () => {
  const [tasks] = await serve(`import express from ${EXPRESS};
    const app = express();
    for (const route of ['/a/:id', '/b/:id']) app.get(route, (request, response) => { response.send('x'.repeat(Number(request.params.id))); });
    const server = await serve(app);
    for (let i = 1; i <= 12; i++) await ask(server, 'GET', (i % 2 ? '/a/' : '/b/') + (i > 6 ? 3 : i));
    agent.destroy(); server.close();
    console.log('[]');`);
  const said = tasks.map(({ task: _task, method: _method, url: _url, ...rest }) => JSON.stringify(rest));
  expect(said).toEqual(
    Array.from({ length: 12 }, (_, i) =>
      JSON.stringify({
        status: 200,
        route: i % 2 === 0 ? '/a/:id' : '/b/:id',
        responseBytes: i > 5 ? 3 : i + 1,
      }),
    ),
  );
});

test('answers that are no real ones end their tasks as well, and none of the others changes', async () => {
  const [tasks] =
    await serve(`import { channel } from 'node:diagnostics_channel'; import { EventEmitter } from 'node:events';
    for (const [statusCode, _contentLength] of [[200, 5], [99999, 5], [-1, 5], [NaN, 5], ['abc', 5], [200, 1.5], [200, -3], [200, 2 ** 60], [200, '5'], [201, 6]]) {
      const message = { request: { method: 'GET', url: '/' }, response: { statusCode, _contentLength }, socket: new EventEmitter() };
      channel('http.server.request.start').publish(message);
      channel('http.server.response.finish').publish(message);
    }
    console.log('[]');`);
  expect(tasks.map(({ status, responseBytes }) => [status, responseBytes])).toEqual([
    ...[[200, 5], ...Array.from({ length: 4 }, () => [0, 5])],
    ...[
      [200, undefined],
      [200, undefined],
      [200, 2 ** 42],
      [200, undefined],
      [201, 6],
    ],
  ]);
});
