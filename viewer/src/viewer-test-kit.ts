/**
 * What the viewer's tests share: a small trace with everything that a page shows, and a request whose every byte is the
 * test's own, since `fetch` forbids or repairs the very headers and paths to be tried. Not part of the package.
 */
import { connect } from 'node:net';
import { Category, type Trace, TraceBuilder } from '@ttrace/format';

/** The trace's process id, which is also its main thread's id. */
export const SAMPLE_PID = 4100;

/** Nanoseconds of a millisecond. */
export const MS = 1_000_000;

/**
 * A program with a main thread and three workers: ten orders, each a task with a message to a worker and a region
 * there, and a counter. It begins 7 ms after the trace's origin and takes 100 ms.
 */
export function sampleTrace(): Trace {
  const builder = new TraceBuilder();
  const text = (value: string) => builder.strings.intern(value);
  const base = builder.relative(1_000_000, 0) + 7 * MS;
  builder.process(SAMPLE_PID).name = 'node orders.js';
  const main = builder.threadTrack(SAMPLE_PID, SAMPLE_PID);
  builder.tracks[main]!.name = 'main';
  const workers = [1, 2, 3].map((n) => {
    const track = builder.threadTrack(SAMPLE_PID, SAMPLE_PID + n);
    builder.tracks[track]!.name = `worker ${n}`;
    return track;
  });
  const queue = builder.counterTrack(SAMPLE_PID, 'queue', '');
  const region = text(Category.region);
  for (let i = 0; i < 10; i++) {
    const at = base + i * 10 * MS;
    const worker = workers[i % workers.length]!;
    const args = text(JSON.stringify({ task: i + 1, url: `/orders/${i}` }));
    const task = builder.asyncTrack(SAMPLE_PID, Category.task, `0x${i + 1}`, 'order');
    builder.slice(task, text('order'), text(Category.task), at, 10 * MS, args);
    builder.slice(main, text('dispatch'), region, at, 4 * MS, args);
    builder.slice(main, text('parse'), region, at + MS, MS, 0);
    builder.slice(main, text('send'), text(Category.flow), at + 3 * MS, 0.1 * MS, 0);
    builder.flowEvent(3, main, text('order'), text(Category.flow), at + 3 * MS, i + 1);
    builder.slice(worker, text('charge'), region, at + 5 * MS, 4 * MS, args);
    builder.flowEvent(5, worker, text('order'), text(Category.flow), at + 5 * MS, i + 1);
    builder.counter(queue, text('queue'), at, i % 4);
  }
  return builder.finish('json', 12_345);
}

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Sends exactly this request head and reads the answer until the server closes the connection. */
export function rawRequest(port: number, lines: readonly string[]): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      const answer = Buffer.concat(chunks).toString('latin1');
      const [head = '', body = ''] = answer.split('\r\n\r\n', 2);
      const [first = '', ...rest] = head.split('\r\n');
      const headers = rest.map((line): [string, string] => {
        const at = line.indexOf(':');
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
      });
      resolve({ status: Number(first.split(' ')[1]), headers: new Map(headers), body });
    });
    socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`);
  });
}

/** Two threads for 200 ms: `main` is blocked for 40 ms and collects garbage for 10 ms, `worker` waits for 60 ms. */
export function stoppedTrace(): Trace {
  const builder = new TraceBuilder();
  const text = (value: string) => builder.strings.intern(value);
  const base = builder.relative(1_000_000, 0);
  builder.process(SAMPLE_PID).name = 'node stops.js';
  const main = builder.threadTrack(SAMPLE_PID, SAMPLE_PID);
  builder.tracks[main]!.name = 'main';
  const worker = builder.threadTrack(SAMPLE_PID, SAMPLE_PID + 1);
  builder.tracks[worker]!.name = 'worker';
  const loop = builder.asyncTrack(
    SAMPLE_PID,
    Category.loop,
    `0x${SAMPLE_PID.toString(16)}`,
    'main event loop',
  );
  const region = text(Category.region);
  const blocked = text('{"blocked":true,"location":"auth.js:12"}');
  for (const track of [main, worker]) {
    builder.slice(track, text('start'), region, base, MS, 0);
    builder.slice(track, text('end'), region, base + 199 * MS, MS, 0);
  }
  builder.slice(loop, text('hash auth.js:12'), text(Category.loop), base + 30 * MS, 40 * MS, blocked);
  builder.slice(main, text('GC major'), text(Category.gc), base + 110 * MS, 10 * MS, 0);
  builder.slice(worker, text('Atomics.wait'), text(Category.wait), base + 50 * MS, 60 * MS, 0);
  return builder.finish('json', 1000);
}
