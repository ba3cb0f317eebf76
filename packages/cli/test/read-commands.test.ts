/** summary, validate, dump, footprint and convert on real files, as a user calls them. */
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BIN, scratch, startTtrace, testdata, ttrace } from './ttrace-process.ts';

let directory: ReturnType<typeof scratch>;
beforeEach(() => {
  directory = scratch();
});
afterEach(() => directory.remove());

const ORDER = testdata('order.json');

test('summary prints threads, tasks and regions with their figures', async () => {
  const { code, stdout, stderr } = await ttrace(['summary', ORDER]);
  // Time inside slices of any kind; `ttrace threads` calls another figure busy.
  expect(stdout).toMatch(/^Thread +tid +Events +In slices +% /m);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('Process  shop (pid 7)');
  expect(stdout).toContain('Span     400 µs from 2023-11-14T22:13:20.000Z');
  expect(stdout).toMatch(/^order +1 +400 µs/m);
  expect(stdout).toMatch(/^parse +2 +30\.0 µs +15\.0 µs +9\.50 µs +20\.5 µs +20\.5 µs +20\.5 µs$/m);
  expect(stdout).toMatch(/^worker 1 +8 +/m);
});

test('summary --json carries the same figures in nanoseconds', async () => {
  const { stdout } = await ttrace(['summary', ORDER, '--json']);
  const summary = JSON.parse(stdout) as { regions: { name: string; totalNanos: number }[]; events: number };
  expect(summary.regions.map(({ name, totalNanos }) => [name, totalNanos])).toEqual([
    ['price', 300_250],
    ['parse', 30_000],
  ]);
});

test('summary --top cuts every table and says how to see the rest', async () => {
  const { stdout } = await ttrace(['summary', ORDER, '--top', '1']);
  expect(stdout).toContain('… and 1 more: --top 2');
  expect(stdout).not.toMatch(/^parse/m);
});

test('--where asks a column of a table, more than once if need be, and says what it does not understand', async () => {
  const csv = ['regions', ORDER, '--csv', '--where'];
  const both = await ttrace([...csv, 'total>20us', '--where', 'region~PAR']);
  expect(both.stdout.split('\n').map((line) => line.split(',')[0])).toEqual(['region', 'parse', '']);
  expect((await ttrace([...csv, 'total>1s'])).stdout.split('\n')).toHaveLength(2);
  const wrong = await ttrace([...csv, 'total>5']);
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toBe(
    'ttrace: --where: totalNanos takes a time with its unit, such as 5ms or 1.5s, not "5".\n',
  );
});

test('a file that is cut off is read up to the cut, with a warning on stderr and exit code 0', async () => {
  const { code, stdout, stderr } = await ttrace(['summary', testdata('cut.json')]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^ttrace: Lost \d+\.\d % of the file: .+\(at byte \d+\)\n$/);
  expect(stdout).toMatch(/^price +1 /m);
});

test('of a compressed file that is cut off nobody knows how much is lost', async () => {
  const whole = gzipSync(readFileSync(ORDER));
  writeFileSync(directory.file('cut.json.gz'), whole.subarray(0, whole.length - 30));
  const { code, stderr } = await ttrace(['summary', directory.file('cut.json.gz')]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^ttrace: Lost the rest of the file: .+\n$/);
});

test.each(['summary', 'validate', 'dump', 'footprint', 'view'])(
  '%s of a file that is missing, a directory or no trace says so in one line, with exit code 1',
  async (command) => {
    mkdirSync(directory.file('sub'));
    writeFileSync(directory.file('empty.json'), '');
    for (const [file, complaint] of [
      [directory.file('none.json'), 'no such file'],
      [directory.file('sub'), 'directory'],
      [directory.file('empty.json'), 'empty'],
      [testdata('hello.json'), 'cannot read'],
    ] as const) {
      const { code, stdout, stderr } = await ttrace([command, file]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^ttrace: .+\n$/);
      expect(stderr).toContain(complaint);
    }
  },
);

test('validate finds nothing wrong with a good file', async () => {
  const outcome = await ttrace(['validate', ORDER]);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(outcome.stdout).toMatch(/nothing is wrong\n$/);
});

test('validate names an error with its place, and ends with exit code 1', async () => {
  const { code, stdout } = await ttrace(['validate', testdata('overlap.json')]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^error: partial-overlap \(1\)/);
  expect(stdout).toContain('first: "late" on thread 1/1');
  expect(stdout).toMatch(/1 error, 0 warnings\n$/);
  const json = await ttrace(['validate', testdata('overlap.json'), '--json']);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject([{ rule: 'partial-overlap', severity: 'error', count: 1 }]);
});

test('validate calls a cut off file an error', async () => {
  const { code, stdout } = await ttrace(['validate', testdata('cut.json')]);
  expect(code).toBe(1);
  expect(stdout).toContain('error: damaged-file');
});

test('dump prints a line an event, and --limit takes the first of them', async () => {
  const { stdout } = await ttrace(['dump', ORDER]);
  expect(stdout).toContain('slice 7/7 +0.000010000 0.000020500 region "parse" {"task":1}\n');
  const limited = await ttrace(['dump', ORDER, '--limit', '1']);
  expect(limited.stdout.match(/^(slice|instant|counter|flow)/gm)).toHaveLength(1);
});

test('dump --json prints an object a line', async () => {
  const { stdout } = await ttrace(['dump', ORDER, '--json']);
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events).toHaveLength(9);
  expect(events).toContainEqual({
    kind: 'slice',
    startNanos: 10_000,
    durationNanos: 20_500,
    category: 'region',
    name: 'parse',
    pid: 7,
    tid: 7,
    track: 'main',
    trackKind: 'thread',
    args: { task: 1 },
  });
});

test('dump ends quietly when its reader goes away', async () => {
  const events = Array.from(
    { length: 50_000 },
    (_, i) => `{"ph":"i","name":"e${i}","pid":1,"tid":1,"ts":${i}}`,
  );
  writeFileSync(directory.file('many.json'), `[${events.join(',\n')}]`);
  const child = spawn(process.execPath, [BIN, 'dump', directory.file('many.json')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (text) => (stderr += String(text)));
  child.stdout.once('data', () => child.stdout.destroy());
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('exit', (...end) => resolve(end));
  });
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
});

test('footprint gives every byte of the file to a kind of event', async () => {
  const { stdout } = await ttrace(['footprint', ORDER, '--json']);
  const rows = JSON.parse(stdout) as { event: string; bytes: number; count: number }[];
  expect(rows.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(statSync(ORDER).size);
  expect(Object.fromEntries(rows.map(({ event, count }) => [event, count]))).toEqual({
    'slice region': 3,
    metadata: 4,
    flow: 2,
    'slice begin task': 1,
    'slice end task': 1,
    'instant log': 1,
    counter: 2,
    '(rest of the file)': 0,
  });
  const table = await ttrace(['footprint', ORDER]);
  expect(table.stdout).toMatch(/^Event +Bytes +% +Count +%$/m);
  expect(table.stdout).toMatch(/^slice region +[\d,]+ +\d+\.\d % +3 +\d+\.\d %$/m);
});

test('footprint finds the events in the object form, and reads through gzip', async () => {
  const events = readFileSync(ORDER, 'utf8').trim();
  const text = `{"otherData":{"a":[{"ph":"X"}]},\n"traceEvents": ${events},"more":[{"ph":"X"}]}`;
  writeFileSync(directory.file('object.json.gz'), gzipSync(text));
  const { stdout } = await ttrace(['footprint', directory.file('object.json.gz'), '--json']);
  const rows = JSON.parse(stdout) as { event: string; bytes: number; count: number }[];
  expect(rows.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(text.length);
  expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(14);
});

test.each(['json', 'json.gz', 'pftrace', 'pftrace.gz', 'txt', 'txt.gz'])(
  'what convert writes as .%s has the same summary as the original, and no temporary file is left',
  async (extension) => {
    const out = directory.file(`out.${extension}`);
    expect(await ttrace(['convert', ORDER, out])).toMatchObject({ code: 0, stdout: '' });
    expect(readdirSync(directory.path)).toEqual([`out.${extension}`]);
    const facts = async (file: string): Promise<unknown> => {
      const { stdout, stderr } = await ttrace(['summary', file, '--json']);
      expect(stderr).toBe('');
      const { tasks, regions, durationNanos, flows, threads, startedAt } = JSON.parse(stdout) as Record<
        string,
        unknown
      >;
      const names = (threads as { name: string; busyNanos: number }[]).map(({ name, busyNanos }) => [
        name,
        busyNanos,
      ]);
      return { tasks, regions, durationNanos, flows, startedAt, names };
    };
    expect(await facts(out)).toEqual(await facts(ORDER));
    if (extension.endsWith('.gz')) expect(gunzipSync(readFileSync(out)).length).toBeGreaterThan(0);
  },
);

test('footprint of protobuf and of text adds up to the file as well', async () => {
  for (const name of ['out.pftrace', 'out.txt']) {
    await ttrace(['convert', ORDER, directory.file(name)]);
    const { stdout } = await ttrace(['footprint', directory.file(name), '--json']);
    const rows = JSON.parse(stdout) as { event: string; bytes: number; count: number }[];
    expect(rows.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(statSync(directory.file(name)).size);
    expect(rows.find(({ event }) => /^slice( begin)? region$/.test(event))?.count).toBe(3);
  }
});

test('convert does not overwrite its input, not even by another name', async () => {
  copyFileSync(ORDER, directory.file('a.json'));
  mkdirSync(directory.file('sub'));
  const { code, stderr } = await ttrace([
    'convert',
    directory.file('a.json'),
    directory.file('sub/../a.json'),
  ]);
  expect(code).toBe(2);
  expect(stderr).toContain('choose another name');
  expect(readFileSync(directory.file('a.json'))).toEqual(readFileSync(ORDER));
});

test('convert that fails leaves the old result and no temporary file', async () => {
  writeFileSync(directory.file('out.json'), 'old');
  expect((await ttrace(['convert', testdata('hello.json'), directory.file('out.json')])).code).toBe(1);
  expect(readFileSync(directory.file('out.json'), 'utf8')).toBe('old');
  const missing = await ttrace(['convert', ORDER, directory.file('none/out.json')]);
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot write') });
  mkdirSync(directory.file('dir.json'));
  expect((await ttrace(['convert', ORDER, directory.file('dir.json')])).code).toBe(1);
  expect(readdirSync(directory.path).sort()).toEqual(['dir.json', 'out.json']);
});

test('a path that goes on behind a file is said in words', async () => {
  for (const args of [
    ['convert', ORDER, `${ORDER}/out.json`],
    ['export', ORDER, '--parquet', `${ORDER}/out.parquet`],
  ]) {
    const { code, stderr } = await ttrace(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ttrace: cannot look at .*: a part of the path is no directory\n$/);
  }
});

test('convert that is interrupted ends at once and leaves no file', async () => {
  const events = Array.from(
    { length: 400_000 },
    (_, i) => `{"ph":"X","name":"e","pid":1,"tid":1,"ts":${i},"dur":1}`,
  );
  writeFileSync(directory.file('many.json'), `[${events.join(',\n')}]`);
  const running = startTtrace(['convert', directory.file('many.json'), directory.file('out.txt.gz')]);
  const temporary = directory.file(`out.txt.gz.tmp-${running.process.pid}`);
  while (!existsSync(temporary) && running.process.exitCode === null) await setTimeout(2);
  running.process.kill('SIGINT');
  expect(await running.ended).toMatchObject({ code: 130, stderr: 'ttrace: interrupted by SIGINT\n' });
  expect(readdirSync(directory.path)).toEqual(['many.json']);
});
