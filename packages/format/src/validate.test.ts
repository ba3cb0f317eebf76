/** Each rule of `validateTrace`: found where it is broken, silent where it is not. Traces are written as text. */
import { expect, test } from 'vitest';
import { readTrace } from './read-trace.ts';
import { readTextTrace } from './text-reader.ts';
import { TEXT_MAGIC } from './text-writer.ts';
import type { Trace } from './trace.ts';
import { TraceBuilder } from './trace-builder.ts';
import { validateTrace } from './validate.ts';

const HEADER = `${TEXT_MAGIC}
track 1/1 thread "main"
track 1/2 thread "worker"
track a1 async 1 task "0x1" "order"
track c1 counter 1 "" "queue"
`;

function traceOf(lines: readonly string[]): Trace {
  const trace = readTextTrace(HEADER + lines.join('\n'));
  expect(trace.error?.message).toBeUndefined();
  return trace;
}

const findings = (...lines: string[]): string[] =>
  validateTrace(traceOf(lines)).map(({ severity, rule, count }) => `${severity} ${rule} ${count}`);

const slice = (track: string, begin: number, end: number, name = 'a'): string =>
  `slice ${track} +0.00000${String(begin).padStart(4, '0')} 0.00000${String(end - begin).padStart(4, '0')} - "${name}"`;
const flow = (kind: string, time: number, id: number): string =>
  `flow-${kind} 1/1 +0.00000${String(time).padStart(4, '0')} ${id} flow "f"`;

test('nothing is wrong with nested slices, whether written at their begin or at their end', () => {
  const nested = [slice('1/1', 10, 90), slice('1/1', 10, 50), slice('1/1', 20, 50), slice('1/1', 50, 90)];
  expect(findings(...nested)).toEqual([]);
  const [outer = '', left = '', inner = '', right = ''] = nested;
  expect(findings(inner, left, right, outer)).toEqual([]);
});

test('slices of different tracks may overlap', () => {
  expect(findings(slice('1/1', 10, 50), slice('1/2', 20, 60), slice('a1', 30, 70))).toEqual([]);
});

test('a slice that ends after the one it began in is an error, with the first one in the file as example', () => {
  const lines = [slice('1/1', 10, 50), slice('1/1', 20, 60, 'late'), slice('1/1', 55, 58)];
  expect(findings(...lines)).toEqual(['error partial-overlap 1']);
  expect(validateTrace(traceOf(lines))[0]?.example).toEqual({ time: 20, track: 0, name: 'late' });
  expect(findings(...lines.reverse())).toEqual(['error partial-overlap 1', 'info time-goes-back 1']);
});

test('an overlap of one nanosecond is rounding, of two is an error', () => {
  expect(findings(slice('1/1', 10, 51), slice('1/1', 50, 60))).toEqual([]);
  expect(findings(slice('1/1', 10, 52), slice('1/1', 50, 60))).toEqual(['error partial-overlap 1']);
});

test('overlaps are found in tracks of thousands of slices out of order', () => {
  const builder = new TraceBuilder();
  const track = builder.threadTrack(1, 1);
  const count = 10_000;
  for (let i = 0; i < count; i++) {
    // 7919 and 10000 have no common factor: every place once.
    const start = ((i * 7919) % count) * 100_000;
    builder.slice(track, 0, 0, start, start % 1_000_000 === 0 ? 150_000 : 100_000, 0);
  }
  const overlap = validateTrace(builder.finish('json', 0)).find(({ rule }) => rule === 'partial-overlap');
  expect(overlap?.count).toBe(count / 10);
});

test('of slices with the same begin the longer one is the parent', () => {
  const builder = new TraceBuilder();
  const track = builder.threadTrack(1, 1);
  for (let i = 0; i < 5000; i++)
    for (const length of [10, 30, 20]) builder.slice(track, 0, 0, i * 30, length, 0);
  expect(validateTrace(builder.finish('json', 0))).toEqual([]);
});

test('a begin without an end is a warning, an end without a begin an error', () => {
  const builder = new TraceBuilder();
  const track = builder.threadTrack(1, 1);
  builder.end(track, 1, 0);
  builder.begin(track, builder.strings.intern('open'), 0, 2, 0);
  const found = validateTrace(builder.finish('json', 0));
  expect(found.map(({ severity, rule }) => `${severity} ${rule}`)).toEqual([
    'error end-without-begin',
    'warning unfinished-slice',
  ]);
  expect(found[1]?.example).toEqual({ time: 2, track: 0, name: 'open' });
});

test('what follows an unfinished slice is no overlap', () => {
  expect(findings('slice 1/1 +0.000000001 open - "a"', slice('1/1', 5, 9))).toEqual([
    'warning unfinished-slice 1',
  ]);
});

test('flows need both ends, in order of time, and waypoints alone are not enough', () => {
  expect(findings(flow('out', 1, 1), flow('step', 2, 1), flow('in', 3, 1))).toEqual([]);
  expect(findings(flow('out', 1, 1))).toEqual(['warning flow-without-end 1']);
  expect(findings(flow('in', 1, 1), flow('step', 2, 2))).toEqual(['warning flow-without-start 2']);
  expect(findings(flow('in', 1, 9e15), flow('out', 2, 9e15))).toEqual(['warning flow-goes-back 1']);
});

test('async regions one after another share a lane, which is no defect', () => {
  const lane = 'track a2 async 1 region "0x1" "load"';
  expect(findings(lane, slice('a2', 1, 5), slice('a2', 6, 9))).toEqual([]);
});

test('an async id that names several operations is a warning, unless an unfinished one may contain them', () => {
  expect(findings(slice('a1', 1, 5), slice('a1', 2, 3))).toEqual([]);
  expect(findings(slice('a1', 1, 5), slice('a1', 6, 9))).toEqual(['warning async-id-reuse 1']);
  expect(findings('slice a1 +0.000000000 open task "a"', slice('a1', 1, 5), slice('a1', 6, 9))).toEqual([
    'warning unfinished-slice 1',
  ]);
});

test('samples that go back in time are pointed out', () => {
  const samples = [3, 1, 2].map((time) => `counter c1 +0.00000000${time} 1 "queue"`);
  expect(findings(...samples)).toEqual(['info time-goes-back 1']);
  expect(findings(...samples.sort())).toEqual([]);
});

test('times and values that are no numbers are errors', () => {
  expect(findings('counter c1 +nan 1 "queue"', 'counter c1 +0.000000001 inf "queue"')).toEqual([
    'error not-a-number 2',
  ]);
});

test('a negative duration is an error', () => {
  const trace = traceOf([slice('1/1', 1, 2)]);
  trace.columns.value[0] = -5;
  expect(validateTrace(trace).map(({ rule }) => rule)).toEqual(['negative-duration']);
});

test('an end of an arrow after its slice is not time going back', () => {
  const lines = [
    slice('1/1', 1, 9),
    flow('out', 1, 1),
    slice('1/1', 10, 12),
    flow('in', 10, 1),
    slice('1/1', 0, 20),
  ];
  expect(findings(...lines)).toEqual([]);
});

test('a tid with two names is a warning, the same name twice is not', async () => {
  const named = async (...names: string[]): Promise<string[]> => {
    const events = names.map((name) => ({ ph: 'M', name: 'thread_name', pid: 1, tid: 1, args: { name } }));
    return validateTrace(await readTrace(new Blob([JSON.stringify(events)]).stream())).map(
      ({ rule }) => rule,
    );
  };
  expect(await named('a', 'a')).toEqual([]);
  expect(await named('a', 'b')).toEqual(['renamed-thread']);
});

test('dropped and skipped events, a damaged file and a tid of two processes are reported', () => {
  const text = `${TEXT_MAGIC}
track 1/7 thread "a" dropped=3
track 2/7 thread "b"
skipped 4 "unknown phase q"
error truncated 99 "the file ends early"`;
  const found = validateTrace(readTextTrace(text)).map(
    ({ severity, rule, count }) => `${severity} ${rule} ${count}`,
  );
  expect(found).toEqual([
    'error damaged-file 1',
    'warning dropped-event 3',
    'warning shared-tid 1',
    'info skipped-event 4',
  ]);
});
