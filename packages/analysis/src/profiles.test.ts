/** Profiles over traces written as text: what counts, on which stack, and that it adds up to what the tables say. */
import { readTextTrace, TEXT_MAGIC, type Trace } from '@ttrace/format';
import { expect, test } from 'vitest';
import { blockersTable } from './blockers-table.ts';
import type { Filter } from './filter.ts';
import { eachWaitTable } from './locks-table.ts';
import { eachMessageTable } from './messages-table.ts';
import type { Profile, ProfileType } from './profile.ts';
import { foldedLines, functionsTable } from './profile-table.ts';
import { type ProfileOptions, profileOf } from './profiles.ts';
import type { Table } from './table.ts';
import { THREAD_STATES } from './thread-states.ts';
import { threadsTable } from './threads-table.ts';
import { indexOf } from './trace-index.ts';

function traceOf(text: string): Trace {
  const trace = readTextTrace(`${TEXT_MAGIC}\n${text}`);
  expect(trace.error?.message).toBeUndefined();
  return trace;
}

const MICRO = 1e3;

/** Two threads, times in whole microseconds. */
const PROGRAM = `origin 5000000000
clock 4000000000 1700000000000
process 1 "shop"
track 1/1 thread "main"
track 1/2 thread "worker 1"
track l1 async 1 loop "0x1" "main event loop"
track l2 async 1 loop "0x2" "worker 1 event loop"
track s1 async 1 sample "0x1" "main samples"
track t1 async 1 task "0x1" "order"
track w1 async 1 wait "0x2" "pool acquire"
track r1 async 1 region "0x3" "load"
slice t1 +0.000000000 0.000100000 task "order" {"task":7}
slice 1/1 +0.000010000 0.000050000 region "job" {"task":7}
slice 1/1 +0.000020000 0.000030000 region "step" {"task":7}
slice 1/1 +0.000025000 0.000010000 wait "lock db wait" {"task":7}
slice 1/1 +0.000026000 0.000004000 wait "Atomics.wait" {"task":7}
slice 1/2 +0.000005000 0.000040000 region "job"
slice 1/2 +0.000010000 0.000020000 region "job"
slice 1/2 +0.000040000 0.000010000 wait "lock db wait"
slice w1 +0.000000000 0.000030000 wait "pool acquire" {"task":7}
slice r1 +0.000010000 0.000010000 region "load" {"task":7}
slice r1 +0.000015000 0.000010000 region "load" {"task":7}
slice l1 +0.000010000 0.000030000 loop "hash a.js:3" {"blocked":true,"location":"/srv/a.js:3","region":"step","stack":["hash (/srv/a.js:3:5)","login (/srv/b.js:9:1)"]}
instant l1 +0.000022000 loop "sort a.js:8" {"stack":["sort (native)","login (/srv/b.js:10:1)"]}
instant l1 +0.000030000 loop "hash a.js:3" {"stack":["hash (/srv/a.js:3:9)","login (/srv/b.js:9:1)"]}
slice l1 +0.000060000 0.000010000 loop "blocked" {"blocked":true}
slice l2 +0.000060000 0.000005000 loop "turn"
slice l2 +0.000070000 0.000020000 loop "hash a.js:3" {"blocked":true,"location":"/srv/a.js:3","stack":["hash (/srv/a.js:3:5)","login (/srv/b.js:9:1)"]}
slice s1 +0.000010000 0.000030000 sample "main" {"task":7,"location":"/srv/m.js:1","region":"job"}
slice s1 +0.000015000 0.000010000 sample "parse" {"location":"/srv/p.js:2"}
slice 1/1 +0.000070000 0.000005000 region "tell"
slice 1/1 +0.000072000 0.000001000 message "postMessage"
flow-out 1/1 +0.000072000 1 flow "flow"
slice 1/2 +0.000080000 0.000005000 message "message"
flow-in 1/2 +0.000080000 1 flow "flow"
slice 1/2 +0.000090000 0.000001000 message "postMessage"
flow-out 1/2 +0.000090000 2 flow "flow"
slice 1/1 +0.000076000 0.000001000 flow "lock db unlock"
flow-out 1/1 +0.000076000 3 flow "flow"
slice 1/2 +0.000095000 0.000001000 flow "lock db wait over"
flow-in 1/2 +0.000095000 3 flow "flow"
`;

const trace = traceOf(PROGRAM);

function folded(type: ProfileType, options?: ProfileOptions): Record<string, number> {
  return Object.fromEntries(
    foldedLines(profileOf(indexOf(trace), type, options)).map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1)) / MICRO];
    }),
  );
}

test('a block is divided among the stacks that were seen in it, by the time between them', () => {
  expect(folded('block')).toEqual({
    'login b.js:9;hash a.js:3': 12 + 10 + 20,
    'login b.js:10;sort': 8,
    blocked: 10,
  });
});

/** Filters that let through some of each and all of it. */
const FILTERS: readonly Filter[] = [
  {},
  { thread: 'main' },
  { from: 27 * MICRO, to: 42 * MICRO },
  { task: 'order' },
  { min: 9 * MICRO },
  { text: 'o' },
];

/** What the columns of a table say in sum. */
function sumOf(table: Table<unknown>, id: string): number {
  const column = table.columns.find((each) => each.id === id);
  return table.rows.reduce<number>((sum, row) => sum + Number(column?.of(row) ?? 0), 0);
}

test.each(FILTERS)(
  'profiles are in count and time the sum of what the tables say, filtered by %j',
  (filter) => {
    const index = indexOf(trace);
    const sums = (type: ProfileType) => {
      const { count, nanos, samples } = profileOf(index, type, { filter });
      expect(samples.reduce((sum, { values }) => sum + values[1], 0)).toBe(nanos);
      return { count, nanos };
    };
    const blockers = blockersTable(index, filter);
    expect(sums('block')).toEqual({ count: sumOf(blockers, 'count'), nanos: sumOf(blockers, 'totalNanos') });
    const messages = eachMessageTable(index, filter);
    const latency = messages.columns.find(({ id }) => id === 'latencyNanos');
    const received = messages.rows.filter((message) => latency?.of(message) !== undefined);
    expect(sums('message')).toEqual({ count: received.length, nanos: sumOf(messages, 'latencyNanos') });
    const waits = eachWaitTable(index, filter);
    // One wait of the program lies in another, which is not counted twice.
    const isInner = waits.rows.some((row) => index.nameOf(row) === 'Atomics.wait');
    const isOuter = waits.rows.some((row) => index.endOf(row) === index.start + 35 * MICRO);
    const nanos = sumOf(waits, 'durationNanos') - (isInner && isOuter ? 4 * MICRO : 0);
    expect(sums('mutex')).toEqual({ count: waits.rows.length, nanos });
  },
);

test('a name means what it does to the table of locks, with or without ` wait`', () => {
  expect(folded('mutex', { filter: { name: 'lock db' } })).toEqual(
    folded('mutex', { filter: { name: 'lock db wait' } }),
  );
});

test('a wait stands in the regions around it, an asynchronous one in its task', () => {
  expect(folded('mutex')).toEqual({
    'job;step;lock db wait': 6,
    'job;step;lock db wait;Atomics.wait': 4,
    'job;lock db wait': 10,
    'order;pool acquire': 30,
  });
});

test.each([{}, { thread: 'main' }])(
  'waits on threads are in sum the waiting time of the threads table, filtered by %j',
  (filter) => {
    const waiting = THREAD_STATES.indexOf('waiting');
    const table = threadsTable(indexOf(trace), filter).rows;
    const { samples } = profileOf(indexOf(trace), 'mutex', { filter });
    const onThreads = samples.filter(({ labels }) => labels.thread !== '');
    expect(onThreads.reduce((sum, { values }) => sum + values[1], 0)).toBe(
      table.reduce((sum, { times }) => sum + times.byState[waiting]!, 0),
    );
  },
);

test('a message counts from its sending to its receiving, on the regions of the sender; arrows of locks are none', () => {
  expect(folded('message')).toEqual({ 'tell;postMessage;main → worker 1': 8 });
  expect(folded('message', { filter: { min: 8 * MICRO } })).not.toEqual({});
  expect(folded('message', { filter: { max: 8 * MICRO } })).toEqual({});
  expect(folded('message', { filter: { thread: 'worker 1' } })).not.toEqual({});
  expect(folded('message', { filter: { thread: 'worker 2' } })).toEqual({});
});

test('CPU time counts for the innermost function, each moment once', () => {
  expect(folded('cpu')).toEqual({ 'main m.js:1': 20, 'main m.js:1;parse p.js:2': 10 });
  expect(folded('cpu', { filter: { name: 'parse' } })).toEqual({ 'main m.js:1;parse p.js:2': 10 });
  expect(folded('cpu', { filter: { task: 'order' } })).toEqual(folded('cpu'));
  expect(folded('cpu', { filter: { task: '#8' } })).toEqual({});
});

test('within regions of a name only the time inside counts, of nested ones once', () => {
  // On worker 1 the regions `job` lie in each other, from 5 to 45; its wait lasts from 40 to 50.
  expect(folded('mutex', { region: 'job', filter: { thread: 'worker 1' } })).toEqual({
    'job;lock db wait': 5,
  });
  expect(folded('block', { region: 'step' })).toEqual({
    'login b.js:9;hash a.js:3': 2 + 10,
    'login b.js:10;sort': 8,
  });
  expect(folded('cpu', { region: 'step' })).toEqual({ 'main m.js:1': 15, 'main m.js:1;parse p.js:2': 5 });
  expect(folded('block', { region: 'nowhere' })).toEqual({});
});

test('a region of an asynchronous function takes in what belongs to its task, overlaps once', () => {
  // `load` is open from 10 to 20 and from 15 to 25.
  expect(folded('mutex', { region: 'load' })).toEqual({ 'order;pool acquire': 15 });
});

test('CPU time is cut at the ends of the stretch', () => {
  const filter = { from: 20 * MICRO, to: 35 * MICRO };
  expect(folded('cpu', { filter })).toEqual({ 'main m.js:1': 10, 'main m.js:1;parse p.js:2': 5 });
  expect(profileOf(indexOf(trace), 'cpu', { filter })).toMatchObject({
    nanos: 15 * MICRO,
    durationNanos: 15 * MICRO,
    timeNanos: 1_700_000_000_000_000_000n + 1_000_000_000n + 20_000n,
  });
});

test('samples carry the names of thread, task and region', () => {
  const labels = (type: ProfileType): Profile['samples'][number]['labels'][] =>
    profileOf(indexOf(trace), type).samples.map((sample) => sample.labels);
  expect(labels('mutex')).toContainEqual({ thread: 'main', task: 'order', region: 'step' });
  expect(labels('mutex')).toContainEqual({ thread: '', task: 'order', region: '' });
  expect(labels('block')).toContainEqual({ thread: 'main', task: '', region: 'step' });
  expect(labels('cpu')).toContainEqual({ thread: 'main', task: 'order', region: 'job' });
});

test.each(['block', 'mutex', 'message', 'cpu'] as const)(
  'the self times of the functions table add up to the total of a %s profile',
  (type) => {
    const profile = profileOf(indexOf(trace), type);
    const rows = functionsTable(profile).rows;
    expect(profile.nanos).toBeGreaterThan(0);
    expect(rows.reduce((sum, { selfNanos }) => sum + selfNanos, 0)).toBe(profile.nanos);
    expect(Math.max(...rows.map(({ totalNanos }) => totalNanos))).toBeLessThanOrEqual(profile.nanos);
  },
);

test('a trace without any of it gives empty profiles', () => {
  const empty = indexOf(traceOf('process 1 "shop"\n'));
  for (const type of ['block', 'mutex', 'message', 'cpu'] as const) {
    expect(profileOf(empty, type)).toMatchObject({ samples: [], count: 0, nanos: 0 });
  }
});
