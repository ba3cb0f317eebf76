/** Words of shared memory as locks of their own: in the tables, in profiles and among the findings. */
import { expect, test } from 'vitest';
import { diffTable } from './diff-table.ts';
import { findingsOf } from './findings.ts';
import { eachWaitTable, locksTable } from './locks-table.ts';
import { profileOf } from './profiles.ts';
import { summarize } from './summary.ts';
import { indexOf, type TraceIndex } from './trace-index.ts';
import { traceOf } from './trace-test-kit.ts';

const MILLI = 1e6;
/** Seconds as the text form has them. */
const s = (millis: number): string => (millis / 1e3).toFixed(9);
const LOCK = [
  'lock (/srv/lock.js:12:5)',
  'update (/srv/stock.js:30:3)',
  'emit (node:events:517:28)',
  'run (native)',
];
const JOB = ['nextJob (/srv/pool.js:7:9)'];
const word = (at: number): Record<string, number> => ({ index: at, byte: at * 4, of: 64 });
const wait = (tid: number, at: number, length: number, args: object): string =>
  `slice 1/${tid} +${s(at)} ${s(length)} wait "Atomics.wait" ${JSON.stringify(args)}`;
const notify = (tid: number, at: number, args: object): string =>
  `instant 1/${tid} +${s(at)} wait "Atomics.notify" ${JSON.stringify(args)}`;
const indexWith = (lines: readonly string[]): TraceIndex =>
  indexOf(
    traceOf(
      [
        'process 1 "shop"',
        'track 1/1 thread "main"',
        ...[2, 3, 4].map((tid) => `track 1/${tid} thread "worker ${tid}"`),
        ...lines,
      ].join('\n'),
    ),
  );

test('each word is a lock of its own, by index and by where it is waited for; short waits have the only place of their word', () => {
  const index = indexWith([
    wait(2, 10, 5, { ...word(0), result: 'ok', stack: LOCK }),
    wait(2, 20, 0.2, { ...word(0), result: 'ok' }),
    wait(3, 10, 50, { ...word(8), result: 'ok', stack: JOB }),
    wait(3, 70, 2, { ...word(8), result: 'timed-out', stack: LOCK }),
    wait(3, 80, 0.1, { ...word(8), result: 'ok' }),
    // Of older recordings, and one without an end.
    wait(4, 90, 3, { index: 8, result: 'ok' }),
    `slice 1/4 +${s(95)} open wait "Atomics.wait"`,
  ]);
  const table = locksTable(index);
  expect(table.rows.map(({ name, waits, unfinished }) => [name, waits.length, unfinished])).toEqual([
    ['Atomics.wait [8] nextJob pool.js:7', 1, 0],
    ['Atomics.wait [0] lock lock.js:12', 2, 0],
    ['Atomics.wait [8]', 2, 0],
    ['Atomics.wait [8] lock lock.js:12', 1, 0],
    ['Atomics.wait', 0, 1],
  ]);
  expect(summarize(index.trace).waits.map(({ name, count }) => [name, count])).toEqual(
    table.rows.map(({ name, waits, unfinished }) => [name, waits.length + unfinished]),
  );
  // Who has a word nobody knows.
  const held = table.columns.find(({ id }) => id === 'heldNanos');
  expect(table.rows.map((row) => held?.of(row))).toEqual(table.rows.map(() => undefined));
  const count = (name: string): number => eachWaitTable(index, { name }).rows.length;
  expect(
    ['Atomics.wait', 'Atomics.wait [8]', 'Atomics.wait [0]', 'Atomics.wait [8] nextJob pool.js:7'].map(count),
  ).toEqual([7, 4, 2, 1]);
});

test('the stack of a wait stands between the regions around it and the wait', () => {
  const index = indexWith([
    `slice 1/2 +${s(5)} ${s(40)} region "order"`,
    wait(2, 10, 5, { ...word(0), result: 'ok', stack: LOCK }),
    wait(2, 20, 0.5, { ...word(0), result: 'ok' }),
    wait(3, 30, 2, { index: 3 }),
  ]);
  const { frames, samples } = profileOf(index, 'mutex');
  const folded = samples.map(({ stack, values }) => [
    stack.map((at) => `${frames[at]!.name}:${frames[at]!.line}`).reverse(),
    values[1],
  ]);
  expect(folded).toEqual([
    [['order:0', 'run:0', 'emit:517', 'update:30', 'lock:12', 'Atomics.wait:0'], 5 * MILLI],
    [['Atomics.wait:0'], 2 * MILLI],
    [['order:0', 'lock:12', 'Atomics.wait:0'], 0.5 * MILLI],
  ]);
});

const found = (index: TraceIndex): string[] =>
  findingsOf(index)
    .filter(({ rule }) => rule === 'lock-convoy')
    .map(({ sentence }) => sentence);

/** Turns of 10 ms: who has it lets the next one go on, which has waited since its own last turn. Two waits had begun before the recording. */
const turns = [...Array(30).keys()].flatMap((turn) => {
  const [holder, next] = [2 + (turn % 3), 2 + ((turn + 1) % 3)];
  const at = turn * 10;
  return [
    `slice 1/${holder} +${s(at + 0.1)} ${s(9.8)} region "update"`,
    notify(holder, at + 9.95, { ...word(0), woken: 1 }),
    ...(turn < 2 ? [] : [wait(next, at - 9.9, 19.95, { ...word(0), result: 'ok', stack: LOCK })]),
  ];
});

test('a word is contended if those that wait for it let each other go on', () => {
  expect(found(indexWith(turns))).toEqual([
    'Atomics.wait [0] lock lock.js:12 is contended: 3 threads that take turns wait for it for 65.0 % of the time that they are not idle: ' +
      '559 ms in 28 waits, 2 at once; mostly worker 4 lets worker 2 go on.',
  ]);
  const [finding] = findingsOf(indexWith(turns)).filter(({ rule }) => rule === 'lock-convoy');
  expect(finding?.worst).toMatchObject({ function: 'lock', location: '/srv/lock.js:12' });
});

test('workers that wait for jobs are not contending, nor are threads that meet, or whose waits are few beside their work', () => {
  const jobs = [...Array(30).keys()].flatMap((job) => [
    notify(1, job * 10 + 9.95, { ...word(8), woken: 1 }),
    wait(2 + (job % 3), Math.max(0, job * 10 - 15), 25, { ...word(8), result: 'ok', stack: JOB }),
  ]);
  expect(locksTable(indexWith(jobs)).rows[0]?.handovers.map(({ from }) => from)).toEqual([
    'main',
    'main',
    'main',
  ]);
  expect(found(indexWith(jobs))).toEqual([]);
  const barrier = [...Array(30).keys()].flatMap((round) => {
    const at = round * 10;
    const last = 2 + (round % 3);
    const others = [2, 3, 4].filter((tid) => tid !== last);
    return [
      notify(last, at + 9, { ...word(4), woken: 2 }),
      ...others.map((tid) => wait(tid, at + 3, 6.1, { ...word(4), result: 'ok', stack: LOCK })),
    ];
  });
  expect(locksTable(indexWith(barrier)).rows[0]?.handovers).toHaveLength(6);
  expect(found(indexWith(barrier))).toEqual([]);
  const work = [2, 3, 4].map((tid) => `slice 1/${tid} +${s(300)} ${s(1000)} region "work"`);
  expect(found(indexWith([...turns, ...work]))).toEqual([]);
});

test('a word is the same one in another version of the program, whatever line it is waited for at', () => {
  const version = (line: number, after: number): TraceIndex =>
    indexWith([
      wait(2, 10, 5 + after, { ...word(0), result: 'ok', stack: [`lock (/srv/lock.js:${line}:5)`] }),
      wait(3, 10, 6, { ...word(0), result: 'ok', stack: [`lock (/srv/lock.js:${line + 1}:5)`] }),
    ]);
  const { rows } = diffTable(version(12, 0), version(20, 1));
  expect(
    rows.map(({ kind, name, before, after }) => [kind, name, before?.count, after?.count]),
  ).toContainEqual(['wait', 'Atomics.wait [0] lock lock.js', 2, 2]);
});
