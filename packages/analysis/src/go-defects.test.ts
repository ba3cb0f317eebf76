/**
 * Known defects of `go tool trace` that must not come back here: of D1 to D11 those that figures and tables could have. Those of pages (D1,
 * D2, D6, D9, D11) stand in `viewer/src/go-defects.test.ts`, D7 in `viewer/src/timeline.browser.test.ts`; D10, the memory of a large
 * trace, is a row of `viewer/bench/home.mjs`.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { functionsTable } from './profile-table.ts';
import { PROFILES, profileOf } from './profiles.ts';
import { sortedBy, type Table } from './table.ts';
import { tableObjects } from './table-text.ts';
import { TABLES } from './tables.ts';
import { taskEventsTable } from './task-tables.ts';
import { eachTaskTable, tasksTable } from './tasks-table.ts';
import { indexOf } from './trace-index.ts';
import { randomTrace, traceOf } from './trace-test-kit.ts';

describe('D3: a count and the text about it do not mean different things', () => {
  /** Of everything that has durations two that have ended, and one that has not. */
  const index = indexOf(
    traceOf(
      [
        'process 1 "shop"',
        'track 1/1 thread "main"',
        'track l async 1 loop "0x1" "main event loop"',
        ...[1, 2, 3].map((n) => `track t${n} async 1 task "0x${n}" "order"`),
        ...['0.001000000', '0.002000000', 'open'].flatMap((extent, at) => [
          `slice t${at + 1} +0.00${at}000000 ${extent} task "order" {"task":${at + 1}}`,
          `slice 1/1 +0.0${at}0000000 ${extent} region "parse"`,
          `slice 1/1 +0.0${at}3000000 ${extent} gc "GC minor"`,
          `slice 1/1 +0.0${at}6000000 ${extent} wait "lock a wait"`,
          `slice l +0.0${at}0000000 ${extent} loop "turn"`,
        ]),
      ].join('\n'),
    ),
  );

  it.each(['tasks', 'regions', 'gc', 'turns'])(
    '%s: Count has those without an end, the distribution has not, and the help says so',
    (id) => {
      const table = TABLES.find((each) => each.id === id)!.table(index, {});
      expect(table.columns.find((column) => column.id === 'count')!.help).toMatch(
        /with and without an end\.$/,
      );
      expect(tableObjects(table)).toMatchObject([{ count: 3, unfinished: 1 }]);
      const [row] = table.rows;
      const buckets = table.histogramOf?.(row);
      if (buckets !== undefined) expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(2);
    },
  );
});

describe('D4: a log does not lose its category', () => {
  it('on the page of a task it is [category] message', () => {
    const index = indexOf(
      traceOf(
        [
          'process 1 "shop"',
          'track 1/1 thread "main"',
          'track t async 1 task "0x1" "order"',
          'slice t +0.000000000 0.001000000 task "order" {"task":1}',
          'instant 1/1 +0.000100000 log "cache" {"task":1,"message":"miss for 17"}',
          'instant 1/1 +0.000200000 log "" {"task":1,"message":"paid"}',
        ].join('\n'),
      ),
    );
    const said = tableObjects(taskEventsTable(index)).map(({ what }) => what);
    expect(said).toEqual(['task order begin', '[cache] miss for 17', '[] paid', 'task order end']);
  });
});

describe('D5: the slowest do not come last', () => {
  it('tasks one by one come slowest first, by name the greatest total first, and every column sorts both ways', () => {
    fc.assert(
      fc.property(randomTrace, (trace) => {
        const index = indexOf(trace);
        const each = eachTaskTable(index);
        expectFalling(each.rows.map(({ task }) => task.end - task.start));
        const groups = tasksTable(index);
        expectFalling(groups.rows.map(({ durations }) => durations.reduce((sum, nanos) => sum + nanos, 0)));
        for (const { id, of } of each.columns) {
          const cells = (order: 'up' | 'down'): unknown[] =>
            sortedBy(each, id, order)!
              .map((row) => of(row))
              .filter((cell) => cell !== undefined);
          expect(cells('up')).toEqual(cells('down').reverse());
        }
      }),
    );
  });

  it.each(['regions', 'blockers', 'gc', 'locks', 'turns'])(
    '%s: the greatest total first, and one by one the longest',
    (id) => {
      const { table, each } = TABLES.find((question) => question.id === id)!;
      const total = id === 'locks' ? 'waitedNanos' : 'totalNanos';
      const length = id === 'regions' ? 'totalNanos' : 'durationNanos';
      fc.assert(
        fc.property(randomTrace, (trace) => {
          const index = indexOf(trace);
          expectFalling(cellsOf(table(index, {}), total));
          if (each !== undefined) expectFalling(cellsOf(each(index, {}), length));
        }),
        { numRuns: 30 },
      );
    },
  );
});

function cellsOf({ rows, columns }: Table<unknown>, id: string): number[] {
  const { of } = columns.find((column) => column.id === id)!;
  return rows.map((row) => Number(of(row) ?? 0));
}

function expectFalling(numbers: readonly number[]): void {
  expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
}

describe('D8: a profile does not lose most of its events', () => {
  it.each(PROFILES)(
    '$type: the total is the sum of what its functions have themselves, and of its stacks',
    ({ type }) => {
      fc.assert(
        fc.property(randomTrace, (trace) => {
          const profile = profileOf(indexOf(trace), type);
          const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
          const own = sum(functionsTable(profile).rows.map(({ selfNanos }) => selfNanos));
          expect(own).toBeCloseTo(profile.nanos, 3);
          expect(sum(profile.samples.map(({ values }) => values[1]))).toBeCloseTo(profile.nanos, 3);
        }),
      );
    },
  );

  it('every block and every wait is in its profile, whatever stack it has', () => {
    fc.assert(
      fc.property(randomTrace, (trace) => {
        const index = indexOf(trace);
        for (const [id, type] of [
          ['blockers', 'block'],
          ['locks', 'mutex'],
        ] as const) {
          const listed = TABLES.find((question) => question.id === id)!.each!(index, {}).rows.length;
          const counted = profileOf(index, type).samples.reduce((sum, { values }) => sum + values[0], 0);
          expect(counted).toBe(listed);
        }
      }),
    );
  });
});
