/**
 * What tables lead to: each bucket of a distribution to exactly the rows that it counts, each row to rows that are there. Over all tables, in
 * random programs with what they list: tasks, regions in one slice and in two, some without an end, waits, messages, blocks.
 */
import { Category, type Trace, TraceBuilder } from '@ttrace/format';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Filter } from './filter.ts';
import { eachRegionTable } from './regions-table.ts';
import type { Table, TableLink } from './table.ts';
import { TABLES } from './tables.ts';
import { indexOf, type TraceIndex } from './trace-index.ts';

interface Happening {
  readonly what: 'task' | 'region' | 'continued' | 'open' | 'wait' | 'message' | 'block' | 'gc';
  readonly name: string;
  readonly duration: number;
}

const happening: fc.Arbitrary<Happening> = fc.record({
  what: fc.constantFrom('task', 'region', 'continued', 'open', 'wait', 'message', 'block', 'gc'),
  name: fc.constantFrom('', 'a', 'b run', 'lock a', 'a wait', '#1'),
  duration: fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.constantFrom(1, 1000, 1585, 1584, 10_000)),
});

/** One thing after the other on a thread and, where two take part, on another. */
function traceOf(happenings: readonly Happening[]): Trace {
  const builder = new TraceBuilder();
  const text = (value: string): number => builder.strings.intern(value);
  const [main, worker] = [builder.threadTrack(1, 1), builder.threadTrack(1, 2)];
  builder.tracks[main]!.name = 'main';
  builder.tracks[worker]!.name = 'worker';
  const loop = builder.asyncTrack(1, Category.loop, '0x1', 'main event loop');
  let time = builder.relative(1_000_000, 0);
  for (const [at, { what, name, duration }] of happenings.entries()) {
    const task = text(JSON.stringify({ task: at + 1 }));
    const region = text(Category.region);
    const own = (category: string): number => builder.asyncTrack(1, category, `0x${at + 1}`, name);
    if (what === 'task') builder.slice(own(Category.task), text(name), text(what), time, duration, task);
    if (what === 'region') builder.slice(main, text(name), region, time, duration, task);
    if (what === 'open') builder.unfinished(own(what), text(name), region, time, task);
    if (what === 'continued') {
      builder.slice(main, text(name), region, time, 700, task);
      builder.slice(own(what), text(name), region, time + 700, duration, task);
    }
    if (what === 'wait') {
      builder.slice(worker, text(`${name} wait`), text(Category.wait), time, duration, task);
      builder.slice(own(what), text(name), region, time, 10, 0);
    }
    if (what === 'gc') builder.slice(worker, text(name), text(Category.gc), time, duration, 0);
    if (what === 'message') {
      builder.slice(main, text('postMessage'), text(what), time, 1, task);
      builder.flowEvent(3, main, text('message'), text(what), time, at + 1);
      builder.slice(worker, text('message'), text(what), time + duration, 1, task);
      builder.flowEvent(5, worker, text('message'), text(what), time + duration, at + 1);
    }
    if (what === 'block') {
      const args = text(JSON.stringify({ task: at + 1, blocked: true }));
      builder.slice(loop, text(name), text(Category.loop), time, duration, args);
    }
    time += duration + 1000;
  }
  return builder.finish('json', 1);
}

function linkedTable(index: TraceIndex, { page, filter }: TableLink): Table<unknown> {
  const question = TABLES.find(({ id }) => id === page.replace(/\/each$/, ''));
  const table = page.endsWith('/each') ? question?.each : question?.table;
  if (table === undefined) throw new Error(`there is no page ${page}`);
  return table(index, filter);
}

const all = TABLES.flatMap(({ id, table, each }) => [
  { id, table },
  ...(each === undefined ? [] : [{ id: `${id}/each`, table: each }]),
]);

const filters: fc.Arbitrary<Filter> = fc.constantFrom<Filter>({}, { from: 500_000 }, { thread: 'main' });

describe.each(all)('the table $id', ({ table }) => {
  it('counts in each bucket exactly the rows that its link leads to', () => {
    fc.assert(
      fc.property(fc.array(happening, { minLength: 1, maxLength: 12 }), filters, (happenings, filter) => {
        const index = indexOf(traceOf(happenings));
        const shown = table(index, filter);
        for (const row of shown.rows) {
          const link = shown.linkOf?.(row);
          for (const { min, max, count } of shown.histogramOf?.(row) ?? []) {
            if (link === undefined) continue;
            const narrower = { ...filter, ...link.filter, min, max };
            expect(linkedTable(index, { ...link, filter: narrower }).rows).toHaveLength(count);
          }
        }
      }),
    );
  });

  it('leads from each row that sums something up to rows, and from each task id to that task', () => {
    fc.assert(
      fc.property(fc.array(happening, { minLength: 1, maxLength: 12 }), (happenings) => {
        const index = indexOf(traceOf(happenings));
        const shown = table(index, {});
        for (const row of shown.rows) {
          const links = [shown.linkOf?.(row), ...shown.columns.map((column) => column.linkOf?.(row))];
          for (const link of links) {
            if (link !== undefined) expect(() => linkedTable(index, link)).not.toThrow();
          }
          const [link] = links;
          if (shown.histogramOf?.(row) !== undefined && link !== undefined) {
            expect(linkedTable(index, link).rows.length).toBeGreaterThan(0);
          }
        }
        for (const link of shown.related ?? []) expect(() => linkedTable(index, link)).not.toThrow();
      }),
    );
  });
});

describe('regions one by one', () => {
  it('are at most 100,000, the longest; of equally long ones the first', () => {
    const builder = new TraceBuilder();
    const [name, category] = ['job', Category.region].map((each) => builder.strings.intern(each));
    const track = builder.threadTrack(1, 1);
    const time = builder.relative(1_000_000, 0);
    for (let at = 0; at < 100_500; at++) {
      builder.slice(track, name!, category!, time + at * 1000, at >= 100_400 ? 700 : 500, 0);
    }
    const { rows, note } = eachRegionTable(indexOf(builder.finish('json', 1)));
    expect(rows.map(({ row }) => row)).toEqual([
      ...Array.from({ length: 100 }, (_, at) => 100_400 + at),
      ...Array.from({ length: 99_900 }, (_, at) => at),
    ]);
    expect(note).toContain('500 shorter ones');
  });
});
