/** Each rule: the trace that breaks it, and that a quiet trace breaks none. */
import { expect, test } from 'vitest';
import { blockersTable, eachBlockTable } from './blockers-table.ts';
import { findingsOf, RULES } from './findings.ts';
import { markdownReport, REPORT_CHARACTERS } from './markdown-report.ts';
import { indexOf } from './trace-index.ts';
import { traceOf } from './trace-test-kit.ts';

/** Seconds as the text form has them. */
const s = (millis: number): string => (millis / 1e3).toFixed(9);
const HEAD = `process 1 "shop"
track 1/1 thread "main"
track 1/2 thread "worker 2"
track m async 1 loop "0x1" "main event loop"
track w async 1 loop "0x2" "worker 2 event loop"
slice 1/1 +0.000000000 ${s(1)} region "start"
slice 1/1 +${s(3000)} ${s(1)} region "end"`;

const block = (at: number, length: number, name: string, args: object): string =>
  `slice m +${s(at)} ${s(length)} loop "${name}" ${JSON.stringify({ blocked: true, ...args })}`;
const many = (count: number, line: (at: number) => string): string[] =>
  Array.from({ length: count }, (_, at) => line(at));
const tasks = (lengths: readonly (number | 'open')[], name = 'order'): string[] =>
  lengths.flatMap((length, at) => [
    `track t${at} async 1 task "0x${(at + 1).toString(16)}" "${name}"`,
    `slice t${at} +${s(at)} ${length === 'open' ? 'open' : s(length)} task "${name}" {"task":${at + 1}}`,
  ]);

function found(lines: readonly string[]): string[] {
  return findingsOf(indexOf(traceOf([HEAD, ...lines].join('\n')))).map(
    ({ severity, rule, sentence }) => `${severity} ${rule}: ${sentence}`,
  );
}

test('a quiet trace has nothing wrong with it', () => {
  expect(found([...tasks([5, 6, 7]), `slice m +${s(10)} ${s(3)} loop "turn"`])).toEqual([]);
});

test('a trace without any event loop is not called sound: lint and blockers say what they cannot find', () => {
  const index = indexOf(
    traceOf('process 1 "shop"\ntrack 1/1 thread "main"\nslice 1/1 +0.000000000 0.300000000 node "RunTimers"'),
  );
  const [finding, ...more] = findingsOf(index);
  expect(more).toEqual([]);
  expect(finding).toMatchObject({ rule: 'unrecorded-loop', severity: 'low' });
  expect(finding!.sentence).toMatch(
    /^No event loop was recorded: functions that blocked one, .* cannot be found/,
  );
  for (const { rows, note } of [blockersTable(index), eachBlockTable(index)]) {
    expect(rows).toEqual([]);
    expect(note).toMatch(
      /^No event loop was recorded: whether anything blocked one this trace cannot tell\./,
    );
  }
  expect(markdownReport(index, 'trace.json', 1)).toContain('No event loop was recorded');
  const recorded = indexOf(traceOf(HEAD));
  expect(blockersTable(recorded).note).toBeUndefined();
});

test('a blocked loop is named by its function and place, with what was running', () => {
  const args = { location: 'auth.js:12', stack: ['hash (auth.js:12:3)'], task: 1 };
  expect(
    found([
      ...tasks([300]),
      block(50, 120, 'hash auth.js:12', args),
      block(300, 30, 'hash auth.js:12', args),
    ]),
  ).toEqual([
    'high blocked-loop: hash auth.js:12 (auth.js:12) blocked the event loop of main for 120 ms during order, 2 times and 150 ms in all.',
  ]);
  expect(found([block(50, 30, 'blocked', {})])).toEqual([
    'low blocked-loop: Something that no stack was seen of blocked the event loop of main for 30.0 ms.',
  ]);
});

test('an error that nothing caught is found, whatever it cost', () => {
  const error = (at: number): string =>
    `instant 1/2 +${s(at)} error "TypeError: odd" ${JSON.stringify({ task: 1, origin: 'uncaughtException', stack: ['pay (a.js:4:2)'] })}`;
  expect(found([...tasks([9]), error(4), error(6)])).toEqual([
    'high uncaught-error: Nothing caught TypeError: odd on worker 2 during order, at pay (a.js:4:2), 2 times in all.',
  ]);
});

test('a worker that computes is not told to move to a worker, and fails no build', () => {
  expect(found([`slice w +${s(50)} ${s(500)} loop "render" {"blocked":true}`])).toEqual([
    'medium blocked-loop: render blocked the event loop of worker 2 for 500 ms.',
  ]);
  const [finding] = findingsOf(
    indexOf(traceOf(`${HEAD}\nslice w +${s(50)} ${s(500)} loop "render" {"blocked":true}`)),
  );
  expect(finding!.advice).not.toMatch(/Move it to a worker/);
});

test('blocks in which only Node.js itself was seen are one finding, of which nobody need move anything', () => {
  const node = (at: number, name: string): string =>
    block(at, 40, name, { stack: [`${name} (node:internal/modules/cjs/loader:1554:14)`] });
  expect(found([node(50, 'Module._compile'), node(100, 'open'), node(150, 'normalizeString')])).toEqual([
    'low blocked-loop: Code of Node.js itself, with none of the program’s around it (Module._compile, normalizeString, open), was seen in 3 blocks of 120 ms in all, up to 40.0 ms on main.',
  ]);
});

test('the link of a finding about blocks leads to exactly its cases, those of Node.js itself too', () => {
  const node = (at: number, name: string): string =>
    block(at, 40, name, { stack: [`${name} (node:internal/modules/cjs/loader:1554:14)`] });
  const own = block(300, 50, 'hash auth.js:12', { location: 'auth.js:12', stack: ['hash (auth.js:12:3)'] });
  const lines = [HEAD, node(50, 'Module._compile'), node(100, 'open'), own, block(400, 30, 'blocked', {})];
  const index = indexOf(traceOf(lines.join('\n')));
  const findings = findingsOf(index);
  expect(findings.map(({ count }) => count).sort()).toEqual([1, 1, 2]);
  for (const { link, count } of findings) {
    expect(link?.page).toBe('blockers/each');
    expect(eachBlockTable(index, link!.filter).rows).toHaveLength(count);
  }
});

test('tasks that always take long, though nothing of them is recorded, are found', () => {
  const some = [90, 95, 100, 105, 110, 115, 100, 90, 95, 100];
  const rules = found(tasks(some)).filter((each) => each.includes('mostly-waiting'));
  expect(rules).toEqual([
    'medium mostly-waiting: Half of the 10 tasks order take 100 ms and more, and such a one spends 100.0 % of that on nothing that is recorded: no code, lock or message of it.',
  ]);
  const even = [100.2, 101, 100.1, 100.4, 100.2, 100.3, 101.2, 100.1, 100.2, 104];
  expect(found(tasks(even)).filter((each) => each.includes('mostly-waiting'))).toEqual([
    'medium mostly-waiting: Half of the 10 tasks order take 100 ms and more, and such a one spends 100.0 % of that on nothing that is recorded: no code, lock or message of it, and always for 100 ms, as with a timer.',
  ]);
  // Waits of any length, of which the longest are alike.
  const steps = [4, 12, 24, 39.5, 56, 72, 76, 84].flatMap((millis) =>
    even.map((_, i) => `slice 1/1 +${s(i + millis + i / 50)} ${s(0.01)} region "step" {"task":${i + 1}}`),
  );
  const any = found([...tasks(even.map(() => 100)), ...steps]).filter((each) =>
    each.includes('mostly-waiting'),
  );
  expect(any).toEqual([expect.stringMatching(/nothing that is recorded: no code, lock or message of it\.$/)]);
  const busy = some.map((_, i) => `slice 1/1 +${s(i + 1)} ${s(60)} region "work" {"task":${i + 1}}`);
  expect(found([...tasks(some), ...busy]).filter((each) => each.includes('mostly-waiting'))).toEqual([]);
});

test('tasks that wait for one thing elsewhere are found with its name, and with how often they ask', () => {
  const asking = (times: number): string[] => [
    ...tasks([600, 600, 600]),
    ...[0, 1, 2].flatMap((at) =>
      many(times, (n) => {
        const [begin, length] = [at + (n * 600) / times, 590 / times];
        return `track d${at}-${n} async 1 socket "0x${at}${n}" "socket"\nslice d${at}-${n} +${s(begin)} ${s(length)} socket "socket db:5432" {"task":${at + 1}}`;
      }),
    ),
  ];
  const rules = (times: number): string[] =>
    found(asking(times)).filter((each) => each.includes('mostly-waiting'));
  const slow = 'medium mostly-waiting: Half of the 3 tasks order take 600 ms and more, and such a one spends';
  expect(rules(1)).toEqual([`${slow} 98.3 % of that waiting for socket db:5432.`]);
  expect(rules(5)).toEqual([`${slow} 98.3 % of that waiting for socket db:5432, 5 times one after another.`]);
});

test('promises that never let go are told from one function that runs long', () => {
  const end = 'process.processTicksAndRejections (node:internal/process/task_queues:95:5)';
  const first = block(50, 120, 'read a.js:1', { stack: ['read (a.js:1:3)', end] });
  const later = (frame: string): string =>
    `instant m +${s(90)} loop "x" ${JSON.stringify({ stack: [frame, end] })}`;
  expect(
    found([first, later('parse (a.js:9:1)')]).some((each) => each.includes('microtask-starvation')),
  ).toBe(true);
  expect(found([first, later('read (a.js:2:7)')]).some((each) => each.includes('microtask-starvation'))).toBe(
    false,
  );
});

test('promises that are known to run one after another are found whatever stacks there are, and named once', () => {
  const work = { location: 'a.js:3', stack: ['work (a.js:3:1)', 'drain (a.js:9:1)'] };
  const later = (jobs: number): string =>
    `instant m +${s(150)} loop "work a.js:4" ${JSON.stringify({ jobs, stack: ['work (a.js:4:1)', 'drain (a.js:9:1)'] })}`;
  expect(found([block(50, 120, 'work a.js:3', work), later(2)])).toEqual([
    'high microtask-starvation: Promises in work (a.js:3) kept the event loop of main for 120 ms without a turn of anything else.',
  ]);
  // One may have been the code that the promise belongs to.
  expect(found([block(50, 120, 'work a.js:3', work), later(1)]).join()).not.toContain('microtask-starvation');
});

test('a synchronous call inside a task names what to call instead', () => {
  const stack = ['readFileSync (node:fs:441:20)', 'load (a.js:3:1)'];
  const trace = traceOf(
    [HEAD, ...tasks([300]), block(50, 40, 'load a.js:3 → readFileSync', { stack, task: 1 })].join('\n'),
  );
  const finding = findingsOf(indexOf(trace)).find(({ rule }) => rule === 'sync-in-task');
  expect(finding?.sentence).toBe('readFileSync stopped main for 40.0 ms during order.');
  expect(finding?.advice).toContain('Call fs.promises.readFile instead');
});

test('synchronous calls of one line are one finding, named as the program calls them', () => {
  const sync = (at: number, inner: readonly string[]): string =>
    block(at, 40, 'save a.js:3', { location: 'a.js:3', task: 1, stack: [...inner, 'save (a.js:3:1)'] });
  expect(
    found([
      ...tasks([300]),
      sync(50, ['writeSync (node:fs:933:3)', 'writeFileSync (node:fs:2399:26)']),
      sync(100, ['writeFileSync (node:fs:2396:21)']),
      sync(150, ['closeSync (node:fs:524:19)', 'readFileSync (node:fs:487:8)', 'Array.map (native)']),
      // No call of the program.
      block(200, 40, 'load a.js:8', {
        location: 'a.js:8',
        task: 1,
        stack: [
          'readFileSync (node:fs:4:2)',
          'require (node:internal/modules/helpers:1:2)',
          'load (a.js:8:1)',
        ],
      }),
    ]),
  ).toEqual([
    'high sync-in-task: writeFileSync and readFileSync in save (a.js:3) stopped main for 40.0 ms during order, 3 times and 120 ms in all.',
    'medium blocked-loop: load a.js:8 (a.js:8) blocked the event loop of main for 40.0 ms during order.',
  ]);
});

test('a tail far slower than the rest says what its slowest task spent its time on', () => {
  const slow = tasks([...many(30, () => '').map(() => 5), 400]);
  const wait = `slice 1/1 +${s(40)} ${s(300)} wait "lock stock wait" {"task":31}`;
  expect(found([...slow, wait])).toContain(
    'high slow-tail: The slowest tasks order take far longer than the rest: p99 400 ms, p50 5.00 ms. The slowest one (400 ms) spent 75.0 % of that on one step: lock stock wait on main.',
  );
});

test('tasks and regions that never end, and names without bound', () => {
  expect(found(tasks(['open', 'open', 4]))).toEqual([
    'medium unended-task: 2 tasks order never ended; the oldest is open for 3.00 s.',
  ]);
  const mark = `instant 1/1 +${s(3000)} ttrace "flight trigger" {"trigger":"task>1s","what":"order","duration_ms":2999}`;
  expect(found([...tasks(['open', 4]), mark])).toEqual([
    'medium unended-task: 1 task order had not ended when the flight recorder wrote this; the oldest is open for 3.00 s.',
  ]);
  expect(found([`track r async 1 region "0x9" "load"`, `slice r +${s(2)} open region "load"`])).toEqual([
    'low open-region: 1 region load never ended; the oldest is open for 3.00 s.',
  ]);
  const names = many(1001, (at) => `slice 1/1 +${s(10 + at)} ${s(0.5)} region "user ${at}"`);
  expect(found(names)).toEqual([
    'low unbounded-names: There are 1,003 names of regions, such as "user 1000".',
  ]);
});

test('workers without work, and only those', () => {
  const life = [`slice w +${s(0)} ${s(2)} loop "turn"`, `slice w +${s(2900)} ${s(2)} loop "turn"`];
  expect(found(life)).toEqual([
    'low idle-worker: 1 worker had next to nothing to do: worker 2 was idle for 99.9 % of its 2.90 s.',
  ]);
  expect(found([...life, `slice w +${s(100)} ${s(1000)} loop "turn"`])).toEqual([]);
});

test('a second that goes into garbage, and memory that is taken in bursts', () => {
  const collections = many(60, (at) => `slice 1/1 +${s(100 + at * 10)} ${s(4)} gc "GC minor"`);
  expect(found(collections)).toEqual([
    'medium gc-window: Garbage collection took 24.0 % of 1.00 s on main; 60 collections, 240 ms in all.',
  ]);
});

test('memory that grows by much within a second is a burst, what is collected at once is none', () => {
  const counters = `track h counter 1 "" "main heap used"\ntrack x counter 1 "" "main external"`;
  const reading = (at: number, heap: number, external: number): string =>
    `counter h +${s(at)} ${heap * 2 ** 20} "main heap used"\ncounter x +${s(at + 0.01)} ${external * 2 ** 20} "main external"`;
  const quiet = many(8, (at) => reading(250 * at, at % 2 === 0 ? 10 : 90, 2));
  expect(found([counters, ...quiet])).toEqual([]);
  expect(found([counters, reading(0, 10, 2), reading(250, 90, 2), reading(500, 20, 302)])).toEqual([
    'low allocation-burst: The memory of main grew by 310 MiB within 500 ms, from 12.0 MiB; 300 MiB of that are outside of its heap, as buffers are.',
  ]);
  // A block of four seconds, without a reading; and what a large program collects now and then.
  expect(found([counters, reading(0, 10, 2), reading(4000, 300, 2)])).toEqual([]);
  expect(found([counters, reading(0, 1000, 2), reading(500, 1300, 2)])).toEqual([]);
});

/** Messages from main to the worker: sent each `every` ms, handled for `handle` ms, each after the one before. */
const messages = (count: number, every: number, handle: number): string[] => {
  let free = 0;
  return many(count, (at) => at.toString()).flatMap((_, at) => {
    const sent = 10 + at * every;
    const start = Math.max(sent + 0.02, free);
    free = start + handle + 0.001;
    return [
      `slice 1/1 +${s(sent)} ${s(0.005)} message "postMessage"`,
      `flow-out 1/1 +${s(sent)} ${at + 1} flow "flow"`,
      `slice 1/2 +${s(start)} ${s(handle)} message "message"`,
      `flow-in 1/2 +${s(start)} ${at + 1} flow "flow"`,
    ];
  });
};

test('where several processes have a main thread, it is said of which a finding is, and the link leads to it', () => {
  const of = (pid: number): string => `process ${pid} "${pid === 1 ? 'shop' : ''}"
track ${pid}/${pid} thread "main"
track l${pid} async ${pid} loop "0x${pid}" "main event loop"
slice l${pid} +${s(50 * pid)} ${s(30)} loop "blocked" {"blocked":true}`;
  const collections = many(60, (at) => `slice 1/1 +${s(1000 + at * 10)} ${s(4)} gc "GC minor"`);
  const findings = findingsOf(indexOf(traceOf([of(1), of(2), ...collections].join('\n'))));
  expect(findings.map(({ sentence, worst, link }) => [sentence, worst?.thread, link?.filter.thread])).toEqual(
    [
      [
        'Garbage collection took 24.0 % of 1.00 s on main of shop (pid 1); 60 collections, 240 ms in all.',
        'main of shop (pid 1)',
        '1/1',
      ],
      [
        'Something that no stack was seen of blocked the event loop of main of shop (pid 1) for 30.0 ms, 2 times and 60.0 ms in all.',
        'main of shop (pid 1)',
        undefined,
      ],
    ],
  );
  expect(found([block(50, 30, 'blocked', {}), 'process 2 ""', 'track 2/2 thread "main"']).join()).toContain(
    'of main of shop (pid 1)',
  );
});

test('messages that pile up, and messages too small for what they cost', () => {
  expect(found(messages(500, 1, 3))).toEqual([
    expect.stringMatching(
      /^medium growing-queue: Messages from main to worker 2 pile up: 3\d\d were under way when the last one was sent, 1\d\d half-way/,
    ),
  ]);
  expect(found(messages(2500, 0.5, 0.01))).toEqual([
    'medium small-messages: main sends worker 2 2,500 messages that take 10.0 µs each to handle; on their way they are for 20.0 µs (p50).',
  ]);
});

test('a lock whose threads take turns, and a pool that is too small', () => {
  const lock = many(20, (at) => at.toString()).flatMap((_, at) => [
    `track h${at} async 1 region "0x${(at + 100).toString(16)}" "lock counter"`,
    `slice h${at} +${s(100 + at * 10)} ${s(10)} region "lock counter"`,
    `slice 1/${1 + (at % 2)} +${s(101 + at * 10)} ${s(9)} wait "lock counter wait"`,
  ]);
  expect(found(lock)).toEqual([
    expect.stringMatching(
      /^medium lock-convoy: lock counter is contended for 90.0 % of the time it is held: 180 ms of waiting in 20 waits on 2 threads/,
    ),
  ]);
  const pool = many(20, (at) => at.toString()).flatMap((_, at) => [
    `track p${at} async 1 wait "0x${(at + 100).toString(16)}" "pool acquire"`,
    `slice p${at} +${s(100 + at)} ${s(120)} wait "pool acquire"`,
  ]);
  expect(found(pool)).toEqual([
    'high queued-for-pool: 20 jobs waited for pool acquire: p50 120 ms, p95 120 ms, 20 at once.',
  ]);
});

test('what the recorder lost is said, and every rule says what it looks for', () => {
  const [finding] = findingsOf(
    indexOf(traceOf('process 1 "shop"\ntrack 1/1 thread "main" dropped=7\ninstant 1/1 +0.000000001 log "x"')),
  );
  expect(finding?.sentence).toBe(
    'The recorder dropped 7 events, 87.5 % of all: figures of those threads are too small.',
  );
  expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
  for (const { help } of RULES) expect(help).toMatch(/\.$/);
});

test('the report has the worst first and is never longer than it may be', () => {
  const lines = [HEAD, ...tasks([...Array(50).fill(5), 400])];
  for (let at = 0; at < 40; at++)
    lines.push(block(60 + at * 50, 25 + at, `function${at} ${'x'.repeat(at)}.js:${at}`, {}));
  const index = indexOf(traceOf(lines.join('\n')));
  const report = markdownReport(index, 'trace.json', 1234);
  expect(report.length).toBeLessThanOrEqual(REPORT_CHARACTERS);
  expect(report.indexOf('## Findings')).toBeLessThan(report.indexOf('## Blocked event loops'));
  expect(report).toMatch(/1\. \*\*high\*\* The slowest tasks order/);
  expect(markdownReport(index, 'trace.json', 1234, 500).length).toBeLessThanOrEqual(500);
});
