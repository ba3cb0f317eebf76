/**
 * Every command that reads a trace, on traces that other programs wrote, one a producer and kind of file: what there is it tells, with the counts
 * of the file, and what it cannot know it says.
 */
import { createReadStream, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TABLES } from '@ttrace/analysis';
import { Category, EventKind, readTrace, type Trace, timeRange } from '@ttrace/format';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scratch, ttrace } from './ttrace-process.ts';

const CAPTURES = [
  'bunyamin/1.6.3/trace.json',
  'chrome-trace-event/1.0.4/trace.json',
  'chromium/156/trace.json',
  'node/20.20.2/gc.json',
  'node/24.21.0/trace.json',
  'node/26.10.0/CPU.20261126.150257.10720.0.001.cpuprofile',
  'node/26.10.0/node_trace.1.log',
  'otelcol/0.152.0/traces.jsonl',
  'perftrace/1.3.0/trace.json',
  'turbo/2.11.11/profile.json',
  'typescript/5.9.3/trace.json',
  'typescript/7.0.2/trace.json',
  'webpack/5.112.2/events.json.gz',
];
const pathOf = (name: string): string =>
  fileURLToPath(new URL(`../../format/testdata/${name}`, import.meta.url));

/** What tables say where the producer has nothing of what they list, by the category of that. */
const UNKNOWN: readonly (readonly [id: string, category: string, said: string])[] = [
  ['tasks', Category.task, 'The producer of this trace records no tasks'],
  ['task', Category.task, 'The producer of this trace records no tasks'],
  ['critical-path', Category.task, 'The producer of this trace records no tasks'],
  ['locks', Category.wait, 'The producer of this trace records no waits'],
  ['handovers', Category.wait, 'The producer of this trace records no waits'],
  ['messages', Category.message, 'The producer of this trace records no messages'],
  ['spans', Category.span, 'The producer of this trace records no spans'],
  ['blockers', Category.loop, 'No event loop was recorded: whether anything blocked one'],
  ['turns', Category.loop, 'No event loop was recorded: how long its turns took'],
];

const directory = scratch();
afterAll(() => directory.remove());

type Objects = Record<string, string | number>[];

/** What ends with the same words each time is run once. */
const known = new Map<string, ReturnType<typeof ttrace>>();

function run(...args: string[]): ReturnType<typeof ttrace> {
  if (args.includes('-o')) return ttrace(args);
  const key = JSON.stringify(args);
  const outcome = known.get(key) ?? ttrace(args);
  known.set(key, outcome);
  return outcome;
}

async function objects(...args: string[]): Promise<Objects> {
  const { code, stdout } = await run(...args, '--json');
  expect(code).toBe(0);
  return JSON.parse(stdout) as Objects;
}

const read = (file: string): Promise<Trace> => readTrace(createReadStream(file), { fileName: file });

/** Absolute begin, length, category and name of each slice, sorted. */
function slicesOf(trace: Trace, isWanted: (row: number) => boolean = () => true): string[] {
  const { kind, start, value, category, name } = trace.columns;
  return [...kind.keys()]
    .filter((row) => kind[row] === EventKind.slice && isWanted(row))
    .map((row) => {
      const at = Number(trace.origin) + start[row]!;
      return [at, value[row]!, trace.strings.text(category[row]!), trace.strings.text(name[row]!)].join(' ');
    })
    .sort();
}

const sum = (rows: Objects, id: string): number =>
  rows.reduce((total, row) => total + Number(row[id] ?? 0), 0);

describe.each(CAPTURES)('%s', (name) => {
  const file = pathOf(name);
  let trace: Trace;
  let slices: number;
  beforeAll(async () => {
    trace = await read(file);
    slices = slicesOf(trace).length;
  });
  const rowsOf = (category: string): number[] => {
    const id = trace.strings.find(category);
    return [...trace.columns.category.keys()].filter((row) => trace.columns.category[row] === id);
  };

  test('every table is printed in every form, and says what its producer does not record', async () => {
    for (const { id, each } of TABLES) {
      const never = id === 'lint' ? ['--fail-on', 'never'] : [];
      const text = await run(id, file, ...never);
      expect(text).toMatchObject({ code: 0, stdout: expect.stringMatching(/\S/) });
      const json = await run(id, file, ...never, '--json');
      expect(json.code).toBe(0);
      const rows = JSON.parse(json.stdout) as Objects;
      expect(/: nothing in this trace/.test(text.stdout)).toBe(rows.length === 0);
      if (each !== undefined) expect((await run(id, file, '--each')).code).toBe(0);
      const [, category, said] = UNKNOWN.find(([of]) => of === id) ?? [];
      if (category === undefined || said === undefined || rows.length > 0) continue;
      expect(rowsOf(category)).toEqual([]);
      expect(text.stdout).toContain(said);
      expect(json.stderr).toContain(said);
    }
  });

  test('lint finds at least that no event loop was recorded, and check calls no limit of one kept', async () => {
    const { code, stdout } = await run('lint', file, '--fail-on', 'low');
    expect(code).toBe(1);
    expect(stdout).toContain(
      'low    unrecorded-loop: No event loop was recorded: functions that blocked one',
    );
    const rules = (await objects('lint', file, '--fail-on', 'never')).map(({ rule }) => rule);
    expect(rules).toContain('unrecorded-loop');
    const checked = await run('check', file, '--max-block', '100s');
    expect(checked).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^BROKEN longest block: no event loop was recorded/),
    });
    const { stdout: report } = await run('summary', file, '--md');
    expect(report.length).toBeLessThanOrEqual(4000);
    expect(report).toContain('No event loop was recorded');
  });

  test('collections are V8’s, or it is said that none were recorded', async () => {
    const { strings, columns } = trace;
    const begun = ['MinorGC', 'MajorGC'].map(
      (text) => [...columns.name].filter((id) => id === strings.find(text)).length,
    );
    const rows = await objects('gc', file);
    const counts = ['GC minor', 'GC major'].map((kind) =>
      sum(
        rows.filter((row) => row.kind === kind),
        'count',
      ),
    );
    expect(counts).toEqual(begun);
    const { stdout } = await run('gc', file);
    if (rows.length > 0) expect(stdout).not.toContain('No garbage collection');
    else if (name.endsWith('.cpuprofile'))
      expect(stdout).toMatch(/CPU samples found the collector in .* of main, \d/);
    else expect(stdout).toMatch(/nothing in this trace/);
    const limit = await run('check', file, '--max-gc', '100%');
    const isKnown = rowsOf('v8').length > 0;
    expect(limit.stdout).toMatch(isKnown ? /^ok/ : /^BROKEN garbage collection: no garbage collection was/);
  });

  test('tables of slices and threads have all of them, and the states of each thread add up', async () => {
    const regions = await objects('regions', file);
    const isOtel = name.startsWith('otelcol');
    expect(sum(regions, 'count')).toBe(isOtel ? 0 : slices);
    expect(await objects('regions', file, '--each')).toHaveLength(isOtel ? 0 : slices);
    if (!isOtel)
      expect((await run('regions', file)).stdout).toContain(
        'The producer of this trace marks no regions: these are all its slices.',
      );
    const threads = await objects('threads', file);
    for (const { totalNanos, thread, tid, events, busyShare, dropped, pid, ...states } of threads) {
      const inStates = Object.values(states).reduce<number>((total, each) => total + Number(each), 0);
      expect(Math.abs(inStates - Number(totalNanos))).toBeLessThan(1000);
      expect(Number(states.idleNanos ?? 0)).toBe(0);
    }
    const unknown = sum(threads, 'unknownNanos');
    if (unknown > 0)
      expect((await run('threads', file)).stdout).toContain(
        'between their slices nobody knows what they did',
      );
    const { code, stdout } = await run('mmu', file);
    expect(code).toBe(0);
    if (threads.length > 0) expect(stdout).toContain('no blocks are known: they count as available there');
  });

  test('summary, dump and the report have what the file has', async () => {
    const summary = JSON.parse((await run('summary', file, '--json')).stdout) as { events: unknown };
    expect(JSON.stringify(summary)).toContain(`"events":${trace.length}`);
    const dumped = (await run('dump', file)).stdout.split('\n');
    expect(dumped.filter((line) => line.startsWith('slice '))).toHaveLength(slices);
    const out = directory.file('report.html');
    expect((await run('report', file, '-q', '-o', out)).code).toBe(0);
    const html = readFileSync(out, 'utf8');
    expect(html).toContain('No event loop was recorded: functions that blocked one');
    expect(html).toMatch(/<\/html>\s*$/);
    expect(await run('diff', file, file)).toMatchObject({ code: 0, stdout: 'Nothing changed.\n' });
  });

  test('trim leaves what overlaps, scrub all but texts, split and merge give the file back', async () => {
    const [out, scrubbed, both] = ['trim.json', 'scrub.json', 'both.json'].map((each) =>
      directory.file(each),
    ) as [string, string, string];
    const { start, end } = timeRange(trace);
    const half = Math.floor((end - start) / 2);
    expect((await run('trim', file, '-o', out, '--to', `${half}ns`)).code).toBe(0);
    const kept = slicesOf(trace, (row) => trace.columns.start[row]! <= start + half);
    expect(slicesOf(await read(out))).toEqual(kept);

    expect((await run('scrub', file, '-o', scrubbed)).code).toBe(0);
    const withoutNames = (lines: string[]): string[] =>
      lines.map((line) => line.split(' ', 2).join(' ')).sort();
    expect(withoutNames(slicesOf(await read(scrubbed)))).toEqual(withoutNames(slicesOf(trace)));

    const split = await run(
      'split',
      file,
      '--parts',
      '3',
      '-o',
      directory.file(`${name.replaceAll('/', '-')}-`),
    );
    expect(split.code).toBe(0);
    const parts = split.stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/\s/)[0]!);
    expect(parts.length).toBeGreaterThan(1);
    expect((await run('merge', ...parts, '-o', both)).code).toBe(0);
    expect(slicesOf(await read(both))).toEqual(slicesOf(trace));

    const other = pathOf(name.startsWith('typescript/7') ? CAPTURES[0]! : 'typescript/7.0.2/trace.json');
    expect((await run('merge', file, other, '-o', both)).code).toBe(0);
    expect(slicesOf(await read(both))).toHaveLength(slices + slicesOf(await read(other)).length);
  });
});
