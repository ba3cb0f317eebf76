/** What can be asked of a trace: tables, their columns, and examples. */
import { alignedLines, RELATION_VIEWS, RELATIONS } from '@ttrace/analysis';

/** Queries that answer something of any trace. */
const QUERY_EXAMPLES: readonly string[] = [
  `SELECT name, count(*) AS n, sum(duration_ns) / 1e6 AS total_ms, quantile_cont(duration_ns, 0.99) / 1e6 AS p99_ms FROM regions GROUP BY name ORDER BY total_ms DESC LIMIT 10`,
  `SELECT t.task_id, t.name, t.duration_ns / 1e6 AS ms, sum(r.self_ns) / 1e6 AS in_regions_ms FROM tasks t LEFT JOIN regions r USING (file, task_id) GROUP BY ALL ORDER BY ms DESC LIMIT 10`,
  `SELECT from_thread, to_thread, count(*) AS n, avg(latency_ns) / 1e3 AS mean_us, max(latency_ns) / 1e3 AS max_us FROM flows GROUP BY ALL ORDER BY n DESC`,
];

const TYPES = { int64: 'BIGINT', double: 'DOUBLE', text: 'VARCHAR', json: 'VARCHAR (JSON)' } as const;

/** For people. */
export function* schemaLines(): Generator<string, void, undefined> {
  for (const { name, help, columns } of RELATIONS) {
    yield `${name}: ${help}`;
    const rows = [
      ...columns.map((column) => [`  ${column.name}`, TYPES[column.type], column.help]),
      ['  file', 'VARCHAR', 'The file that it is of: numbers of slices and tasks are its own.'],
    ];
    const heads = ['', '', ''].map((title) => ({ title, align: 'left' as const }));
    yield* alignedLines(heads, rows).slice(1);
    yield '';
  }
  for (const { name, help } of RELATION_VIEWS) yield `${name}: ${help} The columns are the same.`;
  yield '';
  yield "Times are nanoseconds; arguments are JSON: arguments->>'status'. Examples:";
  for (const example of QUERY_EXAMPLES) yield `  ${example}`;
}
