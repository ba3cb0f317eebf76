/** For tests: random programs with everything that a table lists, one thing after the other, so that each row is known. */
import { Category, type Trace, TraceBuilder } from '@ttrace/format';
import fc from 'fast-check';

const WHATS = [
  'task',
  'region',
  'continued',
  'open',
  'wait',
  'message',
  'block',
  'gc',
  'lost',
  'openTask',
  'openWait',
] as const;

/** Something that a program does: what, under which name, for how many nanoseconds. */
export interface Happening {
  readonly what: (typeof WHATS)[number];
  readonly name: string;
  readonly duration: number;
}

const happening: fc.Arbitrary<Happening> = fc.record({
  what: fc.constantFrom(...WHATS),
  name: fc.constantFrom('', 'a', 'b run', 'lock a', 'a wait', '#1'),
  duration: fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.constantFrom(1, 1000, 1585, 1584, 10_000)),
});

/** One to `maxLength` of everything that a table lists, or of one thing alone, so that names come again. */
export function someHappenings(maxLength: number): fc.Arbitrary<readonly Happening[]> {
  const some = fc.array(happening, { minLength: 1, maxLength });
  return fc.oneof(
    some,
    fc.tuple(some, fc.constantFrom(...WHATS)).map(([all, what]) => all.map((each) => ({ ...each, what }))),
  );
}

/** One thing after the other on a thread and, where two take part, on another. */
export function traceOfHappenings(happenings: readonly Happening[]): Trace {
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
    if (what === 'openTask')
      builder.unfinished(own(Category.task), text(name), text(Category.task), time, task);
    if (what === 'openWait')
      builder.unfinished(own(Category.wait), text(`${name} wait`), text(Category.wait), time, task);
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
    if (what === 'lost') {
      builder.slice(main, text('postMessage'), text(Category.message), time, 1, task);
      builder.flowEvent(3, main, text('message'), text(Category.message), time, at + 1);
    }
    if (what === 'block') {
      // Two files have functions of the same names.
      const location = `${duration % 2 === 0 ? 'shop' : 'stock'}/index.js:1`;
      const args = text(JSON.stringify({ task: at + 1, blocked: true, location }));
      builder.slice(loop, text(name), text(Category.loop), time, duration, args);
    }
    time += duration + 1000;
  }
  return builder.finish('json', 1);
}
