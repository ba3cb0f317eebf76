/** What a debug server gets to know of what is recorded, from the events alone. */
import { Category } from '@ttrace/format';
import { expect, test } from 'vitest';
import { DebugView } from './debug-view.ts';
import { parseFrame } from './stack-totals.ts';

const view = (): { debug: DebugView; main: number; slice: (...event: SliceEvent) => void } => {
  const debug = new DebugView();
  debug.process();
  const main = debug.thread(1, 1, 'main', 0);
  const slice = (name: string, category: string, start: number, end: number): void =>
    debug.slice(main, debug.string(name), debug.string(category), start, end - start, 0);
  return { debug, main, slice };
};
type SliceEvent = [name: string, category: string, start: number, end: number];

/** Stacks as text, innermost first, with their figures. */
const texts = (stacks: ReturnType<DebugView['snapshot']>['waits']): string[] =>
  stacks
    .map(({ frames, count, nanos }) => `${frames.map(([name]) => name).join(' < ')}: ${count}, ${nanos}`)
    .sort();

test('a wait has around it what was open, though that is written after it', () => {
  const { debug, main, slice } = view();
  slice('lock wait', Category.wait, 20, 30);
  slice('other', Category.region, 35, 40);
  slice('inner', Category.region, 15, 45);
  slice('outer', Category.region, 10, 50);
  slice('lock wait', Category.wait, 60, 65);
  // The thread has ended.
  debug.release(main);
  expect(texts(debug.snapshot(100, []).waits)).toEqual([
    'lock wait < inner < outer: 1, 10',
    'lock wait: 1, 5',
  ]);
});

test('a wait that was looked at has the functions that waited, inside what was open', () => {
  const { debug, main, slice } = view();
  const [name, category] = [debug.string('Atomics.wait'), debug.string(Category.wait)];
  const args = '{"index":0,"stack":["lock (/srv/lock.js:12:5)","update (/srv/stock.js:30:3)"]}';
  debug.slice(main, name, category, 20, 10, 0, args);
  slice('order', Category.region, 15, 45);
  debug.begin(main, name, category, 50, 0);
  debug.end(main, 80, args);
  debug.release(main);
  const { waits } = debug.snapshot(100, []);
  expect(texts(waits)).toEqual([
    'Atomics.wait < lock < update < order: 1, 10',
    'Atomics.wait < lock < update: 1, 30',
  ]);
  expect(waits[0]!.frames[1]).toEqual(['lock', '/srv/lock.js', 12]);
});

test('a function in a file with brackets in its name, or in an eval, has its own name and file', () => {
  expect(parseFrame('lock (/srv/shop (1)/lock.js:12:5)')).toEqual(['lock', '/srv/shop (1)/lock.js', 12]);
  expect(parseFrame('(anonymous) (/srv/lock.js:3:1)')).toEqual(['(anonymous)', '/srv/lock.js', 3]);
  expect(parseFrame('made (eval at make (/srv/lock.js:7:2):1:9)')).toEqual([
    'made',
    'eval at make (/srv/lock.js:7:2)',
    1,
  ]);
  expect(parseFrame('Atomics.wait (native)')).toEqual(['Atomics.wait', '', 0]);
});

test('of a wait inside another the time counts for the inner one', () => {
  const { debug, main, slice } = view();
  slice('inner wait', Category.wait, 20, 30);
  slice('outer wait', Category.wait, 10, 40);
  debug.release(main);
  expect(texts(debug.snapshot(100, []).waits)).toEqual([
    'inner wait < outer wait: 1, 10',
    'outer wait: 1, 20',
  ]);
});

test('a wait that was begun long ago counts when it ends, in the regions that were', () => {
  const { debug, main } = view();
  debug.begin(main, debug.string('job'), debug.string(Category.region), 5, 0);
  debug.begin(main, debug.string('lock wait'), debug.string(Category.wait), 10, 0);
  expect(debug.snapshot(50, []).waits).toEqual([]);
  debug.end(main, 60);
  debug.end(main, 70);
  debug.release(main);
  expect(texts(debug.snapshot(100, []).waits)).toEqual(['lock wait < job: 1, 50']);
});

test('a block is divided among the stacks that were seen, and counts while it lasts', () => {
  const { debug } = view();
  const loop = debug.asyncTrack(1, Category.loop, '0x1', 'main event loop');
  const stack = (name: string): string => JSON.stringify({ blocked: true, stack: [`${name} (/a b.js:7:3)`] });
  const category = debug.string(Category.loop);
  debug.begin(loop, debug.string('first b.js:7'), category, 100, 0, stack('first'));
  debug.instant(loop, debug.string('second'), category, 130, 0, stack('second'));
  expect(texts(debug.snapshot(150, []).blocks)).toEqual(['first: 1, 30', 'second: 0, 20']);
  debug.end(loop, 200);
  const { blocks } = debug.snapshot(500, []);
  expect(texts(blocks)).toEqual(['first: 1, 30', 'second: 0, 70']);
  expect(blocks[0]).toMatchObject({ thread: 'main', frames: [['first', '/a b.js', 7]] });
});

test('what has begun and not ended is there with the tasks around it, and asynchronous waits count in theirs', () => {
  const { debug } = view();
  const task = (id: number, name: string, args: string): number => {
    const track = debug.asyncTrack(1, Category.task, `0x${id}`, name);
    debug.begin(track, debug.string(name), debug.string(Category.task), 10, id, args);
    return track;
  };
  task(1, 'order', '{"trace_id":"ab","span_id":"c"}');
  const part = task(2, 'part', '{"parent":1}');
  const lane = debug.asyncTrack(1, Category.wait, '0x9', 'pool wait');
  debug.begin(lane, debug.string('pool wait'), debug.string(Category.wait), 20, 2);
  expect(debug.snapshot(30, []).live).toEqual([
    { name: 'order', category: 'task', tasks: [], ageNanos: 20 },
    { name: 'part', category: 'task', tasks: ['order'], ageNanos: 20 },
    { name: 'pool wait', category: 'wait', tasks: ['part', 'order'], ageNanos: 10 },
  ]);
  expect(debug.live.task(1)).toMatchObject({ name: 'order', traceId: 'ab', spanId: 'c' });
  debug.end(lane, 40);
  debug.end(part, 50);
  debug.release(part);
  const { live, waits } = debug.snapshot(60, []);
  expect(live.map(({ name }) => name)).toEqual(['order']);
  expect(texts(waits)).toEqual(['pool wait < part: 1, 20']);
});
