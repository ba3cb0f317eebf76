/** The stream of a trace: whole, paced by its reader, gone with its reader. */
import { connect } from 'node:net';
import { type Trace, TraceBuilder } from '@ttrace/format';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startViewer, type Viewer } from './start-viewer.ts';
import { traceStream } from './trace-stream.ts';
import { rawRequest } from './viewer-test-kit.ts';

const ROWS = 600_000;
let trace: Trace;
let viewer: Viewer;

beforeAll(async () => {
  const builder = new TraceBuilder();
  const tracks = [1, 2, 3].map((tid) => builder.threadTrack(1, tid));
  const names = ['alpha', 'beta', 'gamma'].map((name) => builder.strings.intern(name));
  builder.relative(0, 0);
  for (let i = 0; i < ROWS; i++) builder.slice(tracks[i % 3]!, names[i % 3]!, 0, i * 1000, 900, 0);
  trace = builder.finish('json', 0);
  viewer = await startViewer({ trace, title: 'many', fileName: 'many' });
});
afterAll(() => viewer.close());

async function sizeOf(stream: ReadableStream<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of stream) size += chunk.length;
  return size;
}

const cookie = () => `ttrace-${viewer.port}=${viewer.token}`;

describe('traceStream', () => {
  it('lets others run between its steps', async () => {
    let turns = 0;
    let running = true;
    const count = () => {
      turns++;
      if (running) setImmediate(count);
    };
    setImmediate(count);
    await sizeOf(traceStream(trace, 0, 1_000_000));
    running = false;
    expect(turns).toBeGreaterThanOrEqual(ROWS / 50_000);
  });

  it('does no work before it is read, and no more than its reader takes', async () => {
    let texts = 0;
    const strings = new Proxy(trace.strings, {
      get(target, key) {
        if (key === 'text') texts++;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const reader = traceStream({ ...trace, strings }, 0, 1_000_000).getReader();
    const settled = () => new Promise((resolve) => setTimeout(resolve, 50));
    await settled();
    expect(texts).toBe(0);
    await reader.read();
    await settled();
    // The empty category and the first track's name; the others are far behind the first chunk.
    expect(texts).toBe(2);
    await reader.cancel();
    await settled();
    expect(texts).toBe(2);
    await sizeOf(traceStream({ ...trace, strings }, 0, 1_000_000));
    expect(texts).toBe(2 + 4);
  });

  it('holds less for a stretch than for the whole', async () => {
    const whole = await sizeOf(traceStream(trace, 0, 1_000_000));
    const tenth = await sizeOf(traceStream(trace, 0, 1_000_000, { start: 0, end: (ROWS / 10) * 1000 }));
    expect(tenth / whole).toBeGreaterThan(0.09);
    expect(tenth / whole).toBeLessThan(0.11);
  });
});

describe('the viewer', () => {
  it('sends the whole trace uncompressed, also to two readers at once and when asked again', async () => {
    const expected = await sizeOf(traceStream(trace, 0, 1_000_000));
    const get = async () => {
      const answer = await fetch(new URL('/trace.pftrace', viewer.url), { headers: { cookie: cookie() } });
      expect(answer.headers.get('content-encoding')).toBeNull();
      return (await answer.arrayBuffer()).byteLength;
    };
    expect(await Promise.all([get(), get()])).toEqual([expected, expected]);
    expect(await get()).toBe(expected);
  });

  it('goes on when a reader hangs up in the middle', async () => {
    for (let i = 0; i < 5; i++) {
      await new Promise<void>((resolve, reject) => {
        const socket = connect(viewer.port, '127.0.0.1');
        socket.on('error', reject);
        socket.once('data', () => socket.destroy());
        socket.once('close', () => resolve());
        socket.write(
          `GET /trace.pftrace HTTP/1.1\r\nHost: 127.0.0.1:${viewer.port}\r\nCookie: ${cookie()}\r\n\r\n`,
        );
      });
    }
    const head = ['GET / HTTP/1.1', `Host: 127.0.0.1:${viewer.port}`, `Cookie: ${cookie()}`];
    expect((await rawRequest(viewer.port, head)).status).toBe(200);
  });
});
