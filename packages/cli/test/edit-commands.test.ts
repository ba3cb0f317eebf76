/** trim, split, merge and scrub on a trace that was recorded, in both formats, as a user calls them. */
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scratch, testdata, ttrace } from './ttrace-process.ts';

interface DumpedEvent {
  readonly kind: string;
  readonly name: string;
  readonly category?: string;
  readonly startNanos: number;
  readonly durationNanos?: number;
  readonly track: string;
  readonly args?: { readonly task?: number; readonly parent?: number };
}

let recorded: ReturnType<typeof scratch>;
beforeAll(async () => {
  recorded = scratch();
  // Where `ttrace` can be imported.
  const run = ['run', '--quiet', '-o', recorded.file('shop.json'), testdata('shop.cjs')];
  // Again until the block has its stack, which on a busy machine may come too late: scrub is to take its paths out.
  do expect(await ttrace(run)).toMatchObject({ code: 0, stderr: '' });
  while (!readFileSync(recorded.file('shop.json'), 'utf8').includes('shop.cjs:8'));
  await ttrace(['convert', '-q', recorded.file('shop.json'), recorded.file('shop.pftrace')]);
});
afterAll(() => recorded.remove());

async function eventsIn(file: string): Promise<DumpedEvent[]> {
  const { stdout } = await ttrace(['dump', '--json', file]);
  const lines = stdout.trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as DumpedEvent);
}

/** The text of all events in an order of their own; times since the first event, for the origin is that of a file's first line. */
async function linesIn(file: string): Promise<string[]> {
  const events = await eventsIn(file);
  const first = events.reduce((least, { startNanos }) => Math.min(least, startNanos), Infinity);
  const text = (event: DumpedEvent): string =>
    // Readers number arrows by where they first find them.
    JSON.stringify({ ...event, startNanos: event.startNanos - first, flow: undefined });
  return events.map(text).sort();
}

async function errorsIn(file: string): Promise<unknown[]> {
  const { stdout } = await ttrace(['validate', '--json', file]);
  return (JSON.parse(stdout) as { severity: string }[]).filter(({ severity }) => severity === 'error');
}

const FORMATS = ['json', 'pftrace'] as const;

test.each(FORMATS)('trim of .%s keeps what overlaps a stretch, with its true times', async (format) => {
  const input = recorded.file(`shop.${format}`);
  const output = recorded.file(`stretch.${format}`);
  const all = await eventsIn(input);
  const first = all.reduce((least, { startNanos }) => Math.min(least, startNanos), Infinity);
  const packs = all.filter(({ name, kind }) => name === 'acme-pack' && kind === 'slice');
  const [, , second] = packs;
  const from = second!.startNanos - first + 100_000;
  const { code, stdout, stderr } = await ttrace([
    ...['trim', input, '-o', output],
    ...['--from', `${from}ns`, '--to', `${from + 1000}ns`],
  ]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  expect(stderr).toMatch(/^\d+ of \d+ events: .+ in .+, .+ in .+\n$/);
  const left = await eventsIn(output);
  expect(left.filter(({ name }) => name === 'acme-pack')).toHaveLength(1);
  for (const { kind, startNanos, durationNanos = 0 } of left) {
    if (kind !== 'counter') expect(startNanos + durationNanos).toBeGreaterThan(0);
  }
  expect(left.find(({ name }) => name === 'acme-pack')?.durationNanos).toBe(second!.durationNanos);
  expect(left.some(({ kind, track }) => kind === 'counter' && track === 'RSS')).toBe(true);
  expect(await errorsIn(output)).toEqual([]);
});

test.each(FORMATS)('trim of .%s by thread and by task', async (format) => {
  const input = recorded.file(`shop.${format}`);
  const output = recorded.file(`part-of.${format}`);
  await ttrace(['trim', '-q', input, '-o', output, '--thread', 'main', '--thread', 'worker 2 acme-packer']);
  const tracks = new Set((await eventsIn(output)).map(({ track }) => track));
  expect([...tracks].filter((track) => !/^(main|worker 2 acme-packer)( event loop)?$/.test(track))).toEqual(
    [],
  );
  expect(tracks.size).toBeGreaterThanOrEqual(3);
  await ttrace(['trim', '-q', input, '-o', output, '--task', 'acme-order']);
  const left = await eventsIn(output);
  const tasks = left.filter(({ category, kind }) => category === 'task' && kind === 'slice');
  expect(tasks.map(({ name }) => name).sort()).toEqual([
    ...Array(8).fill('acme-order'),
    ...Array(8).fill('acme-pay'),
  ]);
  expect(left.some(({ name }) => name === 'acme-parse')).toBe(true);
  expect(left.some(({ kind }) => kind === 'counter')).toBe(false);
  const unknown = await ttrace(['trim', input, '-o', output, '--thread', 'mian']);
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('there is no thread mian in the trace, only main (');
});

test.each(FORMATS)(
  'the parts of .%s are small, open alone, and merge into the same events',
  async (format) => {
    const input = recorded.file(`shop.${format}`);
    const directory = scratch();
    const maxBytes = Math.ceil(statSync(input).size / 3);
    const { code, stdout, stderr } = await ttrace([
      ...['split', input, '--max-bytes', String(maxBytes)],
      ...['-o', `${directory.path}/`],
    ]);
    expect(code).toBe(0);
    const files = stdout.trimEnd().split('\n');
    expect(files.length).toBeGreaterThan(2);
    expect(files.map((file) => file.slice(directory.path.length))).toEqual(
      files.map((_, index) => `/shop-00${index + 1}.${format}`),
    );
    expect(readdirSync(directory.path)).toHaveLength(files.length);
    expect(stderr).toMatch(
      /^\d+ events: .+, at most .+ in each of \d parts\. Join them with: ttrace merge .+\n$/,
    );
    for (const file of files) {
      expect.soft(statSync(file).size).toBeLessThanOrEqual(maxBytes);
      expect.soft(await errorsIn(file)).toEqual([]);
      const { stdout: summary } = await ttrace(['summary', file]);
      expect.soft(summary).toContain('node shop.cjs (pid');
    }
    const again = await ttrace(['split', input, '--parts', '2', '-o', `${directory.path}/`]);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('is there already') });
    const joined = directory.file(`joined.${format}`);
    const merge = await ttrace(['merge', ...files, '-o', joined]);
    expect(merge).toMatchObject({ code: 0, stdout: '' });
    expect(merge.stderr).toMatch(
      /^\d traces on one clock, exact to the nanosecond\. \d+ events: .+ in .+\n$/,
    );
    expect(await linesIn(joined)).toEqual(await linesIn(input));
    expect(await errorsIn(joined)).toEqual([]);
    directory.remove();
  },
  120_000,
);

test('split takes a number of parts, a name to begin with and a format', async () => {
  const directory = scratch();
  const { stdout } = await ttrace([
    ...['split', '-q', recorded.file('shop.json'), '--parts', '3'],
    ...['-o', directory.file('x.pftrace.gz')],
  ]);
  const files = [1, 2, 3].map((number) => directory.file(`x-00${number}.pftrace.gz`));
  expect(stdout.trimEnd().split('\n')).toEqual(files);
  await ttrace(['merge', '-q', ...files, '-o', directory.file('joined.json')]);
  const count = async (file: string): Promise<number> => (await eventsIn(file)).length;
  expect(await count(directory.file('joined.json'))).toBe(await count(recorded.file('shop.json')));
  directory.remove();
});

test('merge lays traces of two machines beside each other by wall clock, and says so', async () => {
  const directory = scratch();
  const trace = (monotonic: number, wallMillis: number, name: string): string =>
    `# ttrace text 1\norigin ${monotonic}\nclock ${monotonic} ${wallMillis}\n` +
    `meta ttrace_recording {"clock":{"monotonicNanos":"${monotonic}","wallMillis":${wallMillis}}}\n` +
    `track 7/7 thread "main"\ninstant 7/7 +0.000000000 log "${name}"\n`;
  writeFileSync(directory.file('a.txt'), trace(9e15, 1.7e12, 'here'));
  writeFileSync(directory.file('b.txt'), trace(1e8, 1.7e12 + 250, 'there'));
  const inputs = [directory.file('a.txt'), directory.file('b.txt')];
  const { code, stderr } = await ttrace(['merge', ...inputs, '-o', directory.file('both.json')]);
  expect(code).toBe(0);
  expect(stderr).toContain('of 2 clocks, laid beside each other by wall clock: exact to 1.00 ms');
  const [here, there] = await eventsIn(directory.file('both.json'));
  expect(there!.startNanos - here!.startNanos).toBe(250e6);
  const back = await ttrace(['merge', ...inputs.reverse(), '-o', directory.file('back.json')]);
  expect(back).toMatchObject({ code: 1, stderr: expect.stringContaining('a.txt first') });
  expect(readdirSync(directory.path).sort()).toEqual(['a.txt', 'b.txt', 'both.json']);
  directory.remove();
});

test.each(FORMATS)('scrub leaves no secret in .%s, and the durations as they were', async (format) => {
  const input = recorded.file(`shop.${format}`);
  for (const output of [recorded.file(`shared.${format}`), recorded.file('shared.json.gz')]) {
    const { code, stderr } = await ttrace(['scrub', input, '-o', output, '--names']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^\d+ events without directories, values, names: .+ in .+, .+ in .+\n$/);
    const bytes = readFileSync(output);
    const text = (output.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
    expect(text).toContain('task 1');
    for (const secret of ['acme', testdata('')]) expect(text).not.toContain(secret);
    expect(await errorsIn(output)).toEqual([]);
    const shape = async (file: string): Promise<unknown[]> =>
      (await linesIn(file)).map((line) => {
        const { kind, category, startNanos, durationNanos, args } = JSON.parse(line) as DumpedEvent;
        // JSON does not say what an arrow is called.
        const scope = kind.startsWith('flow') ? '' : category;
        return JSON.stringify([startNanos, durationNanos, kind, scope, args?.task, args?.parent]);
      });
    expect((await shape(output)).sort()).toEqual((await shape(input)).sort());
  }
});

test('scrub without --names keeps names, without directories, and what --keep says', async () => {
  const output = recorded.file('named.json');
  await ttrace(['scrub', '-q', recorded.file('shop.json'), '-o', output, '--keep', '^message$']);
  const text = readFileSync(output, 'utf8');
  expect(text).toContain('acme-order');
  expect(text).toContain('acme-message');
  expect(text).not.toContain('acme-customer');
  expect(text).not.toContain(testdata(''));
  expect(text).toContain('shop.cjs:');
});

test.each([
  ['trim', ['--to', '1s']],
  ['scrub', []],
] as const)('%s does not overwrite its input, and fails without leaving a file', async (command, options) => {
  const directory = scratch();
  copyFileSync(testdata('order.json'), directory.file('a.json'));
  const same = await ttrace([command, directory.file('a.json'), '-o', directory.file('a.json'), ...options]);
  expect(same).toMatchObject({ code: 2, stderr: expect.stringContaining('choose another name') });
  const bad = await ttrace([command, testdata('hello.json'), '-o', directory.file('b.json'), ...options]);
  expect(bad).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot read') });
  expect(readdirSync(directory.path)).toEqual(['a.json']);
  expect(readFileSync(directory.file('a.json'))).toEqual(readFileSync(testdata('order.json')));
  directory.remove();
});

test('nothing that overlaps is an error that says why, and a limit that makes too many files one that leaves none', async () => {
  const directory = scratch();
  const trim = ['trim', testdata('order.json'), '-o', directory.file('nothing.json')];
  const late = await ttrace([...trim, '--from', '9s']);
  expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('lasts only 400 µs') });
  const quiet = await ttrace([...trim, '--thread', 'worker 1', '--to', '0']);
  expect(quiet).toMatchObject({ code: 1, stderr: expect.stringContaining('no event is left') });
  const lines = Array.from(
    { length: 20_000 },
    (_, i) => `{"ph":"i","name":"${'x'.repeat(200)}","pid":1,"tid":1,"ts":${i}}`,
  );
  writeFileSync(directory.file('many.json'), `[${lines.join(',\n')}]`);
  const many = await ttrace(['split', directory.file('many.json'), '--max-bytes', '1kB']);
  expect(many).toMatchObject({ code: 2, stderr: expect.stringContaining('more than 999 files') });
  expect(readdirSync(directory.path)).toEqual(['many.json']);
  directory.remove();
});
