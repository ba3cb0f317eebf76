/** Files for profile viewers: what of a trace is in them, to the nanosecond, and that any trace gives a file that the viewer's schema allows. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { EventKind, type Trace } from '@ttrace/format';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { indexOf } from '../trace-index.ts';
import { randomTrace, traceOf } from '../trace-test-kit.ts';
import { firefoxFile } from './firefox.ts';
import { speedscopeFile } from './speedscope.ts';

const TRACE = traceOf(`process 1 "shop"
track 1/1 thread "main"
track 1/2 thread "worker \\"1\\""
track t1 async 1 task "0x11" "order"
track l1 async 1 loop "0x1" "main event loop"
track s1 async 1 sample "0x1" "main samples"
track c1 counter 1 "" "queue"
slice 1/1 +0.000000001 0.050000000 region "job" {"task":17}
slice 1/1 +0.010000000 0.020000000 wait "lock db wait"
slice 1/1 +0.030000001 0.040000000 region "late"
slice t1 +0.000000001 0.060000000 task "order" {"task":17,"parent":3,"id":"a;b"}
slice l1 +0.000000001 0.040000000 loop "hash a.js:3" {"blocked":true,"location":"/srv/a.js:3","stack":["hash (/srv/a.js:3:5)","login (/srv/b.js:9:1)"]}
slice s1 +0.000000001 0.030000000 sample "main" {"location":"/srv/m.js:1"}
slice s1 +0.010000001 0.010000000 sample "parse" {"location":"/srv/p.js:7"}
slice s1 +0.040000001 0.010000000 sample "main" {"location":"/srv/m.js:1"}
instant 1/1 +0.005000000 log "cache" {"message":"miss"}
counter c1 +0.000000001 3 "queue"
counter c1 +0.020000000 5.5 "queue"
slice 1/1 +0.075000000 0.000001000 message "postMessage"
flow-out 1/1 +0.075000000 1 flow "flow"
slice 1/2 +0.076000000 0.005000000 message "message"
flow-in 1/2 +0.076000000 1 flow "flow"
slice 1/2 +0.080000000 open region "open"
`);
const NOTHING = traceOf('process 1 "shop"\n');

function textOf({ text }: { readonly text: Iterable<string> }): string {
  return [...text].join('');
}

interface Evented {
  readonly type: 'evented';
  readonly name: string;
  readonly endValue: number;
  readonly events: readonly { readonly type: 'O' | 'C'; readonly frame: number; readonly at: number }[];
}
interface Sampled {
  readonly type: 'sampled';
  readonly name: string;
  readonly endValue: number;
  readonly samples: readonly (readonly number[])[];
  readonly weights: readonly number[];
}
interface Speedscope {
  readonly shared: { readonly frames: readonly { name: string; file?: string; line?: number }[] };
  readonly profiles: readonly (Evented | Sampled)[];
}

describe('speedscope', () => {
  const require = createRequire(import.meta.url);
  const schema = JSON.parse(
    readFileSync(require.resolve('speedscope/dist/release/file-format-schema.json'), 'utf8'),
  ) as object;
  const isValid = new Ajv({ strict: false }).compile(schema);
  const fileOf = (trace: Trace): Speedscope => {
    const file: unknown = JSON.parse(textOf(speedscopeFile(indexOf(trace), 'a.json')));
    expect(isValid(file) ? [] : isValid.errors).toEqual([]);
    return file as Speedscope;
  };

  test('each thread has its slices as events and its samples with their weights, in nanoseconds', () => {
    const { profiles, shared } = fileOf(TRACE);
    const name = (frame: number): string => shared.frames[frame]!.name;
    expect(profiles.map(({ name: title, type }) => `${title} ${type}`)).toEqual([
      'main evented',
      'main (overlapping 1) evented',
      'main samples sampled',
      'worker "1" evented',
    ]);
    const [main, overlapping, samples, worker] = profiles as [Evented, Evented, Sampled, Evented];
    expect(main.events.map(({ type, frame, at }) => `${type} ${name(frame)} ${at}`)).toEqual([
      'O job 0',
      'O lock db wait 9999999',
      'C lock db wait 29999999',
      'C job 50000000',
      'O postMessage 74999999',
      'C postMessage 75000999',
    ]);
    expect(overlapping.events.map(({ at }) => at)).toEqual([30e6, 70e6]);
    expect(samples.samples.map((stack) => stack.map(name).join(' '))).toEqual([
      'main',
      'main parse',
      'main',
      '',
      'main',
      '',
    ]);
    expect(samples.weights).toEqual([10e6, 10e6, 10e6, 10e6, 10e6, 30_999_999]);
    expect(shared.frames.find((frame) => frame.name === 'parse')).toEqual({
      name: 'parse',
      file: '/srv/p.js',
      line: 7,
    });
    expect(worker.events.at(-1)).toMatchObject({ type: 'C', at: 80_999_999 });
  });

  test('what has no place in it is said', () => {
    expect(speedscopeFile(indexOf(TRACE), '').omitted).toEqual([
      '2 asynchronous slices',
      '1 instant',
      '2 counter samples',
    ]);
  });

  test('a trace of nothing is a file with an empty profile', () => {
    expect(fileOf(NOTHING).profiles).toMatchObject([{ type: 'evented', events: [] }]);
  });

  test('of any trace events nest, times do not go back, and weights add up to the whole', () => {
    fc.assert(
      fc.property(randomTrace, (trace) => {
        for (const profile of fileOf(trace).profiles) {
          if (profile.type === 'sampled') continue;
          const open: number[] = [];
          let last = 0;
          for (const { type, frame, at } of profile.events) {
            expect(at).toBeGreaterThanOrEqual(last);
            last = at;
            if (type === 'O') open.push(frame);
            else expect(open.pop()).toBe(frame);
          }
          expect(open).toEqual([]);
          expect(last).toBeLessThanOrEqual(profile.endValue);
        }
      }),
      { numRuns: 50 },
    );
  });
});

interface Columns {
  readonly length: number;
  readonly [column: string]: readonly unknown[] | number | string | null;
}
interface Firefox {
  readonly meta: {
    readonly markerSchema: readonly { readonly name: string }[];
    readonly profilingEndTime: number;
  };
  readonly shared: Readonly<Record<string, Columns>> & { readonly stringArray: readonly string[] };
  readonly threads: readonly {
    readonly name: string;
    readonly samples: Columns;
    readonly markers: Columns;
  }[];
  readonly counters: readonly { readonly name: string; readonly samples: Columns }[];
}

describe('Firefox Profiler', () => {
  const fileOf = (trace: Trace): Firefox =>
    JSON.parse(textOf(firefoxFile(indexOf(trace), 'a.json'))) as Firefox;
  const column = <T>(table: Columns, name: string): readonly T[] => table[name] as readonly T[];

  test('slices and instants are markers of their thread, tasks of the first thread of their process', () => {
    const { threads, shared } = fileOf(TRACE);
    const markers = (thread: number): string[] => {
      const table = threads[thread]!.markers;
      const [start, end] = [column<number>(table, 'startTime'), column<number | null>(table, 'endTime')];
      const data = column<{ type: string }>(table, 'data');
      return column<number>(table, 'name').map(
        (name, at) => `${data[at]!.type} ${shared.stringArray[name]} ${start[at]} ${end[at]}`,
      );
    };
    expect(threads.map(({ name }) => name)).toEqual(['main', 'worker "1"']);
    expect(markers(0)).toEqual([
      'region job 0 50',
      'wait lock db wait 9.999999 29.999999',
      'region late 30 70',
      'task order 0 60',
      'loop hash a.js:3 0 40',
      'log cache 4.999999 null',
      'message postMessage 74.999999 75.000999',
    ]);
    expect(markers(1)).toEqual(['message message 75.999999 80.999999', 'region open 79.999999 null']);
    const data = column<Record<string, unknown>>(threads[0]!.markers, 'data');
    expect(data[3]).toEqual({ type: 'task', task: 17, parent: 3, arguments: '{"id":"a;b"}' });
    expect(data[5]).toEqual({ type: 'log', message: 'miss' });
    const other = column<Record<string, unknown>>(threads[1]!.markers, 'data');
    expect(data[6]!.flow).toBe(other[0]!.flow);
    expect(column<number>(threads[1]!.markers, 'phase')).toEqual([1, 2]);
  });

  test('samples are stacks with the milliseconds that they stayed so; a block has its stack as cause', () => {
    const { threads, shared } = fileOf(TRACE);
    const { stackTable, frameTable, funcTable } = shared;
    const stackOf = (stack: number | null): string[] => {
      const names: string[] = [];
      for (let at = stack; at !== null; ) {
        const func = column<number>(frameTable!, 'func')[column<number>(stackTable!, 'frame')[at]!]!;
        names.unshift(shared.stringArray[column<number>(funcTable!, 'name')[func]!]!);
        const back = column<number>(stackTable!, 'prefixOffset')[at]!;
        at = back === 0 ? null : at - back;
      }
      return names;
    };
    const { samples, markers } = threads[0]!;
    expect(column<number | null>(samples, 'stack').map((at) => stackOf(at).join(' '))).toEqual([
      'main',
      'main parse',
      'main',
      '',
      'main',
      '',
    ]);
    expect(column(samples, 'time')).toEqual([0, 10, 20, 30, 40, 50]);
    expect(column(samples, 'weight')).toEqual([10, 10, 10, 0, 10, 0]);
    const block = column<{ cause?: { stack: number } }>(markers, 'data')[4]!;
    expect(stackOf(block.cause!.stack)).toEqual(['login', 'hash']);
  });

  test('counters have changes where a trace has values', () => {
    const [queue] = fileOf(TRACE).counters;
    expect(queue).toMatchObject({ name: 'queue', samples: { time: [0, 19.999999], count: [3, 2.5] } });
  });

  test('of any trace all columns of a table are of one length, and all indices in range', () => {
    fc.assert(
      fc.property(randomTrace, (trace) => {
        const file = fileOf(trace);
        const tables = [
          ...Object.values(file.shared).filter((table) => !Array.isArray(table)),
          ...file.threads.flatMap(({ samples, markers }) => [samples, markers]),
          ...file.counters.map(({ samples }) => samples),
        ];
        for (const table of tables) {
          for (const values of Object.values(table)) {
            if (Array.isArray(values)) expect(values).toHaveLength(table.length);
          }
        }
        const shown = trace.columns.kind.filter(
          (kind) => kind === EventKind.slice || kind === EventKind.instant,
        ).length;
        const markers = file.threads.reduce((sum, thread) => sum + thread.markers.length, 0);
        expect(markers).toBe(shown);
        const types = new Set(file.meta.markerSchema.map(({ name }) => name));
        for (const { markers: table } of file.threads) {
          for (const { type } of column<{ type: string }>(table, 'data')) expect(types).toContain(type);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('a trace of nothing is a file all the same', () => {
    expect(fileOf(NOTHING).threads).toMatchObject([{ name: 'process', markers: { length: 0 } }]);
  });
});
