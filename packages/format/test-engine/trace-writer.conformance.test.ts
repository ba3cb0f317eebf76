/** Every writer keeps what it is given: one suite over all of them, with Perfetto's own engine as the judge of the protobuf. */
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createJsonWriter } from '../src/json-writer.ts';
import { createPerfettoWriter } from '../src/perfetto-writer.ts';
import { readTrace } from '../src/read-trace.ts';
import { EventKind, type Trace } from '../src/trace.ts';
import type { TraceWriter, WriterOptions } from '../src/trace-writer.ts';
import { MetadataName } from '../src/vocabulary.ts';
import { writeTrace } from '../src/write-trace.ts';
import { TraceProcessor } from './trace-processor.ts';

const ORIGIN = 1_507_948_892_012_345n;
type CreateWriter = (options: WriterOptions) => TraceWriter;

const createCompressed: CreateWriter = (options) =>
  createPerfettoWriter({ ...options, compress: (bytes) => deflateSync(bytes, { level: 1 }) });

/** A writer that is flushed after every fifth call, as a recorder's is by the clock: many blocks in one file. */
const flushing =
  (create: CreateWriter): CreateWriter =>
  (options) => {
    let calls = 0;
    return new Proxy(create(options), {
      get(writer, key) {
        const value: unknown = Reflect.get(writer, key);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          const result: unknown = Reflect.apply(value, writer, args);
          if (key !== 'finish' && ++calls % 5 === 0) writer.flush();
          return result;
        };
      },
    });
  };

const WRITERS: readonly [string, CreateWriter][] = [
  ['Chrome JSON', createJsonWriter],
  ['Perfetto protobuf', createPerfettoWriter],
  ['compressed protobuf', createCompressed],
  ['Chrome JSON in blocks', flushing(createJsonWriter)],
  ['Perfetto protobuf in blocks', flushing(createPerfettoWriter)],
  ['compressed protobuf in blocks', flushing(createCompressed)],
];

/** The bytes that a writer makes of what `write` gives it. */
function encode(
  create: (options: WriterOptions) => TraceWriter,
  write: (writer: TraceWriter) => void,
): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = create({ origin: ORIGIN, sink: (bytes) => chunks.push(bytes.slice()) });
  write(writer);
  writer.finish();
  return Buffer.concat(chunks);
}

async function read(bytes: Uint8Array): Promise<Trace> {
  const trace = await readTrace(
    (async function* () {
      yield bytes;
    })(),
  );
  expect(trace.error).toBeUndefined();
  // What our writers write our readers understand, all of it.
  expect([...trace.skipped]).toEqual([]);
  return trace;
}

/** Slices as text: absolute start, duration, track, name, category, arguments. */
function slices(trace: Trace): string[] {
  const { kind, start, value, name, category, track, args } = trace.columns;
  const found: string[] = [];
  for (let row = 0; row < trace.length; row++) {
    if (kind[row] !== EventKind.slice) continue;
    const time = trace.origin + BigInt(start[row]!);
    const text = (id: number): string => trace.strings.text(id);
    found.push(
      `${time} ${value[row]} ${trace.tracks[track[row]!]!.name} ${text(name[row]!)} ${text(category[row]!)} ${text(args[row]!)}`,
    );
  }
  return found.sort();
}

const at = (nanos: number): bigint => ORIGIN + BigInt(nanos);

describe.each(WRITERS)('%s', (_, create) => {
  test('keeps slices to the nanosecond, with names, categories, task and arguments', async () => {
    const trace = await read(
      encode(create, (writer) => {
        writer.process(1, 'node app.js');
        const main = writer.thread(1, 1, 'main');
        const worker = writer.thread(1, 2, 'wörker "1"\\');
        const region = writer.string('region');
        // Children first, as a recorder writes them.
        writer.slice(main, writer.string('inner'), region, 1001, 500, 0);
        writer.slice(main, writer.string('outer'), region, 1000, 34_500_000_123, 17);
        writer.slice(
          worker,
          writer.string('é "😀"\n'),
          region,
          999_999_999,
          0,
          123_456,
          '{"id":5,"deep":{"a":[1,"x",null,true,-2.5]}}',
        );
      }),
    );
    expect(slices(trace)).toEqual(
      [
        `${at(1000)} 34500000123 main outer region {"task":17}`,
        `${at(1001)} 500 main inner region `,
        `${at(999_999_999)} 0 wörker "1"\\ é "😀"\n region {"task":123456,"id":5,"deep":{"a":[1,"x",null,true,-2.5]}}`,
      ].sort(),
    );
    expect(trace.processes.map(({ name }) => name)).toEqual(['node app.js']);
  });

  test('keeps tasks on tracks of their own, unfinished slices, instants and counters', async () => {
    const trace = await read(
      encode(create, (writer) => {
        writer.process(7, 'p');
        const main = writer.thread(7, 7, 'main');
        const task = writer.asyncTrack(7, 'task', '0x1a', 'order');
        writer.begin(task, writer.string('order'), writer.string('task'), 10, 26, '{"id":17}');
        writer.end(task, 5010);
        writer.release(task);
        writer.begin(main, writer.string('open'), writer.string('region'), 20, 0);
        writer.instant(main, writer.string('cache'), writer.string('log'), 30, 26, '{"message":"miss"}');
        const whole = writer.counterTrack(7, 'queue');
        writer.counter(whole, 40, 3);
        writer.counter(whole, 50, -2.5);
      }),
    );
    const { kind, value, track } = trace.columns;
    expect(slices(trace)).toEqual(
      [`${at(10)} 5000 order order task {"task":26,"id":17}`, `${at(20)} -1 main open region `].sort(),
    );
    const rows = [...kind.keys()];
    expect(
      rows
        .filter((row) => kind[row] === EventKind.counter)
        .map((row) => [trace.tracks[track[row]!]!.name, value[row]]),
    ).toEqual([
      ['queue', 3],
      ['queue', -2.5],
    ]);
    const instants = rows.filter((row) => kind[row] === EventKind.instant);
    expect(instants.map((row) => trace.strings.text(trace.columns.args[row]!))).toEqual([
      '{"task":26,"message":"miss"}',
    ]);
    expect(trace.tracks.find(({ kind }) => kind === 'async')).toMatchObject({ name: 'order', pid: 7 });
  });

  test('keeps null and empty arguments, and says 0 for numbers that are none', async () => {
    const args = '{"none":null,"list":[null,[]],"inner":{"nothing":null,"empty":{}}}';
    const trace = await read(
      encode(create, (writer) => {
        writer.process(7, 'p');
        const main = writer.thread(7, 7, 'main');
        writer.slice(main, writer.string('odd'), writer.string('region'), 10, 5, 0, args);
        const queue = writer.counterTrack(7, 'queue');
        writer.counter(queue, 40, Number.NaN);
        writer.counter(queue, 41, Number.POSITIVE_INFINITY);
      }),
    );
    expect(slices(trace)).toEqual([`${at(10)} 5 main odd region ${args}`]);
    const { kind, value } = trace.columns;
    expect([...value].filter((_, row) => kind[row] === EventKind.counter)).toEqual([0, 0]);
  });

  test('keeps arrows, drop counts and the clock', async () => {
    const recording =
      '{"version":1,"clock":{"monotonicNanos":"1507948892012345","wallMillis":1795426070889.5}}';
    const trace = await read(
      encode(create, (writer) => {
        const process = writer.process(1, 'p');
        writer.metadata(process, MetadataName.recording, recording);
        const [a, b] = [writer.thread(1, 1, 'main'), writer.thread(1, 2, 'worker')];
        const [send, flow] = [writer.string('send'), writer.string('flow')];
        writer.slice(a, send, flow, 100, 10, 0, '', [
          { id: 77, direction: 'out' },
          { id: 78, direction: 'out' },
        ]);
        writer.slice(b, send, flow, 200, 10, 0, '', [{ id: 77, direction: 'in' }]);
        writer.slice(b, send, flow, 300, 10, 0, '', [{ id: 78, direction: 'in' }]);
        writer.metadata(b, MetadataName.dropped, '{"dropped":12}');
      }),
    );
    const { kind, value, start, track } = trace.columns;
    const ends = [...kind.keys()].filter((row) => kind[row]! >= EventKind.flowOut);
    expect(ends).toHaveLength(4);
    const byFlow = new Map<number, string[]>();
    for (const row of ends) {
      const text = `${kind[row] === EventKind.flowOut ? 'out' : 'in'} ${trace.tracks[track[row]!]!.name} ${trace.origin + BigInt(start[row]!) - ORIGIN}`;
      byFlow.set(value[row]!, [...(byFlow.get(value[row]!) ?? []), text].sort().reverse());
    }
    expect([...byFlow.values()].sort()).toEqual([
      ['out main 100', 'in worker 200'],
      ['out main 100', 'in worker 300'],
    ]);
    expect(
      trace.tracks.map(({ name, dropped }) => [name, dropped]).filter(([, dropped]) => dropped !== 0),
    ).toEqual([['worker', 12]]);
    expect(trace.clock?.wallMillis).toBe(1_795_426_070_889.5);
    expect(trace.clock?.monotonicNanos).toBe(ORIGIN);
  });

  test('knows when a recording without events was made', async () => {
    const trace = await read(
      encode(create, (writer) => {
        const process = writer.process(1, 'p');
        writer.metadata(
          process,
          MetadataName.recording,
          '{"version":1,"clock":{"monotonicNanos":"1507948892012345","wallMillis":1795426070889.5}}',
        );
      }),
    );
    expect(trace.length).toBe(0);
    // Readers keep the origin in whole microseconds.
    expect(trace.origin / 1000n).toBe(ORIGIN / 1000n);
  });

  test('takes deep nesting, many names and many tracks', async () => {
    const trace = await read(
      encode(create, (writer) => {
        writer.process(1, 'p');
        const main = writer.thread(1, 1, 'main');
        const region = writer.string('region');
        for (let depth = 300; depth > 0; depth--)
          writer.slice(main, writer.string(`depth ${depth}`), region, depth, 10_000 - 2 * depth, 0);
        for (let i = 0; i < 20_000; i++)
          writer.slice(main, writer.string(`name ${i}`), region, 20_000 + 10 * i, 5, 0);
        for (let i = 0; i < 2000; i++) {
          const track = writer.asyncTrack(1, 'task', `0x${i.toString(16)}`, 'job');
          writer.begin(track, writer.string('job'), writer.string('task'), i, i + 1);
          writer.end(track, i + 7);
          writer.release(track);
        }
      }),
    );
    const { kind, value } = trace.columns;
    expect(slices(trace)).toHaveLength(300 + 20_000 + 2000);
    expect([...kind.keys()].filter((row) => kind[row] === EventKind.slice && value[row]! < 0)).toEqual([]);
    expect(trace.tracks.filter(({ kind }) => kind === 'async')).toHaveLength(2000);
  });

  test('any nested slices come back the same, directly and through the columns', async () => {
    const tree = fc.letrec<{ node: Node }>((tie) => ({
      node: fc.record({
        name: fc.string({ unit: 'grapheme', maxLength: 5 }).filter((name) => name !== ''),
        children: fc.oneof(
          { depthSize: 'small', maxDepth: 6 },
          fc.constant([]),
          fc.array(tie('node'), { maxLength: 4 }),
        ),
      }),
    })).node;
    await fc.assert(
      fc.asyncProperty(fc.array(tree, { maxLength: 5 }), async (roots) => {
        const bytes = encode(create, (writer) => {
          writer.process(1, 'p');
          const main = writer.thread(1, 1, 'main');
          let clock = 0;
          const walk = ({ name, children }: Node): void => {
            const start = clock++;
            for (const child of children) walk(child);
            writer.slice(main, writer.string(name), writer.string('region'), start, clock++ - start, 0);
          };
          for (const root of roots) walk(root);
        });
        const first = await read(bytes);
        const again = await read(
          encode(
            (options) => create({ ...options, origin: first.origin }),
            (writer) => writeInto(first, writer),
          ),
        );
        expect(slices(again)).toEqual(slices(first));
        expect(slices(first)).toHaveLength(countNodes(roots));
      }),
      { numRuns: 40 },
    );
  });
});

interface Node {
  readonly name: string;
  readonly children: readonly Node[];
}

function countNodes(nodes: readonly Node[]): number {
  return nodes.reduce((sum, { children }) => sum + 1 + countNodes(children), 0);
}

/** writeTrace finishes its writer, and so does `encode`: the second time is left out. */
function writeInto(trace: Trace, writer: TraceWriter): void {
  writeTrace(trace, writer);
  writer.finish = () => undefined;
}

test.each(WRITERS.filter(([name]) => name.includes('protobuf')))(
  "Perfetto's own engine reads %s with the same slices, tracks, arguments, arrows and counters",
  async (_, create) => {
    const bytes = encode(create, (writer) => {
      writer.process(4100, 'node app.js');
      const main = writer.thread(4100, 4100, 'main');
      const worker = writer.thread(4100, 4101, 'worker 1');
      const region = writer.string('region');
      writer.slice(main, writer.string('inner'), region, 1001, 500, 0);
      writer.slice(main, writer.string('outer'), region, 1000, 5000, 17, '{"url":"/x"}', [
        { id: 5, direction: 'out' },
      ]);
      writer.slice(worker, writer.string('handle'), region, 7000, 100, 17, '', [{ id: 5, direction: 'in' }]);
      const task = writer.asyncTrack(4100, 'task', '0x11', 'order');
      writer.begin(task, writer.string('order'), writer.string('task'), 900, 17);
      writer.end(task, 8000);
      const queue = writer.counterTrack(4100, 'queue');
      writer.counter(queue, 1000, 3);
      writer.counter(queue, 2000, 4.5);
    });
    const engine = await TraceProcessor.create();
    engine.load(bytes);
    const rows =
      engine.query(`select s.ts - (select min(ts) from slice) as ts, s.dur, s.depth, s.name, coalesce(t.name, tr.name) as track
    from slice s left join thread_track tt on s.track_id = tt.id left join thread t using (utid) left join track tr on s.track_id = tr.id order by 1, 3`);
    expect(rows).toEqual([
      { ts: 0, dur: 7100, depth: 0, name: 'order', track: 'order' },
      { ts: 100, dur: 5000, depth: 0, name: 'outer', track: 'main' },
      { ts: 101, dur: 500, depth: 1, name: 'inner', track: 'main' },
      { ts: 6100, dur: 100, depth: 0, name: 'handle', track: 'worker 1' },
    ]);
    expect(
      engine.query(
        "select s.name, a.key, a.int_value, a.string_value from slice s join args a using (arg_set_id) where s.name = 'outer' and a.key like 'debug.%' order by 2",
      ),
    ).toEqual([
      { name: 'outer', key: 'debug.task', int_value: 17, string_value: null },
      { name: 'outer', key: 'debug.url', int_value: null, string_value: '/x' },
    ]);
    expect(
      engine.query(
        'select a.name as source, b.name as target from flow f join slice a on f.slice_out = a.id join slice b on f.slice_in = b.id',
      ),
    ).toEqual([{ source: 'outer', target: 'handle' }]);
    expect(engine.query('select value from counter order by ts')).toEqual([{ value: 3 }, { value: 4.5 }]);
  },
);

test('current Perfetto aborts at null as legacy JSON, so none is written', () => {
  const bytes = encode(createPerfettoWriter, (writer) => {
    const main = writer.thread(1, 1, 'main');
    writer.slice(main, writer.string('odd'), 0, 1, 1, 0, '{"none":null}');
  });
  expect(Buffer.from(bytes).includes('null')).toBe(false);
});

test('slices that overlap without nesting, and unfinished ones inside finished ones, do not disturb the others', async () => {
  const text = `[{"ph":"X","name":"a","pid":1,"tid":1,"ts":1,"dur":10},{"ph":"X","name":"b","pid":1,"tid":1,"ts":6,"dur":10},
    {"ph":"X","name":"outer","pid":1,"tid":1,"ts":20,"dur":10},{"ph":"X","name":"open","pid":1,"tid":1,"ts":22}]`;
  const trace = await read(new TextEncoder().encode(text));
  for (const [, create] of WRITERS) {
    const back = await read(
      encode(
        (options) => create({ ...options, origin: trace.origin }),
        (writer) => writeInto(trace, writer),
      ),
    );
    const { kind, value, name } = back.columns;
    const lengths = [...kind.keys()]
      .filter((row) => kind[row] === EventKind.slice)
      .map((row) => [back.strings.text(name[row]!), value[row]]);
    expect(new Map(lengths as [string, number][])).toEqual(
      new Map([
        ['a', 10_000],
        ['b', 10_000],
        ['outer', 10_000],
        ['open', 8000],
      ]),
    );
  }
});
