/** Programs that serve and make requests on 127.0.0.1, for the tests of HTTP: what they are written with, and what is in their traces. */
import { createRequire } from 'node:module';
import { expect } from 'vitest';
import { type ProgramOptions, readEvents, runProgram, type TraceEvent } from './program.ts';
import { type Span, spansOf } from './spans.ts';

const require = createRequire(import.meta.url);
const importText = (name: string, path: string): string => `import ${name} from ${JSON.stringify(path)};`;
export const EXPRESS: string = importText('express', require.resolve('express'));
export const FASTIFY: string = importText('fastify', require.resolve('fastify'));
export const UNDICI: string = importText('undici', require.resolve('undici'));

/** In each program: a server with `listen(handler)`, raw requests with `exchange(text)`, `get(path)`. */
export const KIT: string = `import http from 'node:http'; import net from 'node:net'; import { once } from 'node:events';
  import diagnostics from 'node:diagnostics_channel';
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const until = async (isDone) => { while (!isDone()) await sleep(2); };
  let server, port, base;
  async function listen(target) {
    server = typeof target === 'function' ? http.createServer(target) : target;
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    port = server.address().port; base = 'http://127.0.0.1:' + port;
  }
  const close = () => { server.closeAllConnections(); server.close(); };
  const get = (path, options) => new Promise((done, fail) => http.get(base + path, options ?? {}, (response) => {
    let text = ''; response.setEncoding('utf8').on('data', (piece) => { text += piece; });
    response.on('close', () => done(response.statusCode + ' ' + text));
  }).on('error', fail));
  const onHttp = (file) => trace.start({ file, sources: { ...Object.fromEntries(
    ['loop', 'gc', 'memory', 'messages', 'waits', 'workers', 'processes'].map((name) => [name, false])), http: true } });
`;

export async function record(source: string, options: ProgramOptions = {}): Promise<TraceEvent[]> {
  const outcome = await runProgram(KIT + source, {
    isHooked: true,
    env: { TTRACE_SOURCES: 'none,http' },
    ...options,
  });
  expect(outcome.stderr).toBe('');
  expect(outcome.code).toBe(0);
  return readEvents(outcome.file);
}

/** What a program prints, without and with the source. */
export async function bothOutputs(source: string): Promise<string[]> {
  const outputs = [];
  for (const isTraced of [false, true]) {
    const text = `${KIT} ${isTraced ? 'await onHttp(file);' : ''} ${source} ${isTraced ? 'await trace.stop();' : ''}`;
    const outcome = await runProgram(text);
    expect(outcome.stderr).toBe('');
    outputs.push(outcome.stdout);
  }
  return outputs;
}

export const tasks = (events: readonly TraceEvent[]): Span[] => spansOf(events, 'task');
export const requests = (events: readonly TraceEvent[]): Span[] => spansOf(events, 'http');
