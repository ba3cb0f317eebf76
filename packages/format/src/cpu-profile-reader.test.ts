/** V8 CPU profiles of every Node, whole, damaged and in every form that producers write, against an independent count over JSON.parse. */
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readTrace } from './read-trace.ts';
import { type Trace, timeRange } from './trace.ts';
import { validateTrace } from './validate.ts';

const TESTDATA = join(import.meta.dirname, '../testdata/node');
const captures = readdirSync(TESTDATA, { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.cpuprofile'),
);

interface Node {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}
interface Profile {
  readonly nodes: readonly Node[];
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

async function read(bytes: Uint8Array, fileName = '', step = 1 << 20): Promise<Trace> {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
  }
  return readTrace(chunks(), { fileName });
}
const readText = (text: string, fileName?: string): Promise<Trace> =>
  read(new TextEncoder().encode(text), fileName);
const readObject = (value: unknown): Promise<Trace> => readText(JSON.stringify(value));

/** Name, location, begin and duration of each slice. */
function slices({ columns, strings, length }: Trace): string[] {
  return Array.from({ length }, (_, row) => {
    const args = strings.text(columns.args[row]!);
    const { location = '' } = args === '' ? {} : (JSON.parse(args) as { location?: string });
    return `${strings.text(columns.name[row]!)} ${location} ${columns.start[row]!}+${columns.value[row]!}`;
  });
}

/** Nanoseconds in which a function was on the stack, by name: what the profile's arrays say. */
function timeOnStack({ nodes, samples, timeDeltas, startTime, endTime }: Profile): Map<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const totals = new Map<string, number>();
  let at = startTime;
  let before: string[] = [];
  samples.forEach((id, i) => {
    at += timeDeltas[i]!;
    const micros = i + 1 < samples.length ? timeDeltas[i + 1]! : Math.max(0, endTime - at);
    let names: string[] = [];
    for (let node: number | undefined = id; node !== undefined; node = parents.get(node)) {
      names.push(byId.get(node)!.callFrame.functionName || '(anonymous)');
    }
    if (names[0] === '(garbage collector)') names = ['(garbage collector)', ...before];
    else before = names;
    for (const name of new Set(names)) totals.set(name, (totals.get(name) ?? 0) + micros * 1000);
  });
  for (const nothing of ['(root)', '(program)', '(idle)']) totals.delete(nothing);
  return totals;
}

/** The same of a trace: the outermost slice of each name. */
function timeInSlices({ columns, strings, length }: Trace): Map<string, number> {
  const totals = new Map<string, number>();
  const ends = new Map<string, number>();
  for (let row = 0; row < length; row++) {
    const name = strings.text(columns.name[row]!);
    if ((ends.get(name) ?? -1) > columns.start[row]!) continue;
    ends.set(name, columns.start[row]! + columns.value[row]!);
    totals.set(name, (totals.get(name) ?? 0) + columns.value[row]!);
  }
  return totals;
}

describe.each(captures)('%s', (path) => {
  const bytes = readFileSync(join(TESTDATA, path));
  const profile = JSON.parse(bytes.toString()) as Profile;

  test('gives each function the time that the profile has it on the stack', async () => {
    const trace = await readTrace(createReadStream(join(TESTDATA, path)), { fileName: basename(path) });
    expect(trace.error).toBeUndefined();
    expect(trace.format).toBe('cpuprofile');
    expect(timeInSlices(trace)).toEqual(timeOnStack(profile));
    expect(validateTrace(trace)).toEqual([]);
    const fact = JSON.parse(trace.metadata.get('cpuProfile')!) as { samples: number };
    expect(fact.samples).toBe(profile.samples.length);
  });

  test('cut off anywhere, gives what lies before the cut, and where that is', async () => {
    for (let length = 100; length < bytes.length; length += 997) {
      const trace = await read(bytes.subarray(0, length));
      expect(trace.error?.code).toBe('truncated');
      expect(trace.error!.offset).toBeLessThanOrEqual(length);
      expect(trace.error!.offset).toBeGreaterThan(length - 5000);
      expect(timeRange(trace).end).toBeLessThanOrEqual((profile.endTime - profile.startTime) * 1000);
    }
  });
});

test('the name that Node.js gives a profile says its process and thread', async () => {
  const tracks = async (fileName: string) =>
    (await readText('{"nodes":[],"samples":[1],"timeDeltas":[1]}', fileName)).tracks.map(
      ({ kind, pid, tid, name }) => `${kind} ${pid}/${tid} ${name}`,
    );
  expect(await tracks('CPU.20261126.150257.10720.0.001.cpuprofile')).toEqual([
    'thread 10720/10720 main',
    'async 10720/0 main samples',
  ]);
  expect(await tracks('CPU.20261126.150257.10720.3.002.cpuprofile.gz')).toContain(
    'thread 10720/10723 worker 3',
  );
  expect((await tracks('slow.cpuprofile'))[0]).toBe('thread 1/1 ');
});

const call = (functionName: string, url = '', lineNumber = -1) => ({ functionName, url, lineNumber });
const EXAMPLE = {
  nodes: [
    { id: 1, callFrame: call('(root)'), children: [2, 5, 6] },
    { id: 2, callFrame: call('main', 'file:///srv/my%20app/a.js', 0), hitCount: 1, children: [3] },
    { id: 3, callFrame: call('', 'node:fs', 9), hitCount: 2, positionTicks: [{ line: 10, ticks: 2 }] },
    { id: 5, callFrame: call('(idle)'), hitCount: 1 },
    { id: 6, callFrame: call('(garbage collector)'), hitCount: 1 },
  ],
  startTime: 5_000_000,
  endTime: 5_001_000,
  samples: [2, 3, 6, 5, 3],
  timeDeltas: [100, 200, 200, 100, 300],
};
const EXPECTED = [
  'main /srv/my app/a.js:1 100000+500000',
  '(anonymous) node:fs:10 300000+300000',
  '(garbage collector)  500000+100000',
  'main /srv/my app/a.js:1 900000+100000',
  '(anonymous) node:fs:10 900000+100000',
];

test('functions nest as they were called; a collection lies on what ran before, idle time is none', async () => {
  const trace = await readObject(EXAMPLE);
  expect(slices(trace)).toEqual(EXPECTED);
  expect(trace.origin).toBe(5_000_000_000n);
  expect(JSON.parse(trace.metadata.get('cpuProfile')!)).toEqual({
    samples: 5,
    idle: 1,
    program: 0,
    collecting: 1,
  });
});

test('any chunks, spaces, order of keys, further keys and gzip make no difference', async () => {
  const { nodes, ...rest } = EXAMPLE;
  const odd = `\uFEFF\n ${JSON.stringify({ ...rest, $vscode: { a: [1, { b: '}' }] }, nodes }, null, 3)}\n`;
  for (const step of [1, 2, 7, 1000]) {
    expect(slices(await read(new TextEncoder().encode(odd), '', step))).toEqual(EXPECTED);
  }
  expect(slices(await read(gzipSync(JSON.stringify(EXAMPLE))))).toEqual(EXPECTED);
});

test('nodes that name their parent, as chunks of Chromium do, are the same tree', async () => {
  const parents = new Map(EXAMPLE.nodes.flatMap(({ id, children = [] }) => children.map((c) => [c, id])));
  const nodes = EXAMPLE.nodes.map(({ children, ...node }) => ({ ...node, parent: parents.get(node.id) }));
  expect(slices(await readObject({ ...EXAMPLE, nodes }))).toEqual(EXPECTED);
});

test('samples out of order are put in order, and of two at one moment the later counts', async () => {
  const odd = { ...EXAMPLE, samples: [3, 2, 6, 5, 5, 3], timeDeltas: [300, -200, 400, 100, 0, 300] };
  expect(slices(await readObject(odd))).toEqual(EXPECTED);
});

test('fractions of microseconds are kept to the nanosecond', async () => {
  const trace = await readObject({ ...EXAMPLE, samples: [2], timeDeltas: [100.5], endTime: 5_000_200.25 });
  expect(slices(trace)).toEqual(['main /srv/my app/a.js:1 100500+99750']);
});

test('without times samples are placed evenly, and the trace says that it is an estimate', async () => {
  const { timeDeltas: _, ...timeless } = EXAMPLE;
  const trace = await readObject(timeless);
  expect(slices(trace)[0]).toBe('main /srv/my app/a.js:1 0+600000');
  expect(JSON.parse(trace.metadata.get('cpuProfile')!)).toMatchObject({ timesAreEstimated: true });
  const cut = await readText(JSON.stringify(EXAMPLE).slice(0, -40));
  expect(cut.error?.message).toContain('before the times of its samples: they are placed evenly');
  const old = await readObject({ ...timeless, timestamps: [100, 300, 500, 600, 900].map((t) => t + 5e6) });
  expect(slices(old)).toEqual(EXPECTED);
});

test('what is no profile of use is an error, and what is odd in one is counted', async () => {
  const none = await readObject({ ...EXAMPLE, samples: [], timeDeltas: [] });
  expect(none.error).toMatchObject({ code: 'unknown-format' });
  const broken = await readText('{"nodes":[{"id":1,"callFrame":{}}],"samples":[1,x],"timeDeltas":[]}');
  expect(broken.error).toMatchObject({ code: 'malformed', offset: 48 });
  const circle = [{ id: 1, callFrame: call('a'), parent: 2 }, { id: 2, callFrame: call('b'), parent: 1 }, 7];
  const odd = await readObject({ ...EXAMPLE, nodes: circle, samples: [1, 99, 'x'], timeDeltas: [1, 1, 1] });
  expect(slices(odd)[0]).toBe('b  1000+1000');
  expect([...odd.skipped]).toEqual([
    ['node of the profile that is none', 1],
    ['entry of samples that is no number', 1],
    ['sample of an unknown function', 1],
  ]);
});

test('Node.js trace logs: samples of the main thread lie below it, beside its garbage collections', async () => {
  const trace = await readTrace(createReadStream(join(TESTDATA, '26.10.0/node_trace.1.log')));
  expect(trace.error).toBeUndefined();
  const samples = trace.tracks.filter(({ category }) => category === 'sample').map(({ name }) => name);
  expect(samples).toEqual(['JavaScriptMainThread samples']);
  expect(slices(trace).some((slice) => slice.startsWith('inner /app/app.cjs:3 '))).toBe(true);
  expect(slices(trace).some((slice) => slice.startsWith('MinorGC'))).toBe(true);
  expect([...trace.skipped.keys()].some((reason) => /sample|node of/.test(reason))).toBe(false);
});
