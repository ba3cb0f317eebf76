/** Files that other programs wrote, against an independent count over JSON.parse, and what is known to be in each. */
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readTrace } from './read-trace.ts';
import { EventKind, type Trace } from './trace.ts';

const TESTDATA = join(import.meta.dirname, '../testdata');

interface ChromeEvent {
  readonly ph: string;
  readonly name: string;
  readonly ts: number;
  readonly dur?: number;
  readonly pid?: number;
  readonly tid?: number;
  readonly cat?: string;
  readonly id?: string;
  readonly args?: { readonly name?: string } | null;
}

const captures = readdirSync(TESTDATA, { recursive: true, encoding: 'utf8' }).filter((path) =>
  /\.json(\.gz)?$/.test(path),
);

function parsed(path: string): ChromeEvent[] {
  const file = readFileSync(join(TESTDATA, path));
  const text = (path.endsWith('.gz') ? gunzipSync(file) : file).toString();
  // chrome-trace-event does not close its array.
  const isOpen = text.startsWith('[') && !/\]\s*$/.test(text);
  const json: unknown = JSON.parse(isOpen ? `${text}]` : text);
  return (json as { traceEvents?: ChromeEvent[] }).traceEvents ?? (json as ChromeEvent[]);
}

const open = (path: string): Promise<Trace> =>
  readTrace(createReadStream(join(TESTDATA, path), { highWaterMark: 777 }));

const count = (events: readonly ChromeEvent[], phases: string): number =>
  events.filter(({ ph }) => phases.includes(ph)).length;

function rowsOfKind(trace: Trace, kind: EventKind): number[] {
  return [...trace.columns.kind.keys()].filter((row) => trace.columns.kind[row] === kind);
}

const nameOf = (trace: Trace, row: number): string => trace.strings.text(trace.columns.name[row]!);

/** Names of all slices. */
const slices = (trace: Trace): string[] =>
  rowsOfKind(trace, EventKind.slice).map((row) => nameOf(trace, row));

test('every producer of the README is there', () => {
  expect(captures).toHaveLength(13);
});

describe.each(captures)('%s', (path) => {
  const events = parsed(path);

  test('has as many rows of each kind as events of each phase', async () => {
    const trace = await open(path);
    expect(trace.error).toBeUndefined();
    expect(rowsOfKind(trace, EventKind.slice)).toHaveLength(count(events, 'XBb'));
    expect(rowsOfKind(trace, EventKind.instant)).toHaveLength(count(events, 'iIRPn'));
    expect(rowsOfKind(trace, EventKind.flowOut)).toHaveLength(count(events, 's'));
    expect(rowsOfKind(trace, EventKind.flowIn)).toHaveLength(count(events, 'f'));
    expect(rowsOfKind(trace, EventKind.counter)).toHaveLength(count(events, 'C'));
  });

  test('ends as many slices as it has ends, and says of the other ends that they had no begin', async () => {
    const trace = await open(path);
    const ended = rowsOfKind(trace, EventKind.slice).filter((row) => trace.columns.value[row]! >= 0).length;
    const complete = events.filter(({ ph, dur }) => ph === 'X' && dur !== undefined).length;
    expect(ended + (trace.skipped.get('end without begin') ?? 0)).toBe(complete + count(events, 'Ee'));
  });

  test('has the names, times and durations of its complete events, in order', async () => {
    const trace = await open(path);
    const expected = events.filter(({ ph }) => ph === 'X');
    const names = new Set(expected.map(({ name }) => name));
    const origin = Number(trace.origin) / 1000;
    const own = rowsOfKind(trace, EventKind.slice).filter((row) => names.has(nameOf(trace, row)));
    const isAlsoBegun = events.some(({ ph, name }) => 'Bb'.includes(ph) && names.has(name));
    if (!isAlsoBegun) expect(own.map((row) => nameOf(trace, row))).toEqual(expected.map(({ name }) => name));
    for (const [i, { ts, dur = -0.001 }] of (isAlsoBegun ? [] : expected).entries()) {
      expect(trace.columns.start[own[i]!]! / 1000 + origin).toBeCloseTo(ts, 2);
      expect(trace.columns.value[own[i]!]! / 1000).toBeCloseTo(dur, 2);
    }
  });

  test('names its threads and processes', async () => {
    const trace = await open(path);
    for (const { ph, name, pid = 0, tid = pid, args } of events) {
      if (ph !== 'M') continue;
      const last = events.findLast((e) => e.ph === 'M' && e.name === name && e.pid === pid && e.tid === tid);
      if (name === 'thread_name' && args === last?.args) {
        const track = trace.tracks.find((t) => t.kind === 'thread' && t.pid === pid && t.tid === tid);
        expect(track?.name).toBe(args?.name);
      }
      if (name === 'process_name')
        expect(trace.processes.some((p) => p.pid === pid && p.name !== '')).toBe(true);
    }
  });

  test('keeps the arguments of every event that has any as JSON', async () => {
    const trace = await open(path);
    const texts = [...trace.columns.args].filter((id) => id !== 0).map((id) => trace.strings.text(id));
    for (const text of texts) expect(JSON.parse(text)).toBeTypeOf('object');
    const withArgs = events.filter(
      ({ ph, args }) => 'XBbiIn'.includes(ph) && Object.keys(args ?? {}).length > 0,
    );
    // Ends bring arguments too.
    expect(texts.length).toBeGreaterThanOrEqual(withArgs.length);
  });
});

test.each(['20.20.2', '22.23.3', '24.21.0', '26.10.0'])(
  'Node %s names its main thread and its worker, and all begun slices end',
  async (version) => {
    const trace = await open(`node/${version}/trace.json`);
    const threads = trace.tracks.filter(({ kind }) => kind === 'thread').map(({ name }) => name);
    expect(threads).toContain('JavaScriptMainThread');
    expect(threads.some((name) => name.includes('worker'))).toBe(true);
    expect(slices(trace)).toContain('Environment');
    expect(rowsOfKind(trace, EventKind.slice).every((row) => trace.columns.value[row]! >= 0)).toBe(true);
    expect(trace.metadata.get('version')).toBe(`{"node":"${version}"}`);
  },
);

test('Chromium: a browser and its renderers, a user timing, and flows of which each has both ends', async () => {
  const trace = await open('chromium/156/trace.json');
  expect(trace.processes.map(({ name }) => name)).toEqual(expect.arrayContaining(['Browser', 'Renderer']));
  expect(trace.tracks.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['CrBrowserMain', 'CrRendererMain']),
  );
  expect(
    trace.tracks.some(
      ({ kind, category, name }) => kind === 'async' && category === 'blink.user_timing' && name === 'm',
    ),
  ).toBe(true);
  const ends = (kind: EventKind): number[] =>
    [...new Set(rowsOfKind(trace, kind).map((row) => trace.columns.value[row]!))].sort((a, b) => a - b);
  expect(ends(EventKind.flowOut)).toEqual(ends(EventKind.flowIn));
  expect(trace.metadata.get('metadata')).toContain('LINUX_CLOCK_MONOTONIC');
});

test('chrome-trace-event: the array has no end, which is no error', async () => {
  const trace = await open('chrome-trace-event/1.0.4/trace.json');
  expect(slices(trace)).toEqual(['outer', 'read', 'complete']);
  expect(trace.strings.find('{"path":"C:\\\\dir \\"x\\""}')).toBeGreaterThan(0);
  expect(trace.tracks.find(({ kind }) => kind === 'counter')?.name).toBe('queue depth');
});

test('perftrace: no thread ids, and null for arguments', async () => {
  const trace = await open('perftrace/1.3.0/trace.json');
  expect(trace.tracks).toHaveLength(1);
  expect(trace.tracks[0]).toMatchObject({ kind: 'thread', pid: 1, tid: 1 });
  expect([...trace.columns.args].map((id) => trace.strings.text(id))).toEqual(['', '', '{"n":1}']);
});

test('bunyamin: times since 1970 are exact', async () => {
  const trace = await open('bunyamin/1.6.3/trace.json');
  expect(trace.origin).toBe(1_795_428_061_920_000_000n);
  expect([...trace.columns.start]).toEqual([0, 1e6, 3e6, 4e6, 7e6, 7e6]);
  expect(trace.processes[0]).toMatchObject({ name: 'app' });
});

test('TypeScript, both compilers: the program is created, bound and checked', async () => {
  for (const version of ['5.9.3', '7.0.2']) {
    const trace = await open(`typescript/${version}/trace.json`);
    expect(slices(trace)).toEqual(
      expect.arrayContaining(['createProgram', 'createSourceFile', 'bindSourceFile', 'checkSourceFile']),
    );
  }
});

test('webpack: plugins, and a CPU profile as one event', async () => {
  const trace = await open('webpack/5.112.2/events.json.gz');
  expect(slices(trace)).toContain('EntryPlugin');
  const profile = [...trace.columns.name.keys()].find((row) => nameOf(trace, row) === 'CpuProfile');
  const args = JSON.parse(trace.strings.text(trace.columns.args[profile!]!)) as {
    data: { cpuProfile: { nodes: unknown[] } };
  };
  expect(args.data.cpuProfile.nodes.length).toBeGreaterThan(10);
});

test('turbo: its spans are asynchronous slices of numbered ids', async () => {
  const trace = await open('turbo/2.11.11/profile.json');
  expect(trace.processes[0]?.name).toBe('turbo 2.11.11');
  expect(slices(trace)).toContain('run_with_args');
  expect(trace.tracks.filter(({ kind, id }) => kind === 'async' && id === '1').length).toBeGreaterThan(1);
});
