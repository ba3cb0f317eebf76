/** Joining traces: times on one clock, nobody's tracks or arrows mixed up, arrows between processes. */
import { indexOf, TABLES, tableObjects } from '@ttrace/analysis';
import {
  createTextReader,
  EventKind,
  readTextTrace,
  readTrace,
  TEXT_MAGIC,
  type Trace,
  TraceBuilder,
  textLines,
  validateTrace,
} from '@ttrace/format';
import { expect, test } from 'vitest';
import { createTraceMerger } from './merge-traces.ts';

interface Event {
  readonly name: string;
  readonly category?: string;
  /** Absolute nanoseconds. */
  readonly at: number;
  readonly duration?: number;
  readonly args?: object;
}

/** A trace of one process with one thread, and an arrow from its first event to its last. */
function traceOf(pid: number, events: readonly Event[]): Trace {
  const builder = new TraceBuilder();
  builder.process(pid).name = `node ${pid}.js`;
  const track = builder.threadTrack(pid, pid);
  builder.tracks[track]!.name = 'main';
  builder.metadata.set('ttrace_recording', `{"version":${pid}}`);
  const text = (value: string): number => builder.strings.intern(value);
  for (const { name, category = 'region', at, duration = 10, args } of events) {
    const time = builder.relative(Math.floor(at / 1000), at % 1000);
    builder.slice(
      track,
      text(name),
      text(category),
      time,
      duration,
      args === undefined ? 0 : text(JSON.stringify(args)),
    );
  }
  const flow = builder.flow('own');
  for (const [kind, event] of [
    [EventKind.flowOut, events[0]],
    [EventKind.flowIn, events.at(-1)],
  ] as const) {
    if (event === undefined) continue;
    builder.flowEvent(
      kind,
      track,
      text('flow'),
      text('flow'),
      builder.relative(Math.floor(event.at / 1000), event.at % 1000),
      flow,
    );
  }
  return builder.finish('json', 100);
}

function merged(...traces: readonly Trace[]): Trace {
  const merger = createTraceMerger();
  for (const trace of traces) merger.add(trace);
  return merger.finish();
}

/** Rows of arrows by number: which process at which absolute time. */
function arrows({ columns, tracks, origin, length }: Trace): Map<number, string[]> {
  const ends = new Map<number, string[]>();
  for (let row = 0; row < length; row++) {
    if (columns.kind[row]! < EventKind.flowOut) continue;
    const flow = columns.value[row]!;
    const time = Number(origin) + columns.start[row]!;
    ends.set(flow, [...(ends.get(flow) ?? []), `${tracks[columns.track[row]!]!.pid}@${time}`]);
  }
  return ends;
}

test('times stay where they were, to the nanosecond, also before the first trace and days after the machine started', () => {
  const day = 86_400e9;
  const joined = merged(
    traceOf(1, [{ name: 'late', at: 30 * day + 5_000_123 }]),
    traceOf(2, [{ name: 'early', at: 30 * day + 1_999_999 }]),
  );
  const times = new Map<string, number>();
  for (let row = 0; row < joined.length; row++) {
    if (joined.columns.kind[row] !== EventKind.slice) continue;
    times.set(
      joined.strings.text(joined.columns.name[row]!),
      Number(joined.origin) + joined.columns.start[row]!,
    );
  }
  expect(Object.fromEntries(times)).toEqual({ late: 30 * day + 5_000_123, early: 30 * day + 1_999_999 });
});

test('arrows of two processes stay apart, and one more leads from a spawn to the start of the process', () => {
  const spawn = { name: 'spawn', category: 'process', at: 2000, args: { pid: 2 } };
  const start = { name: 'process start', category: 'process', at: 9000, args: { parentPid: 1 } };
  const joined = merged(
    traceOf(1, [{ name: 'a', at: 1000 }, spawn, { name: 'b', at: 3000 }]),
    traceOf(2, [start, { name: 'c', at: 9500 }]),
  );
  expect([...arrows(joined).values()].sort()).toEqual([
    ['1@1000', '1@3000'],
    ['1@2000', '2@9000'],
    ['2@9000', '2@9500'],
  ]);
  expect(validateTrace(joined).filter(({ severity }) => severity === 'error')).toEqual([]);
});

test('a process that a shell started is tied to the spawn of the shell, and one without a spawn before it to nothing', () => {
  const spawnShell = { name: 'spawn', category: 'process', at: 2000, args: { pid: 70 } };
  const spawnLate = { name: 'spawn', category: 'process', at: 9000, args: { pid: 3 } };
  const start = (parentPid: number): Event => ({
    name: 'process start',
    category: 'process',
    at: 5000,
    args: { parentPid },
  });
  const joined = merged(traceOf(1, [spawnShell, spawnLate]), traceOf(2, [start(70)]), traceOf(3, [start(1)]));
  const between = [...arrows(joined).values()].filter(
    (ends) => new Set(ends.map((end) => end.split('@')[0])).size > 1,
  );
  expect(between).toEqual([['1@2000', '2@5000']]);
});

test('a process number that was given again makes a process of its own', () => {
  const joined = merged(traceOf(7, [{ name: 'a', at: 1000 }]), traceOf(7, [{ name: 'b', at: 2000 }]));
  expect(new Set(joined.processes.map(({ pid }) => pid)).size).toBe(2);
  expect(joined.tracks.map(({ pid, tid }) => pid === tid)).toEqual([true, true]);
  expect(joined.tracks[0]!.pid).not.toBe(joined.tracks[1]!.pid);
});

test('traces of one recording come together on the same tracks, and what is no part of a split is said', () => {
  const recorded = (at: number): Trace => ({
    ...traceOf(7, [{ name: 'a', at }]),
    clock: { monotonicNanos: 5n, wallMillis: 1.7e12 },
  });
  const merger = createTraceMerger();
  expect(merger.add(recorded(1000))).toBe(false);
  expect(merger.add(traceOf(7, [{ name: 'b', at: 3000 }]))).toBe(false);
  expect(merger.add(recorded(9000))).toBe(true);
  const joined = merger.finish();
  expect(joined.processes).toHaveLength(2);
  const slices = Array.from(joined.columns.track).filter(
    (_, row) => joined.columns.kind[row] === EventKind.slice,
  );
  expect(slices).toEqual([0, 1, 0]);
});

test('numbers that an earlier merge gave are not given to others', () => {
  const a = traceOf(7, [{ name: 'a', at: 1000 }]);
  const twice = merged(a, traceOf(7, [{ name: 'b', at: 2000 }]));
  const joined = merged(traceOf(7, [{ name: 'c', at: 3000 }]), twice);
  expect(new Set(joined.processes.map(({ pid }) => pid)).size).toBe(3);
  expect(new Set(joined.columns.track).size).toBe(3);
});

test('a merged recording gets no second arrow to its child, and one of another machine none at all', () => {
  const spawn = { name: 'spawn', category: 'process', at: 2000, args: { pid: 2 } };
  const start = { name: 'process start', category: 'process', at: 9000, args: { parentPid: 1 } };
  const both = merged(traceOf(1, [spawn]), traceOf(2, [start]));
  const between = (trace: Trace): number =>
    [...arrows(trace).values()].filter((ends) => new Set(ends.map((end) => end.split('@')[0])).size > 1)
      .length;
  expect(between(both)).toBe(1);
  expect(between(merged(both, traceOf(3, [{ name: 'c', at: 1 }])))).toBe(1);
  const merger = createTraceMerger();
  merger.add(traceOf(1, [spawn]));
  merger.add(traceOf(2, [start]), { shift: 100n, machine: 1 });
  expect(between(merger.finish())).toBe(0);
});

test('one trace alone comes out as it went in, with the facts of the first', () => {
  const lines = [
    ...textLines(
      traceOf(4, [
        { name: 'a', at: 1500, args: { task: 3 } },
        { name: 'b', at: 2500 },
      ]),
    ),
  ];
  const builder = new TraceBuilder();
  const reader = createTextReader(builder, {});
  reader.push(new TextEncoder().encode(`${lines.join('\n')}\n`));
  const trace = builder.finish('text', 1);
  expect([...textLines(merged(trace))]).toEqual([...textLines(trace)]);
  expect(merged(traceOf(4, []), traceOf(5, [])).metadata.get('ttrace_recording')).toBe('{"version":4}');
});

test('CPU profiles of the threads of one process become one process; the same one twice does not', async () => {
  const profile = (thread: number): Promise<Trace> => {
    const callFrame = { functionName: `f${thread}`, url: '', lineNumber: -1 };
    const nodes = [{ id: 1, callFrame }];
    const text = JSON.stringify({ nodes, startTime: 5, endTime: 9, samples: [1], timeDeltas: [1] });
    async function* bytes() {
      yield new TextEncoder().encode(text);
    }
    return readTrace(bytes(), { fileName: `CPU.20261126.150257.42.${thread}.001.cpuprofile` });
  };
  const threads = (trace: Trace): string[] =>
    indexOf(trace).threads.map(({ pid, tid, name }) => `${pid}/${tid} ${name}`);
  const { pid, tid, sampleTrack } = indexOf(merged(await profile(0), await profile(2))).threads[1]!;
  expect({ pid, tid, hasSamples: sampleTrack >= 0 }).toEqual({ pid: 42, tid: 44, hasSamples: true });
  const twice = merged(await profile(0), await profile(0));
  expect(threads(twice)).toEqual(['42/42 main', `${42 + (1 << 22)}/${42 + (1 << 22)} main`]);
  expect(indexOf(twice).threads[1]!.sampleTrack).toBeGreaterThan(0);
});

test('what a file of OTLP says of its process stays with it, also where another has the same number', async () => {
  const span = '"spans":[{"name":"a","startTimeUnixNano":"1795705098000000001"}]';
  const file = (service: string, more: string): Promise<Trace> =>
    readTrace(
      new Blob([
        `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"${service}"}}]}${more},"scopeSpans":[{${span}}]}]}`,
      ]).stream(),
    );
  const { processes, metadata } = merged(
    await file('one', ''),
    await file('other', ',"schemaUrl":"https://x/1"'),
  );
  const [one, other] = processes.map(({ pid }) => pid);
  expect(Object.fromEntries(metadata)).toEqual({
    [`ttrace_resource ${one}`]: '{"service.name":"one"}',
    [`ttrace_resource ${other}`]: '{"service.name":"other"}',
    [`ttrace_resource_facts ${other}`]: '{"schema_url":"https://x/1"}',
  });
});

test('a hold is of the same thread where processes of one number get different ones', () => {
  const lines = (thread: string): string => `${TEXT_MAGIC}
process 7 "shop"
track 7/9 thread "${thread}"
track h async 7 region "0x1" "lock db"
instant 7/9 +0.000000001 log "x"
slice h +0.000000100 0.000000100 region "lock db" {"tid":9}`;
  const merger = createTraceMerger();
  for (const thread of ['worker 2 one', 'worker 2 other']) merger.add(readTextTrace(lines(thread)));
  const table = TABLES.find(({ id }) => id === 'lock-threads')!.table(indexOf(merger.finish()), {});
  expect(
    tableObjects(table)
      .map(({ name, thread, holds }) => [name, thread, holds])
      .sort(),
  ).toEqual([
    ['lock db', 'worker 2 one', 1],
    ['lock db', 'worker 2 other', 1],
  ]);
});
