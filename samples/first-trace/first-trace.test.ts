/** The first sample shows what its header promises. */
import { spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EventKind, readTrace, type Trace, validateTrace } from '@ttrace/format';
import { afterAll, beforeAll, expect, test } from 'vitest';

const directory = mkdtempSync(join(tmpdir(), 'ttrace-first-'));
let trace: Trace;

beforeAll(async () => {
  const file = join(directory, 'trace.json');
  const program = fileURLToPath(new URL('../dist/first-trace/main.js', import.meta.url));
  // What the program says by itself: the messages' own arrows would double those that it draws.
  const env = { ...process.env, TTRACE_SOURCES: 'none' };
  const { status, stderr } = spawnSync(process.execPath, [program, file], { encoding: 'utf8', env });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  trace = await readTrace(createReadStream(file));
});

afterAll(() => rmSync(directory, { recursive: true }));

/** Rows of slices of a name, as [track, start, end]. */
function slices(name: string): { track: number; start: number; end: number; args: string }[] {
  const { kind, name: names, track, start, value, args } = trace.columns;
  return [...kind.keys()]
    .filter((row) => kind[row] === EventKind.slice && trace.strings.text(names[row]!) === name)
    .map((row) => ({
      track: track[row]!,
      start: start[row]!,
      end: start[row]! + value[row]!,
      args: trace.strings.text(args[row]!),
    }));
}

test('ten workers each have a region of their own, inside the one task', () => {
  const [task, ...others] = slices('main');
  const work = slices('work');
  expect(others).toEqual([]);
  expect(work).toHaveLength(10);
  expect(new Set(work.map(({ track }) => track)).size).toBe(10);
  const { task: taskId } = JSON.parse(task!.args) as { task: number };
  for (const region of work) {
    expect(region.start).toBeGreaterThan(task!.start);
    expect(region.end).toBeLessThan(task!.end);
    expect(JSON.parse(region.args)).toMatchObject({ task: taskId });
  }
});

test('main and every worker have a name', () => {
  const names = trace.tracks.filter(({ kind }) => kind === 'thread').map(({ name }) => name);
  expect(names.filter((name) => name === 'main')).toHaveLength(1);
  expect(names.filter((name) => /^worker \d+ worker-\d$/.test(name))).toHaveLength(10);
});

test('an arrow leads from each hand-out to the worker that takes it up', () => {
  const out = slices('hand out');
  const taken = slices('take up');
  expect([out.length, taken.length]).toEqual([10, 10]);
  const { kind, value } = trace.columns;
  const ends = (wanted: number) =>
    [...kind.keys()]
      .filter((row) => kind[row] === wanted)
      .map((row) => value[row])
      .sort();
  expect(ends(EventKind.flowOut)).toHaveLength(10);
  expect(ends(EventKind.flowOut)).toEqual(ends(EventKind.flowIn));
});

test('nothing in it is wrong, and nothing was dropped', () => {
  expect(validateTrace(trace).filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(trace.tracks.map(({ dropped }) => dropped).filter((dropped) => dropped > 0)).toEqual([]);
});
