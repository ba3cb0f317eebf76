/** For tests: random traces in the recorder's vocabulary, small enough to be judged by definition. */
import { Category, loopTrackName, readTextTrace, TEXT_MAGIC, type Trace } from '@ttrace/format';
import fc from 'fast-check';

/** A slice to be: begin and length in microseconds. */
interface RandomSlice {
  readonly start: number;
  readonly length: number;
  readonly name: string;
}

const slice = (names: readonly string[], most: number): fc.Arbitrary<RandomSlice> =>
  fc.record({
    start: fc.integer({ min: 0, max: 1000 }),
    length: fc.integer({ min: 1, max: most }),
    name: fc.constantFrom(...names),
  });

const thread = fc.record({
  regions: fc.array(slice(['parse', 'render', 'store'], 300), { maxLength: 12 }),
  waits: fc.array(slice(['Atomics.wait', 'lock counter wait'], 100), { maxLength: 4 }),
  collections: fc.array(slice(['GC minor', 'GC major'], 60), { maxLength: 4 }),
  turns: fc.array(slice(['turn', 'blocked', 'hash a.js:1'], 200), { maxLength: 6 }),
  utilization: fc.array(
    fc.record({ time: fc.integer({ min: 1, max: 1200 }), percent: fc.integer({ min: 0, max: 100 }) }),
    {
      maxLength: 3,
    },
  ),
  life: fc.option(
    fc.record({ start: fc.nat({ max: 900 }), length: fc.option(fc.integer({ min: 1, max: 1200 })) }),
  ),
  online: fc.option(fc.nat({ max: 1000 })),
});

const task = fc.record({
  start: fc.integer({ min: 0, max: 900 }),
  length: fc.option(fc.integer({ min: 0, max: 600 })),
  name: fc.constantFrom('order', 'job', 'GET /'),
  parent: fc.nat({ max: 8 }),
});

/** Threads with regions, waits, collections, turns and blocks, some with the life of a worker, and tasks, some of them in others, some without an end. */
export const randomTrace: fc.Arbitrary<Trace> = fc
  .record({
    threads: fc.array(thread, { minLength: 1, maxLength: 3 }),
    tasks: fc.array(task, { maxLength: 6 }),
  })
  .map(({ threads, tasks }) => {
    const lines = ['process 1 "shop"', 'track 1 process "shop"'];
    const events: string[] = [];
    threads.forEach(({ regions, waits, collections, turns, utilization, life, online }, at) => {
      const tid = at + 1;
      const name = `thread-${tid}`;
      lines.push(`track 1/${tid} thread "${name}" sort=${tid}`);
      lines.push(`track l${tid} async 1 ${Category.loop} "0x${tid.toString(16)}" "${loopTrackName(name)}"`);
      lines.push(`track c${tid} counter 1 "" "${name} loop utilization"`);
      const own = nested([
        ...regions.map((each, i) => ({
          ...each,
          category: Category.region,
          args: ` {"task":${(i % 7) + 1}}`,
        })),
        ...waits.map((each) => ({ ...each, category: Category.wait, args: '' })),
        ...collections.map((each) => ({ ...each, category: Category.gc, args: '' })),
      ]);
      for (const { start, length, name: label, category, args } of own) {
        events.push(`slice 1/${tid} ${time(start)} ${seconds(length)} ${category} "${label}"${args}`);
      }
      for (const { start, length, name: label } of apart(turns)) {
        const args = label === 'turn' ? '' : ' {"blocked":true,"location":"a.js:1"}';
        events.push(`slice l${tid} ${time(start)} ${seconds(length)} ${Category.loop} "${label}"${args}`);
      }
      for (const { time: at1, percent } of utilization)
        events.push(`counter c${tid} ${time(at1)} ${percent} "${name} loop utilization"`);
      if (life !== null) {
        const extent = life.length === null ? 'open' : seconds(life.length);
        lines.push(`track w${tid} async 1 ${Category.worker} "0x${tid}" "${name}"`);
        events.push(
          `slice w${tid} ${time(life.start)} ${extent} ${Category.worker} "${name}" {"threadId":${tid}}`,
        );
      }
      if (online !== null)
        events.push(`instant 1 ${time(online)} ${Category.worker} "worker online" {"threadId":${tid}}`);
    });
    tasks.forEach(({ start, length, name, parent }, at) => {
      const id = at + 1;
      lines.push(`track t${id} async 1 ${Category.task} "0x${id.toString(16)}" "${name}"`);
      const up = parent > 0 && parent < id ? `,"parent":${parent}` : '';
      const extent = length === null ? 'open' : seconds(length);
      events.push(`slice t${id} ${time(start)} ${extent} ${Category.task} "${name}" {"task":${id}${up}}`);
    });
    return traceOf([...lines, ...events].join('\n'));
  });

const time = (micros: number): string => `+${seconds(micros)}`;
const seconds = (micros: number): string => (micros / 1e6).toFixed(9);

/** Makes slices of one thread nest: what would leave the one around it ends with it, and no two share an edge. */
function nested<T extends RandomSlice>(slices: readonly T[]): T[] {
  const kept: T[] = [];
  const open: number[] = [];
  let last = -1;
  for (const each of [...slices].sort((a, b) => a.start - b.start || b.length - a.length)) {
    const start = Math.max(each.start, last + 1);
    while (open.length > 0 && open.at(-1)! <= start) open.pop();
    const end = Math.min(start + each.length, (open.at(-1) ?? Infinity) - 1);
    if (end <= start) continue;
    kept.push({ ...each, start, length: end - start });
    open.push(end);
    last = start;
  }
  return kept;
}

function apart<T extends RandomSlice>(slices: readonly T[]): T[] {
  let until = 0;
  const kept: T[] = [];
  for (const each of [...slices].sort((a, b) => a.start - b.start)) {
    if (each.start < until) continue;
    kept.push(each);
    until = each.start + each.length;
  }
  return kept;
}

/** A trace from the lines of its text form, without the first one. @throws TraceFormatError for lines that are none. */
export function traceOf(text: string): Trace {
  const trace = readTextTrace(`${TEXT_MAGIC}\n${text}`);
  if (trace.error !== undefined) throw trace.error;
  return trace;
}
