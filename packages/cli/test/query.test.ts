/** `ttrace export --parquet` and `ttrace query` as users call them: DuckDB reads what the analysis says, and nothing outside. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { indexOf, RELATIONS, threadsTable } from '@ttrace/analysis';
import { EventKind, readTextTrace } from '@ttrace/format';
import { parquetMetadata } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scratch, startTtrace, ttrace } from './ttrace-process.ts';

const TRACE = `# ttrace text 1
origin 5000000000
clock 5000000000 1700000000000
process 1 "shop"
track 1/1 thread "main"
track 1/2 thread "worker"
track t1 async 1 task "0x11" "order"
track t2 async 1 task "0x12" "order"
track c1 counter 1 "" "queue"
slice 1/1 +0.000000001 0.050000003 region "job" {"task":17,"n":1}
slice 1/1 +0.010000000 0.020000001 wait "lock db wait" {"task":17}
slice 1/1 +0.060000000 open region "late \\"ü\\""
slice t1 +0.000000001 0.060000000 task "order" {"task":17,"id":"a"}
slice t2 +0.000000002 open task "order" {"task":18,"parent":17}
instant 1/1 +0.005000000 log "cache" {"task":17,"message":"miss"}
counter c1 +0.000000001 3 "queue"
counter c1 +0.020000000 5.5 "queue"
slice 1/1 +0.075000000 0.000001000 message "postMessage"
flow-out 1/1 +0.075000000 1 flow "flow"
slice 1/2 +0.076000003 0.005000000 message "message"
flow-in 1/2 +0.076000003 1 flow "flow"
`;

let directory: ReturnType<typeof scratch>;
let trace: string;
let parquet: string;
beforeAll(async () => {
  directory = scratch();
  trace = directory.file('t.txt');
  parquet = directory.file('out/tables');
  writeFileSync(trace, TRACE);
  const { code, stderr } = await ttrace(['export', trace, '--parquet', parquet]);
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(/: 7 tables, .+ KiB in /) as string,
  });
});
afterAll(() => directory.remove());

type Row = Record<string, unknown>;

async function rows(...args: readonly string[]): Promise<Row[]> {
  const { code, stdout, stderr } = await ttrace(['query', ...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Row[];
}

/** Every table in one row of JSON, so that one process answers for all of them. */
const ALL = `SELECT ${RELATIONS.map(
  ({ name, columns }) =>
    `(SELECT to_json(list(struct_pack(${columns.map((column) => `${column.name} := ${column.name}`).join(', ')}))) FROM ${name}) AS ${name}`,
).join(', ')}`;

async function tables(...source: readonly string[]): Promise<Record<string, Row[]>> {
  const [row] = await rows(...source, ALL);
  return Object.fromEntries(
    Object.entries(row!).map(([name, text]) => [name, JSON.parse(text as string) as Row[]]),
  );
}

test('Parquet files hold what the trace says, to the nanosecond, and a query of the trace sees the same', async () => {
  expect(readdirSync(parquet).sort()).toEqual(RELATIONS.map(({ name }) => `${name}.parquet`).sort());
  const [fromFiles, fromTrace] = await Promise.all([tables('--parquet', parquet), tables(trace)]);
  expect(fromFiles).toEqual(fromTrace);
  const { slices, tasks, instants, counters, flows, threads, trace: facts } = fromFiles;
  expect(slices).toHaveLength(7);
  expect(slices![1]).toEqual({
    slice_id: 1,
    parent_id: 0,
    name: 'lock db wait',
    category: 'wait',
    start_ns: 9_999_999,
    duration_ns: 20_000_001,
    self_ns: 20_000_001,
    wall_ns: 1_700_000_000_010_000_000,
    task_id: 17,
    track: 'main',
    thread: 'main',
    tid: 1,
    pid: 1,
    process: 'shop',
    async_id: null,
    arguments: '{"task":17}',
  });
  expect(slices![0]).toMatchObject({ start_ns: 0, duration_ns: 50_000_003, self_ns: 30_000_002 });
  expect(slices![2]).toMatchObject({ name: 'late "ü"', duration_ns: null, arguments: null, task_id: null });
  expect(slices![3]).toMatchObject({ thread: null, tid: null, async_id: '0x11', category: 'task' });
  expect(tasks).toMatchObject([
    { task_id: 17, parent_id: null, name: 'order', start_ns: 0, duration_ns: 60_000_000, slice_id: 3 },
    { task_id: 18, parent_id: 17, start_ns: 1, duration_ns: null },
  ]);
  expect(instants).toMatchObject([{ name: 'cache', category: 'log', time_ns: 4_999_999, task_id: 17 }]);
  expect(counters!.map(({ time_ns, value }) => [time_ns, value])).toEqual([
    [0, 3],
    [19_999_999, 5.5],
  ]);
  expect(flows).toMatchObject([{ from_thread: 'main', to_thread: 'worker', latency_ns: 1_000_003 }]);
  const index = indexOf(readTextTrace(TRACE));
  const known = threadsTable(index).rows;
  for (const { thread, times } of known) {
    const row = threads!.find(({ tid }) => tid === thread.tid)!;
    expect([row.running_ns, row.waiting_ns]).toEqual([times.byState[0], times.byState[3]]);
  }
  expect(facts).toMatchObject([{ events: index.trace.length, clock_ns: 5_000_000_001, format: 'text' }]);
  const count = index.trace.columns.kind.filter((kind) => kind === EventKind.slice).length;
  expect(slices).toHaveLength(count);
});

test.runIf(existsSync('/proc/self'))('a directory in which none can be made is said at once', async () => {
  const running = startTtrace(['export', trace, '--parquet', '/proc/ttrace/tables']);
  // It would make directories for ever.
  const timer = setTimeout(() => running.process.kill('SIGKILL'), 30_000);
  const { code, stderr } = await running.ended;
  clearTimeout(timer);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'ttrace: cannot write into /proc/ttrace: no directory can be made in /proc\n',
  });
});

test('a file that ends in .parquet gets one table, in row groups, with the types of the schema', async () => {
  const lines = ['# ttrace text 1', 'process 1 "big"', 'track 1/1 thread "main"'];
  for (let at = 0; at < 45_000; at++) {
    lines.push(
      `slice 1/1 +${(at / 1000).toFixed(9)} 0.000000${100 + (at % 900)} region "r${at % 7}" {"task":${at + 1}}`,
    );
  }
  writeFileSync(directory.file('big.txt'), `${lines.join('\n')}\n`);
  const file = directory.file('big.parquet');
  const { code } = await ttrace(['export', directory.file('big.txt'), '--parquet', file, '-q']);
  expect(code).toBe(0);
  const bytes = readFileSync(file);
  const { row_groups, schema, num_rows } = parquetMetadata(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  );
  expect(num_rows).toBe(45_000n);
  expect(row_groups.map((group) => Number(group.num_rows))).toEqual([20_000, 20_000, 5_000]);
  expect(schema.find(({ name }) => name === 'duration_ns')).toMatchObject({
    type: 'INT64',
    repetition_type: 'OPTIONAL',
  });
  expect(schema.find(({ name }) => name === 'name')).toMatchObject({
    converted_type: 'UTF8',
    repetition_type: 'REQUIRED',
  });
  // Read back by DuckDB, from a directory of that table alone.
  const sub = scratch();
  try {
    writeFileSync(sub.file('slices.parquet'), bytes);
    const sum = 'SELECT count(*) AS n, sum(duration_ns) AS total, max(task_id) AS last FROM slices';
    const total = Array.from({ length: 45_000 }, (_, at) => 100 + (at % 900)).reduce((a, b) => a + b);
    expect(await rows('--parquet', sub.path, sum)).toEqual([{ n: 45_000, total, last: 45_000 }]);
  } finally {
    sub.remove();
  }
});

test('several traces have a column that says which one a row is of', async () => {
  const other = directory.file('other.txt');
  writeFileSync(other, TRACE.replace('"job"', '"other job"'));
  const found = await rows(
    trace,
    other,
    "SELECT file, name FROM regions WHERE name LIKE '%job' ORDER BY ALL",
  );
  expect(found).toEqual([
    { file: other, name: 'other job' },
    { file: trace, name: 'job' },
  ]);
});

test('results come as a table, CSV and Markdown', async () => {
  const sql =
    "SELECT name, duration_ns, '=1' AS formula FROM slices WHERE parent_id IS NULL ORDER BY slice_id LIMIT 3";
  const forms = ['--top=2', '--csv', '--md'];
  const [table, csv, markdown] = await Promise.all(forms.map((form) => ttrace(['query', trace, sql, form])));
  expect(table!.stdout.split('\n')).toEqual([
    'name      duration_ns  formula',
    'job          50000003  =1',
    'late "ü"               =1',
    '… and 1 more: --top 3',
    '',
  ]);
  expect(csv!.stdout).toBe(
    'name,duration_ns,formula\njob,50000003,\'=1\n"late ""ü""",,\'=1\norder,60000000,\'=1\n',
  );
  expect(markdown!.stdout.split('\n')[1]).toBe('| --- | ---: | --- |');
});

test('numbers that JSON cannot hold are text, and no form changes a digit', async () => {
  const sql = `SELECT 12345678901234567.89::DECIMAL(30, 2) AS wide, -0.10::DECIMAL(4, 2) AS small, -9223372036854775807 AS least,
    'Infinity'::DOUBLE AS endless`;
  const json = await ttrace(['query', trace, sql, '--json']);
  const csv = await ttrace(['query', trace, sql, '--csv']);
  expect(JSON.parse(json.stdout)).toEqual([
    { wide: '12345678901234567.89', small: -0.1, least: '-9223372036854775807', endless: 'Infinity' },
  ]);
  expect(csv.stdout.split('\n')[1]).toBe('12345678901234567.89,-0.1,-9223372036854775807,Infinity');
});

test('without SQL the tables are listed, with examples that run', async () => {
  const { code, stdout } = await ttrace(['query', trace]);
  expect(code).toBe(0);
  for (const { name } of RELATIONS) expect(stdout).toMatch(new RegExp(`^${name}: `, 'm'));
  const examples = stdout.split('\n').filter((line) => line.startsWith('  SELECT'));
  expect(examples).toHaveLength(3);
  const joined = await ttrace(['query', trace, `${examples.join(';')};`, '--csv']);
  expect(joined).toMatchObject({ code: 0, stderr: '' });
  expect(joined.stdout).toBe('from_thread,to_thread,n,mean_us,max_us\nmain,worker,1,1000.003,1000.003\n');
});

describe('mistakes end in one line', () => {
  test('of SQL with the place', async () => {
    const { code, stdout, stderr } = await ttrace(['query', trace, 'SELECT name,\n  foo FROM slices']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^ttrace: Binder Error: .*"foo" not found.* \(line 2, column 3\)\n$/);
  });

  test('SQL reaches no file, whatever it tries', async () => {
    const target = directory.file('stolen.csv');
    const tries = [
      `COPY slices TO '${target}'`,
      `SELECT * FROM read_csv('${trace}')`,
      'SET enable_external_access = true',
      `ATTACH '${target}'`,
    ];
    for (const { code, stderr } of await Promise.all(tries.map((sql) => ttrace(['query', trace, sql])))) {
      expect(code).toBe(1);
      expect(stderr).toMatch(/disabled by configuration|has been locked/);
    }
    expect(existsSync(target)).toBe(false);
  });

  test('of the command line', async () => {
    for (const [args, complaint, code] of [
      [['query', directory.file('none.json')], 'no such file', 1],
      [['query', 'SELECT * FROM slices'], 'query takes a trace and SQL', 2],
      [['query', trace, '; ;'], 'there is no statement in this SQL', 1],
      [['query', '--parquet', directory.path, 'SELECT * FROM slices'], 'no Parquet files of ttrace', 1],
      [['export', trace], 'where to? --otlp', 2],
      [['export', trace, '--parquet', directory.path, '--from', '1s'], '--from goes with --otlp', 2],
      [
        ['export', trace, '--parquet', directory.file('x.parquet'), '--table', 'spans'],
        'there is no table spans',
        2,
      ],
      [['export', trace, '--parquet', trace], 'is a file: name a directory', 2],
    ] as const) {
      const outcome = await ttrace(args);
      expect(outcome).toMatchObject({ code, stdout: '' });
      expect(outcome.stderr).toContain(complaint);
    }
  });
});
