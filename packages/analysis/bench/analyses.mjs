// What each analysis takes on traces of 10 thousand, 1 million and 10 million events that were made in memory, beside one plain pass over
// the columns. `npm run build` first.
//
//   node --max-old-space-size=8000 packages/analysis/bench/analyses.mjs [events …]

import { print, row, times } from '@ttrace/bench';
import { TraceBuilder } from '@ttrace/format';
import {
  checkBudgets,
  diffTable,
  findingsOf,
  indexOf,
  markdownReport,
  PROFILES,
  profileOf,
  summarize,
  TABLES,
  utilizationCurve,
  utilizationHeatmap,
  utilizationOf,
  worstWindowsOf,
} from '../dist/index.js';

const THREADS = 8;
const sizes = process.argv.slice(2).map(Number);
if (sizes.length === 0) sizes.push(10_000, 1_000_000, 10_000_000);

/** Requests on eight threads: a task with regions, a wait, a message to the next thread, now and then a collection, a turn, a block. */
function traceOf(events) {
  const builder = new TraceBuilder();
  const text = (value) => builder.strings.intern(value);
  builder.relative(0, 0);
  builder.process(1).name = 'bench';
  const threads = Array.from({ length: THREADS }, (_, i) => {
    const track = builder.threadTrack(1, i + 1);
    builder.tracks[track].name = `thread ${i + 1}`;
    const loop = builder.asyncTrack(1, 'loop', `0x${(i + 1).toString(16)}`, `thread ${i + 1} event loop`);
    return { track, loop };
  });
  const names = Array.from({ length: 50 }, (_, i) => text(`step ${i}`));
  const tasks = ['GET /', 'POST /order', 'job'].map(text);
  const [region, task, wait, message, flow, gc, loop] = [
    'region',
    'task',
    'wait',
    'message',
    'flow',
    'gc',
    'loop',
  ].map(text);
  const [lock, post, receive, minor, turn, block] = [
    'lock stock wait',
    'postMessage',
    'message',
    'GC minor',
    'turn',
    'hash a.js:1',
  ].map(text);
  const blocked = text(
    '{"blocked":true,"location":"a.js:1","stack":["hash (a.js:1:1)","answer (b.js:2:1)"]}',
  );
  for (let id = 1; builder.length < events; id++) {
    const { track, loop: own } = threads[id % THREADS];
    const other = threads[(id + 1) % THREADS].track;
    const at = Math.floor(id / THREADS) * 100_000 + (id % THREADS) * 1000;
    const args = text(`{"task":${id}}`);
    builder.slice(
      builder.asyncTrack(1, 'task', `0x${id.toString(16)}`, 'task'),
      tasks[id % 3],
      task,
      at,
      90_000 + (id % 97) * 1000,
      args,
    );
    for (let i = 0; i < 14; i++)
      builder.slice(track, names[(id + i) % 50], region, at + 1000 + i * 5000, 4000, args);
    builder.slice(track, lock, wait, at + 75_000, 3000 + (id % 7) * 100, args);
    builder.slice(track, post, message, at + 80_000, 500, args);
    builder.flowEvent(3, track, flow, flow, at + 80_000, id);
    builder.slice(other, receive, message, at + 96_000, 700, 0);
    builder.flowEvent(5, other, flow, flow, at + 96_000, id);
    if (id % 20 === 0) builder.slice(track, minor, gc, at + 85_000, 5000, 0);
    if (id % 5 === 0) builder.slice(own, turn, loop, at, 98_000, 0);
    if (id % 1000 === 0) builder.slice(own, block, loop, at + 98_500, 500, blocked);
  }
  return builder.finish('json', 0);
}

/** Processor time, all threads of V8 included: what other programs do meanwhile does not count. */
function seconds(run) {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

const figures = new Map();
const note = (what, time) => figures.set(what, [...(figures.get(what) ?? []), time]);
const memory = [];

for (const size of sizes) {
  const trace = traceOf(size);
  const index = indexOf(trace);
  note(
    'one pass over the columns',
    seconds(() => {
      let sum = 0;
      for (let i = 0; i < trace.length; i++)
        sum += trace.columns.start[i] + trace.columns.value[i] + trace.columns.kind[i];
      return sum;
    }),
  );
  note(
    'order slices',
    seconds(() => index.slices),
  );
  for (const { id, table, each } of TABLES) {
    note(
      id,
      seconds(() => table(index, {})),
    );
    note(
      `${id} again`,
      seconds(() => table(index, {})),
    );
    if (each !== undefined)
      note(
        `${id} --each`,
        seconds(() => each(index, {})),
      );
  }
  for (const { type } of PROFILES)
    note(
      `profile ${type}`,
      seconds(() => profileOf(index, type)),
    );
  for (const filter of [{}, { thread: 'thread 1' }]) {
    const what = `utilisation of ${filter.thread ?? 'all threads'}`;
    note(
      what,
      seconds(() => utilizationCurve(index, utilizationOf(index, filter))),
    );
    note(
      `${what}: worst windows`,
      seconds(() => worstWindowsOf(index, utilizationOf(index, filter), 1e6)),
    );
  }
  note(
    'heat map',
    seconds(() => utilizationHeatmap(index, {}, 120)),
  );
  note(
    'summary',
    seconds(() => summarize(trace)),
  );
  note(
    'findings',
    seconds(() => findingsOf(index)),
  );
  note(
    'report',
    seconds(() => markdownReport(index, 'x', 1)),
  );
  note(
    'diff',
    seconds(() => diffTable(index, index)),
  );
  note(
    'check',
    seconds(() =>
      checkBudgets(index, [
        { kind: 'max-block', nanos: 1 },
        { kind: 'max-gc', share: 1 },
      ]),
    ),
  );
  // Last, for it keeps the timelines of all threads.
  const jobs = TABLES.find(({ id }) => id === 'tasks').each(index, { name: 'job' });
  note(
    'slowest tasks of a name',
    seconds(() => jobs.aside()),
  );
  memory.push(process.memoryUsage().rss);
}

const megabytes = memory.map((bytes) => `${(bytes / 1e6).toFixed(0)} MB`);
const last = sizes.length - 1;
for (const [what, found] of figures) {
  const [before, here] = [found[last - 1], found[last]];
  const growth = before === undefined ? '' : times(here / before / (sizes[last] / sizes[last - 1]));
  const text = (value) => (value === undefined ? '' : `${value.toFixed(3)} s`);
  row(what, text(here), text(before), growth, '<= 2 s', here <= 2);
}
row(
  'memory of the process',
  megabytes[last],
  megabytes[last - 1] ?? '',
  '',
  '<= 1500 MB',
  memory[last] <= 1.5e9,
);
print(
  `Analyses of ${sizes[last]} events, beside ${sizes[last - 1] ?? 'nothing'}; ratio: growth over that of the events`,
);
