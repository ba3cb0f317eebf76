/** Stages of a pipeline overlap, by the trace. */
import { EventKind } from '@ttrace/format';
import { beforeAll, expect, test } from 'vitest';
import { type SampleTrace, type Slice, slicesOf, taskOf, total, traceOf } from '../trace-of.ts';

const STAGES = ['stage 1', 'stage 2', 'stage 3'];
let sample: SampleTrace;

beforeAll(async () => {
  sample = await traceOf('pipeline');
});

const stages = (during: Slice): Slice[] => STAGES.flatMap((name) => slicesOf(sample, 'region', name, during));

/** How many stages ran at the same time, on average. */
const overlap = (way: string): number => {
  const task = taskOf(sample, way);
  return total(stages(task)) / (task.end - task.start);
};

test('all ways come to the same results', () => {
  const results = [...sample.stdout.matchAll(/(\d+) results \(sum (\d+)\)/g)].map((match) => match.slice(1));
  expect(results).toHaveLength(3);
  for (const result of results) expect(result).toEqual(['40', results[0]![1]]);
});

test('every item is a task with its three stages in order, whichever threads they are on', () => {
  const items = slicesOf(sample, 'task', 'item');
  expect(items).toHaveLength(120);
  for (const item of items) {
    const own = stages(item)
      .filter(({ args }) => args.task === item.args.task)
      .sort((a, b) => a.start - b.start);
    expect(own.map(({ name }) => name)).toEqual(STAGES);
    own.slice(1).forEach((stage, i) => {
      expect(stage.start).toBeGreaterThan(own[i]!.end);
    });
  }
});

test('stages overlap in a pipeline, and more so in three', () => {
  expect(overlap('one after the other')).toBeLessThan(1.01);
  expect(overlap('a pipeline')).toBeGreaterThan(1.5);
  expect(overlap('three pipelines')).toBeGreaterThan(1.5 * overlap('a pipeline'));
});

test('items pile up before the slowest stage', () => {
  const { columns, tracks, length } = sample.trace;
  /** How long all items together stood there; the one that is worked on does not count. */
  const stood = (name: string): number => {
    let sum = 0;
    const last = new Map<number, number>();
    for (let row = 0; row < length; row++) {
      const track = columns.track[row]!;
      if (columns.kind[row] !== EventKind.counter || tracks[track]!.name !== name) continue;
      const before = last.get(track);
      const behind = before === undefined ? 0 : Math.max(0, columns.value[before]! - 1);
      if (behind > 0) sum += behind * (columns.start[row]! - columns.start[before!]!);
      last.set(track, row);
    }
    return sum;
  };
  // All items are there at once before the first; the second is slower than the first, the third faster than the second.
  expect(stood('before stage 2')).toBeGreaterThan(0);
  expect(stood('before stage 2')).toBeGreaterThan(2 * stood('before stage 3'));
});

test('every message of a pipeline has an arrow to where it is received', () => {
  const { columns, length } = sample.trace;
  const ends = (wanted: number): number[] => {
    const ids: number[] = [];
    for (let row = 0; row < length; row++) if (columns.kind[row] === wanted) ids.push(columns.value[row]!);
    return ids;
  };
  const sent = new Set(ends(EventKind.flowOut));
  const received = ends(EventKind.flowIn);
  expect(received).toHaveLength(320);
  // A thread may be done with sending its last one when the recording is over.
  expect(received.filter((id) => !sent.has(id)).length).toBeLessThanOrEqual(3);
});
