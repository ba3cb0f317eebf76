/**
 * Filters part what a table lists: over all tables with rows one by one, whatever they are about, each row is in exactly those parts that the
 * definition of the filter puts it in. By thread, task, name, time, length, end and text.
 */
import type { Trace } from '@ttrace/format';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Filter } from './filter.ts';
import { someHappenings, traceOfHappenings } from './happenings-test-kit.ts';
import type { Cell, Table } from './table.ts';
import { TABLES } from './tables.ts';
import { indexOf, type TraceIndex } from './trace-index.ts';
import { randomTrace } from './trace-test-kit.ts';

/** Nested things on several threads, and one thing after the other of every sort. */
const anyTrace: fc.Arbitrary<Trace> = fc.oneof(randomTrace, someHappenings(16).map(traceOfHappenings));

interface Listed {
  readonly id: string;
  readonly each: (index: TraceIndex, filter: Filter) => Table<unknown>;
  /** Column with the name that the filter `name` means. */
  readonly name: string;
  /** Column with the length that `min` and `max` mean. */
  readonly length: string;
}

const LISTED: readonly Listed[] = [
  { id: 'tasks', name: 'task', length: 'durationNanos' },
  { id: 'regions', name: 'region', length: 'totalNanos' },
  { id: 'blockers', name: 'name', length: 'durationNanos' },
  { id: 'gc', name: 'kind', length: 'durationNanos' },
  { id: 'locks', name: 'name', length: 'durationNanos' },
  { id: 'messages', name: '', length: 'latencyNanos' }, // Named by their two threads.
].map((listed) => ({ ...listed, each: TABLES.find(({ id }) => id === listed.id)!.each! }));

it('no table that lists things one by one is left out', () => {
  expect(LISTED.map(({ id }) => id).sort()).toEqual(
    TABLES.filter(({ each }) => each !== undefined)
      .map(({ id }) => id)
      .sort(),
  );
});

describe.each(LISTED)('$id --each', ({ each, name, length }) => {
  /** Runs a property over what the whole table lists, and what of it a filter leaves. */
  const holds = (
    property: (whole: readonly Row[], of: (filter: Filter) => readonly Row[], index: TraceIndex) => void,
  ): void => {
    fc.assert(
      fc.property(anyTrace, (trace) => {
        const index = indexOf(trace);
        const of = (filter: Filter): readonly Row[] => rowsOf(each(index, filter));
        property(of({}), of, index);
      }),
      { numRuns: 60 },
    );
  };
  const lengthOf = (row: Row): number => Number(row.cells.get(length) ?? Number.NaN);

  it('is parted by whether it has ended, and that by a length: shorter, and as long or longer', () => {
    holds((whole, of) => {
      expectParts(whole, [of({ complete: true }), of({ complete: false })]);
      for (const at of middles(whole.map(lengthOf))) {
        const [shorter, longer] = [of({ max: at }), of({ min: at })];
        expectParts(of({ min: 0 }), [shorter, longer]);
        expect(shorter.every((row) => lengthOf(row) < at)).toBe(true);
        expect(longer.every((row) => lengthOf(row) >= at)).toBe(true);
      }
      expectParts(of({ complete: true }), [of({ min: 0 })]);
    });
  });

  it('is parted by name', () => {
    holds((whole, of) => {
      const names = new Set(
        whole.map(({ cells }) => (name === '' ? pairOf(cells) : String(cells.get(name)))),
      );
      expectParts(
        whole,
        [...names].map((each) => of({ name: each })),
      );
      expect(of({ name: 'no such name' })).toEqual([]);
    });
  });

  it('is parted by task, but for what belongs to none', () => {
    holds((whole, of) => {
      const taskOf = ({ cells }: Row): number => Number(cells.get('taskId') ?? 0);
      const tasks = new Set(whole.map(taskOf).filter((task) => task > 0));
      const inTasks = [...tasks].map((task) => of({ task: `#${task}` }));
      expectParts(
        whole.filter((row) => taskOf(row) > 0),
        inTasks,
      );
    });
  });

  it('has in the part of a thread what lies on it', () => {
    holds((whole, of, index) => {
      for (const { pid, tid, name: thread } of index.threads) {
        const part = of({ thread: `${pid}/${tid}` });
        expectParts(part, [of({ thread })]);
        expectIn(whole, part);
        if (whole.some(({ cells }) => cells.has('thread')))
          expectParts(
            whole.filter(({ cells }) => cells.get('thread') === thread),
            [part],
          );
        if (whole.some(({ cells }) => cells.has('from')))
          expectParts(
            whole.filter(({ cells }) => cells.get('from') === thread || cells.get('to') === thread),
            [part],
          );
      }
    });
  });

  it('is covered by stretches that follow each other; in both is what crosses from one to the next', () => {
    holds((whole, of, { start, end }) => {
      const last = end - start;
      const edge = Math.floor(last / 2);
      const [before, after] = [of({ from: 0, to: edge }), of({ from: edge, to: last })];
      expect(new Set([...before, ...after].map(({ key }) => key))).toEqual(
        new Set(whole.map(({ key }) => key)),
      );
      for (const [part, isIn] of [
        [before, (row: Row) => row.from <= edge],
        [after, (row: Row) => row.to >= edge],
      ] as const) {
        expectParts(whole.filter(isIn), [part]);
      }
      expectParts(whole, [of({ from: 0, to: last })]);
    });
  });

  it('has in the part of a text whatever bears it in its name, in any case', () => {
    holds((whole, of) => {
      if (name !== '') {
        for (const row of whole) {
          const text = String(row.cells.get(name));
          if (text !== '') expect(of({ text: text.toUpperCase() }).map(({ key }) => key)).toContain(row.key);
        }
      }
      expectParts(whole, [of({ text: '' })]);
      expect(of({ text: 'what nothing says' })).toEqual([]);
    });
  });
});

function pairOf(cells: Row['cells']): string {
  return `${cells.get('from')} → ${String(cells.get('to')).replace('(not received)', '')}`;
}

/** A row of a table: what tells it from others, and what there is to know of it. */
interface Row {
  readonly key: string;
  readonly cells: ReadonlyMap<string, Cell>;
  /** Since the first event. */
  readonly from: number;
  readonly to: number;
}

function rowsOf(table: Table<unknown>): readonly Row[] {
  return table.rows.map((row) => {
    const cells = new Map(table.columns.map(({ id, of }) => [id, of(row)]));
    const { start, end } = table.spanOf!(row)!;
    // A message is where it is sent.
    const sending = cells.get('sendNanos');
    const to = sending === undefined ? end : start + Number(sending);
    const facts = ['thread', 'from', 'taskId', 'task', 'name', 'region', 'kind'].map((id) => cells.get(id));
    return { key: JSON.stringify([start, end, facts]), cells, from: start, to };
  });
}

/** The parts together are the whole, and no row is in two of them. */
function expectParts(whole: readonly Row[], parts: readonly (readonly Row[])[]): void {
  const keys = (rows: readonly Row[]): string[] => rows.map(({ key }) => key).sort();
  expect(keys(parts.flat())).toEqual(keys(whole));
}

function expectIn(whole: readonly Row[], part: readonly Row[]): void {
  const keys = new Set(whole.map(({ key }) => key));
  for (const { key } of part) expect(keys).toContain(key);
}

/** Some lengths to part at: one that some row has, and one that is longer than the shortest. */
function middles(lengths: readonly number[]): number[] {
  const sorted = lengths.filter((each) => each > 0).sort((a, b) => a - b);
  return sorted.length === 0 ? [1000] : [sorted[sorted.length >> 1]!, sorted[0]! + 1];
}
