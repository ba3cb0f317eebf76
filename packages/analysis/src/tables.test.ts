/** All tables over random traces: what holds for each of them, whatever it is about. */
import { TraceBuilder } from '@ttrace/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkBudgets } from './budgets.ts';
import { DIFF_METRICS, diffTable } from './diff-table.ts';
import { findingsOf } from './findings.ts';
import { markdownReport } from './markdown-report.ts';
import { eachRegionTable, MAX_EACH } from './regions-table.ts';
import { sortedBy, type Table } from './table.ts';
import { csvLines, markdownLines, tableLines, tableObjects } from './table-text.ts';
import { TABLES } from './tables.ts';
import { indexOf } from './trace-index.ts';
import { randomTrace, traceOf } from './trace-test-kit.ts';

test('every table of every trace can be printed in each form, sorted by each column, and says what its columns mean', () => {
  fc.assert(
    fc.property(randomTrace, (trace) => {
      const index = indexOf(trace);
      for (const { id, table, each } of TABLES) {
        for (const made of [table(index, {}), ...(each === undefined ? [] : [each(index, {})])]) {
          expect(made.id).toBe(id);
          checkForms(made);
        }
      }
    }),
    { numRuns: 30 },
  );
});

function checkForms(table: Table<unknown>): void {
  const ids = table.columns.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { title, help } of table.columns) {
    expect(title).not.toBe('');
    expect(help).toMatch(/\.$/);
  }
  for (const { id, title, unit } of table.columns) {
    if (id === 'task') expect(unit).toBe('text');
    if (/taskid/i.test(id)) expect(unit).toBe('number');
    expect(id === 'taskId').toBe(title === 'Task id');
  }
  if (ids.includes('taskId')) expect(ids).toContain('task');
  expect([...csvLines(table)]).toHaveLength(table.rows.length + 1);
  expect(tableObjects(table)).toHaveLength(table.rows.length);
  expect(JSON.parse(JSON.stringify(tableObjects(table)))).toEqual(tableObjects(table));
  for (const lines of [tableLines(table, 5), markdownLines(table, 5)]) {
    expect(lines.length === 0).toBe(table.rows.length === 0);
    for (const line of lines) expect(line).not.toContain('\n');
  }
  for (const { id } of table.columns) {
    expect(new Set(sortedBy(table, id))).toEqual(new Set(table.rows));
  }
  expect(sortedBy(table, 'no such column')).toBeUndefined();
  for (const row of table.rows) {
    const span = table.spanOf?.(row);
    if (span !== undefined) expect(span.end).toBeGreaterThanOrEqual(span.start);
  }
}

test('a trace has not changed from itself', () => {
  fc.assert(
    fc.property(randomTrace, (trace) => {
      const index = indexOf(trace);
      expect(diffTable(index, index).rows).toEqual([]);
    }),
  );
});

test('what became slower by more than the threshold is worse, what came or went is not', () => {
  const orders = (...millis: number[]): string =>
    ['process 1 "shop"', ...millis.map((_, i) => `track t${i} async 1 task "0x${i + 1}" "order"`)]
      .concat(
        millis.map(
          (length, i) =>
            `slice t${i} +0.000000000 ${(length / 1e3).toFixed(9)} task "order" {"task":${i + 1}}`,
        ),
      )
      .join('\n');
  const before = indexOf(traceOf(orders(10, 20, 25, 30)));
  const compare = (text: string, options = {}): string[] =>
    diffTable(before, indexOf(traceOf(text)), options).rows.map(
      ({ kind, name, isWorse, isUnsure, after }) =>
        `${kind} ${name} ${isWorse ? 'worse' : isUnsure ? 'unsure' : after === undefined ? 'gone' : 'same'}`,
    );
  expect(compare(orders(33, 34, 36, 40))).toEqual(['task order worse']);
  expect(compare(orders(30.5, 31, 31.5, 32))).toEqual(['task order same']);
  expect(compare(orders(30.5, 31, 31.5, 32), { threshold: 0.05 })).toEqual(['task order worse']);
  expect(compare(orders(30.5, 31, 31.5, 32), { threshold: 0.05, minNanos: 5e6 })).toEqual([
    'task order same',
  ]);
  // One of four was slow: the next time another one is, or none.
  expect(compare(orders(10, 20, 25, 40))).toEqual(['task order unsure']);
  expect(compare(orders(10, 20, 25, 40), { metric: 'max' })).toEqual(['task order worse']);
  expect(compare('process 1 "shop"')).toEqual(['task order gone']);
});

test('blocks where there was none are worse, by any metric; tasks of which none had ended are not known to be', () => {
  const head = 'process 1 "shop"\ntrack 1/1 thread "main"\ntrack m async 1 loop "0x1" "main event loop"';
  const order = 'track o async 1 task "0x2" "order"\n';
  const before = indexOf(traceOf(`${head}\n${order}slice o +0.000000000 open task "order" {"task":1}`));
  const blocked = 'slice m +0.500000000 0.500000000 loop "spin app.js:1" {"blocked":true}';
  const ended = 'slice o +0.000000000 0.200000000 task "order" {"task":1}';
  const after = indexOf(traceOf(`${head}\n${order}${ended}\n${blocked}`));
  for (const metric of DIFF_METRICS) {
    const { rows } = diffTable(before, after, { metric });
    expect([metric, rows.find(({ name }) => name === '(all blocks)')!.isWorse]).toEqual([metric, true]);
  }
  expect(diffTable(before, after).rows.find(({ name }) => name === 'order')!.isUnsure).toBe(true);
});

test('names with line breaks, pipes and escapes of terminals break no heading, sentence or Markdown', () => {
  const evil = 'a|b\n# c\u001b[31m';
  const text = [
    `process 1 ${JSON.stringify(evil)}`,
    `track 1/1 thread ${JSON.stringify(evil)}`,
    'track m async 1 loop "0x1" "main event loop"',
    `slice 1/1 +0.000000000 0.500000000 wait ${JSON.stringify(`${evil} wait`)}`,
    `slice m +0.500000000 0.500000000 loop ${JSON.stringify(evil)} {"blocked":true}`,
  ].join('\n');
  const index = indexOf(traceOf(text));
  const threads = TABLES.find(({ id }) => id === 'threads')!.table(index, {});
  const columns = (line: string): number => line.replaceAll('\\|', '').split('|').length;
  const lines = markdownLines(threads, 5);
  expect(new Set(lines.map(columns)).size).toBe(1);
  const sentences = [...findingsOf(index), ...checkBudgets(index, [{ kind: 'max-block', nanos: 1 }])];
  expect(sentences.length).toBeGreaterThan(1);
  const report = markdownReport(index, 'x.json', 1).split('\n');
  for (const line of [
    ...lines,
    ...tableLines(threads, 5),
    ...sentences.map((each) => each.sentence),
    ...report,
  ]) {
    expect(line).not.toMatch(/\p{Cc}|^# c/u);
  }
});

test('a cell that a spreadsheet would run, or that has quotes and breaks, stays a text in CSV', () => {
  const table: Table<string> = {
    id: 'x',
    title: 'X',
    help: '',
    columns: [{ id: 'name', title: 'Name', unit: 'text', help: 'Name.', of: (row) => row }],
    rows: ['=1+1', 'a,"b"\nc', '-x', '@y'],
  };
  expect([...csvLines(table)]).toEqual(['name', "'=1+1", '"a,""b""\nc"', "'-x", "'@y"]);
});

test.each([5, 1e6])(
  'of more regions than are listed those that a plain sort puts first, with %i lengths',
  (most) => {
    const builder = new TraceBuilder();
    builder.relative(0, 0);
    const track = builder.threadTrack(1, 1);
    const [name, category] = [builder.strings.intern('step'), builder.strings.intern('region')];
    const lengths: number[] = [];
    for (let i = 0; i < MAX_EACH * 1.2; i++) {
      lengths.push(((i * 7919) % 999_983) % most);
      builder.slice(track, name, category, i * 2e6, lengths[i]!, 0);
    }
    const { rows, note } = eachRegionTable(indexOf(builder.finish('json', 0)));
    const sorted = lengths.sort((a, b) => b - a).slice(0, MAX_EACH);
    expect(rows.map(({ totalNanos }) => totalNanos)).toEqual(sorted);
    expect(note).toContain(`${MAX_EACH * 0.2} shorter ones`);
  },
);
