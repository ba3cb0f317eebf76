/** Blocks of a trace, grouped by culprit, read back from both formats. */
import {
  createJsonWriter,
  createPerfettoWriter,
  readTrace,
  type TraceWriter,
  type WriterOptions,
} from '@ttrace/format';
import { expect, test } from 'vitest';
import { blockStats } from './blocks.ts';

const MS = 1e6;

/** Two threads whose loops are blocked by two functions, with turns between. */
function writeLoops(writer: TraceWriter): void {
  writer.process(9, 'node app.js');
  writer.thread(9, 9, 'main');
  writer.thread(9, 12, 'worker 2 resize.js');
  const loop = writer.string('loop');
  const main = writer.asyncTrack(9, 'loop', '0x9', 'main event loop');
  const worker = writer.asyncTrack(9, 'loop', '0xc', 'worker 2 resize.js event loop');
  const hash = '{"blocked":true,"location":"/srv/auth.js:12","stack":["hash (/srv/auth.js:12:3)"]}';
  writer.slice(main, writer.string('turn'), loop, 0, 3 * MS, 0);
  writer.slice(main, writer.string('hash auth.js:12'), loop, 10 * MS, 40 * MS, 0, hash);
  writer.slice(worker, writer.string('hash auth.js:12'), loop, 10 * MS, 100 * MS, 0, hash);
  writer.slice(worker, writer.string('blocked'), loop, 200 * MS, 30 * MS, 0, '{"blocked":true}');
  writer.begin(main, writer.string('hash auth.js:12'), loop, 300 * MS, 0, hash);
  writer.slice(worker, writer.string('turn'), loop, 300 * MS, 5 * MS, 0);
  writer.finish();
}

test.each([
  ['JSON', createJsonWriter],
  ['protobuf', createPerfettoWriter],
])(
  'blocks written as %s are grouped by function and place, the longest total first',
  async (_, createWriter) => {
    const chunks: Uint8Array[] = [];
    writeLoops(
      (createWriter as (options: WriterOptions) => TraceWriter)({
        sink: (bytes) => chunks.push(bytes.slice()),
      }),
    );
    const stats = blockStats(
      await readTrace(
        (async function* () {
          yield* chunks;
        })(),
      ),
    );
    expect(stats).toEqual([
      {
        name: 'hash auth.js:12',
        location: '/srv/auth.js:12',
        count: 3,
        unfinished: 1,
        // The last one goes on until the trace ends.
        totalNanos: 145 * MS,
        maxNanos: 100 * MS,
        worstStartNanos: stats[0]!.worstStartNanos,
        threads: ['main', 'worker 2 resize.js'],
        stack: ['hash (/srv/auth.js:12:3)'],
      },
      expect.objectContaining({
        name: 'blocked',
        location: '',
        count: 1,
        threads: ['worker 2 resize.js'],
        stack: [],
      }),
    ]);
  },
);
