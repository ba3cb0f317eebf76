/** Blocks of a trace, grouped by culprit, read back from both formats. */
import {
  createJsonWriter,
  createPerfettoWriter,
  readTrace,
  type TraceWriter,
  type WriterOptions,
} from '@ttrace/format';
import { expect, test } from 'vitest';
import { blockersTable, eachBlockTable } from './blockers-table.ts';
import { blockStats, blocksOf } from './blocks.ts';
import { indexOf } from './trace-index.ts';
import { traceOf } from './trace-test-kit.ts';

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

test('a block is named after what it was seen in for the most time, whatever the recorder saw first', () => {
  const seen = (at: number, name: string, frames: readonly string[]): string =>
    `instant m +0.${String(at).padStart(3, '0')}000000 loop ${JSON.stringify(name)} ${JSON.stringify({ stack: frames })}`;
  const index = indexOf(
    traceOf(`process 1 "shop"
track 1/1 thread "main"
track m async 1 loop "0x1" "main event loop"
slice m +0.010000000 0.500000000 loop "normalizeString" {"blocked":true,"stack":["normalizeString (node:path:66:25)"]}
${seen(60, 'work app.js:3', ['work (/srv/app.js:3:9)', 'main (/srv/app.js:9:1)'])}
${seen(100, 'normalizeString', ['normalizeString (node:path:66:25)'])}
${seen(120, 'work app.js:4 → stat', ['stat (native)', 'work (/srv/app.js:4:2)'])}
slice m +0.600000000 0.050000000 loop "normalizeString" {"blocked":true,"stack":["normalizeString (node:path:66:25)"]}`),
  );
  expect(blocksOf(index).map(({ name, location, stack }) => [name, location, stack.length])).toEqual([
    ['work app.js:3', '/srv/app.js:3', 2],
    ['normalizeString', '', 1],
  ]);
});

test('a look between two promise jobs tells nothing: a block is named after the function that any other saw', () => {
  const between = ['runNextTicks (node:internal/process/task_queues:60:5)'];
  const index = indexOf(
    traceOf(`process 1 "shop"
track 1/1 thread "main"
track m async 1 loop "0x1" "main event loop"
slice m +0.010000000 0.500000000 loop "runNextTicks" ${JSON.stringify({ blocked: true, stack: between })}
instant m +0.100000000 loop "loopy app.js:3" ${JSON.stringify({ jobs: 5, stack: ['loopy (/srv/app.js:3:9)', ...between] })}
instant m +0.110000000 loop "blocked" {"jobs":9}
slice m +0.600000000 0.050000000 loop "blocked" {"blocked":true}
instant m +0.630000000 loop "blocked" {"jobs":3}`),
  );
  expect(
    blocksOf(index).map(({ name, location, jobs, first, sightings }) => [
      name,
      location,
      jobs,
      first.name,
      sightings.length,
    ]),
  ).toEqual([
    ['loopy app.js:3', '/srv/app.js:3', 9, 'loopy app.js:3', 0],
    ['blocked', '', 3, 'blocked', 0],
  ]);
});

test('of functions that take turns the one that called them is the culprit, and one that has the block to itself is', () => {
  const block = (at: number, inner: readonly string[]): string => {
    const stack = (frame: string): string =>
      JSON.stringify([
        frame,
        'arrange (/srv/a.js:22:9)',
        'handle (/srv/b.js:5:1)',
        'emit (node:events:500:3)',
      ]);
    const [first, ...rest] = inner.map(stack);
    return [
      `slice m +${at}.000000000 0.100000000 loop "first a.js:1" {"blocked":true,"location":"/srv/a.js:1","stack":${first}}`,
      ...rest.map(
        (frames, i) =>
          `instant m +${at}.${String(25 * (i + 1)).padStart(3, '0')}000000 loop "arrange a.js:22 → sort" {"stack":${frames}}`,
      ),
    ].join('\n');
  };
  const index = indexOf(
    traceOf(`process 1 "shop"
track 1/1 thread "main"
track m async 1 loop "0x1" "main event loop"
${block(1, ['left (/srv/a.js:1:1)', 'right (/srv/a.js:8:1)', 'left (/srv/a.js:2:1)', 'right (/srv/a.js:9:1)'])}
${block(2, ['right (/srv/a.js:8:1)', 'right (/srv/a.js:9:1)', 'right (/srv/a.js:8:1)', 'sort (native)'])}
${block(3, ['first (/srv/a.js:1:1)', 'first (/srv/a.js:2:1)', 'first (/srv/a.js:1:1)', 'first (/srv/a.js:1:1)'])}`),
  );
  expect(blocksOf(index).map(({ name, location }) => [name, location])).toEqual([
    ['arrange a.js:22', '/srv/a.js:22'],
    // In the last quarter it had called something else.
    ['arrange a.js:22 → sort', '/srv/a.js:22'],
    ['first a.js:1', '/srv/a.js:1'],
  ]);
});

test('a function is one row whatever line of it ran, functions without a name are told apart by theirs', () => {
  const index = indexOf(
    traceOf(`process 1 "shop"
track 1/1 thread "main"
track l async 1 loop "0x1" "main event loop"
slice l +0.100000000 0.030000000 loop "hash a.js:1" {"blocked":true,"location":"/srv/a.js:1"}
slice l +0.200000000 0.040000000 loop "hash a.js:2 → pbkdf2Sync" {"blocked":true,"location":"/srv/a.js:2"}
slice l +0.300000000 0.050000000 loop "hash a.js:1" {"blocked":true,"location":"/srv/other/a.js:1"}
slice l +0.400000000 0.020000000 loop "(anonymous) a.js:4" {"blocked":true,"location":"/srv/a.js:4"}
slice l +0.500000000 0.020000000 loop "(anonymous) a.js:5" {"blocked":true,"location":"/srv/a.js:5"}`),
  );
  const { rows, linkOf } = blockersTable(index);
  expect(rows.map(({ name, location, blocks }) => [name, location, blocks.length])).toEqual([
    ['hash a.js', '/srv/a.js:2', 2],
    ['hash a.js:1', '/srv/other/a.js:1', 1],
    ['(anonymous) a.js:4', '/srv/a.js:4', 1],
    ['(anonymous) a.js:5', '/srv/a.js:5', 1],
  ]);
  // A name does not say in which of the files: the text does.
  expect(linkOf!(rows[0]!)!.filter).toEqual({ name: 'hash a.js', text: '/srv/a.js' });
  for (const row of rows)
    expect(eachBlockTable(index, linkOf!(row)!.filter).rows).toHaveLength(row.blocks.length);
});

test('a function is one culprit whatever it had called, and its name leads to all of its blocks', () => {
  const index = indexOf(
    traceOf(`process 1 "shop"
track 1/1 thread "main"
track l async 1 loop "0x1" "main event loop"
slice l +0.100000000 0.030000000 loop "hash a.js:1" {"blocked":true,"location":"/srv/a.js:1"}
slice l +0.200000000 0.040000000 loop "hash a.js:1 → pbkdf2Sync" {"blocked":true,"location":"/srv/a.js:1"}
slice l +0.300000000 0.050000000 loop "load b.js:2 → readFileSync" {"blocked":true,"location":"/srv/b.js:2"}
`),
  );
  const { rows, linkOf } = blockersTable(index);
  expect(rows.map(({ name, blocks }) => [name, blocks.length])).toEqual([
    ['hash a.js:1', 2],
    ['load b.js:2 → readFileSync', 1],
  ]);
  for (const row of rows) {
    expect(eachBlockTable(index, linkOf!(row)!.filter).rows).toHaveLength(row.blocks.length);
  }
});
