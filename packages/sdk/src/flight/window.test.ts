/**
 * The flight window beside the plainest model there is: an array of everything that was written. What a snapshot contains,
 * read back from a file of either format, must be the end of that array and the slices that were open before it.
 */
import { Category, createJsonWriter, createPerfettoWriter, EventKind } from '@ttrace/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFlightWindow, type FlightWindow } from './window.ts';
import {
  defects,
  events,
  expectedRows,
  MIN_AGE,
  Model,
  Player,
  type Row,
  type Step,
  steps,
  timeOf,
  WRITERS,
  written,
} from './window-test-kit.ts';

function playAll(player: Player, rows: readonly Row[]): void {
  for (const row of rows) player.play(row);
}

/** Plays steps into a window, holding it to its bounds after each. */
function fill(window: FlightWindow, maxBytes: number, given: readonly Step[], minAge = MIN_AGE): Model {
  const model = new Model();
  const player = new Player(window);
  for (const step of given) {
    const before = window.use;
    const row = model.step(step);
    if (row === undefined) continue;
    player.play(row);
    const { bytes, allocated, rows, droppedRows } = window.use;
    expect(bytes).toBeLessThanOrEqual(allocated);
    expect(allocated).toBeLessThanOrEqual(maxBytes);
    expect(rows + droppedRows).toBe(model.rows.length);
    const newest = Math.max(...model.rows.map((each) => timeOf(each) ?? 0));
    const lost = model.rows.slice(before.droppedRows, droppedRows);
    if (lost.some((each) => (timeOf(each) ?? 0) > newest - minAge)) {
      // Only because there was no room: the window is full up to the longest row there may be.
      expect(before.bytes).toBeGreaterThan(maxBytes / 3);
    }
    const oldest = timeOf(model.rows[droppedRows]);
    if (oldest !== undefined) expect(oldest).toBeGreaterThanOrEqual(newest - 2 * minAge);
  }
  return model;
}

test('a snapshot is the end of what was written and the slices that were open before, in both formats, twice', async () => {
  let compared = 0;
  let opened = 0;
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 4096, max: 40_000 }), async (given, maxBytes) => {
      const window = createFlightWindow({ minAgeNanos: MIN_AGE, maxBytes });
      const { rows } = fill(window, maxBytes, given);
      const { droppedRows, forgotten, cutRows } = window.use;
      const expected = expectedRows(rows, droppedRows);
      for (const make of WRITERS) {
        const first = await written(make, (writer) => window.snapshot(writer));
        const second = await written(make, (writer) => window.snapshot(writer));
        expect(defects(first.trace)).toEqual([]);
        expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
        if (forgotten > 0 || cutRows > 0) continue;
        const wanted = await written(make, (writer) => playAll(new Player(writer), expected));
        expect(events(first.trace)).toEqual(events(wanted.trace));
        if (droppedRows > 0) compared++;
        if (expected.some((row) => (timeOf(row) ?? Infinity) < (timeOf(rows[droppedRows]) ?? 0))) opened++;
      }
    }),
    { numRuns: 220 },
  );
  expect(compared).toBeGreaterThan(40);
  expect(opened).toBeGreaterThan(20);
});

test('a snapshot from a time on has what ended after it, and whole what was open then', async () => {
  let left = 0;
  await fc.assert(
    fc.asyncProperty(steps, fc.double({ min: 0, max: 1, noNaN: true }), async (given, share) => {
      const window = createFlightWindow({ minAgeNanos: 2 ** 50, maxBytes: 1 << 20 });
      const { rows } = fill(window, 1 << 20, given, 2 ** 50);
      const times = rows.map(timeOf).filter((time) => time !== undefined);
      const from = times[Math.floor(share * (times.length - 1))] ?? 0;
      const expected = expectedRows(rows, 0, from);
      const make = share < 0.5 ? createJsonWriter : createPerfettoWriter;
      const { trace } = await written(make, (writer) => window.snapshot(writer, { from }));
      const wanted = await written(make, (writer) => playAll(new Player(writer), expected));
      expect(events(trace)).toEqual(events(wanted.trace));
      if (trace.length > 0 && expected.length < rows.length) left++;
    }),
    { numRuns: 80 },
  );
  expect(left).toBeGreaterThan(30);
});

test('a slice that began long before the window is whole as long as its end is in the window, and then gone', async () => {
  const window = createFlightWindow({ minAgeNanos: 1e9, maxBytes: 64 << 10 });
  const process = window.process(1, 'node');
  const thread = window.thread(1, 1, 'main');
  const loop = window.asyncTrack(1, Category.loop, '0x1', 'event loop');
  const [name, category] = [window.string('compute'), window.string(Category.region)];
  window.begin(loop, window.string('blocked'), window.string(Category.loop), 5, 0, '{"stack":["f"]}');
  window.begin(thread, name, category, 7, 42, '{"outer":true}', [{ id: 9, direction: 'out' }]);
  const flood = (from: number): void => {
    for (let i = 0; i < 50_000; i++) window.slice(thread, name, category, from + i * 10, 5, 0);
  };
  flood(10);
  window.end(thread, 600_000);
  window.end(loop, 600_001, '{"stacks":[]}');
  expect(window.use.droppedRows).toBeGreaterThan(30_000);
  // The kit's files begin at 5,000,000,123.
  for (const make of WRITERS) {
    const { trace } = await written(make, (writer) => window.snapshot(writer));
    expect(defects(trace)).toEqual([]);
    const lines = events(trace).filter((line) => /outer|stack/.test(line));
    expect(lines).toHaveLength(2);
    expect(lines.join()).toMatch(/128 599996 blocked .*130 599993 compute .*"task":42/);
  }
  flood(700_000);
  flood(1_300_000);
  const { trace } = await written(createJsonWriter, (writer) => window.snapshot(writer));
  expect(events(trace).filter((line) => /outer|stack/.test(line))).toEqual([]);
  expect(process).toBe(0);
});

test('tasks that never end take no more than the bound, and the rest of the window stays', async () => {
  const maxBytes = 256 << 10;
  const window = createFlightWindow({ minAgeNanos: 1e9, maxBytes });
  window.process(1, 'node');
  const lane = window.asyncTrack(1, Category.loop, '0x1', 'event loop');
  const [task, turn, loop] = [window.string('job'), window.string('turn'), window.string(Category.loop)];
  const category = window.string(Category.task);
  for (let i = 1; i <= 100_000; i++) {
    window.begin(window.asyncTrack(1, Category.task, `0x${i}`, 'job'), task, category, i * 100, i);
    if (i % 100 === 0) window.slice(lane, turn, loop, i * 100, 50, 0);
    expect(window.use.allocated).toBeLessThanOrEqual(maxBytes);
  }
  const { rows, forgotten } = window.use;
  expect(forgotten).toBeGreaterThan(50_000);
  const { trace } = await written(createPerfettoWriter, (writer) => window.snapshot(writer));
  expect(defects(trace)).toEqual([]);
  const names = Array.from(trace.columns.name, (id) => trace.strings.text(id));
  // Two rows a task, and the turns on a track that is as old as the recording.
  expect(names.filter((name) => name === 'job').length).toBeGreaterThan(rows * 0.45);
  expect(names.filter((name) => name === 'turn').length).toBeGreaterThan(rows * 0.004);
});

test('arguments that are too long for the window are left out, and their slices stay', async () => {
  const window = createFlightWindow({ minAgeNanos: 1e9, maxBytes: 64 << 10 });
  const thread = window.thread(1, 1, 'main');
  const name = window.string('r');
  window.slice(thread, name, name, 10, 5, 0, JSON.stringify({ text: 'x'.repeat(1 << 20) }));
  window.slice(thread, name, name, 20, 5, 0, '{"short":true}');
  expect(window.use).toMatchObject({ rows: 2, droppedRows: 0, cutRows: 1 });
  const { trace } = await written(createJsonWriter, (writer) => window.snapshot(writer));
  expect(events(trace).map((line) => line.slice(line.lastIndexOf('|') + 2))).toEqual(['', '{"short":true}']);
});

test('a window with little to hold stays small', () => {
  const window = createFlightWindow({ minAgeNanos: 1e6, maxBytes: 10 << 20 });
  const thread = window.thread(1, 1, 'main');
  const name = window.string('r');
  for (let i = 0; i < 1_000_000; i++) window.slice(thread, name, name, i * 1000, 500, 0);
  expect(window.use.allocated).toBeLessThan(128 << 10);
  expect(window.use.rows).toBeGreaterThanOrEqual(1000);
  expect(window.use.rows).toBeLessThanOrEqual(2001);
});

test('a mark stands on its thread, or on the process where the track is none of a thread', async () => {
  const window = createFlightWindow({ minAgeNanos: 1e9, maxBytes: 64 << 10 });
  window.process(1, 'node');
  const thread = window.thread(1, 5, 'worker');
  const task = window.asyncTrack(1, 'task', '0x1', 'job');
  const mark = { time: 50, name: 'flight trigger', category: 'ttrace', args: '{"what":"job"}' };
  const marks = [
    { ...mark, track: thread },
    { ...mark, time: 60, track: task },
  ];
  for (const make of WRITERS) {
    const { trace } = await written(make, (writer) => window.snapshot(writer, { marks }));
    const { kind, track, args, name } = trace.columns;
    expect([...kind]).toEqual([EventKind.instant, EventKind.instant]);
    expect(Array.from(track, (index) => trace.tracks[index]!.kind)).toEqual(['thread', 'process']);
    expect(trace.strings.text(args[0]!)).toBe('{"what":"job"}');
    expect(trace.strings.text(name[1]!)).toBe('flight trigger');
  }
});

test('threads, names and operations without a row are not in a snapshot', async () => {
  const window = createFlightWindow({ minAgeNanos: 1e9, maxBytes: 64 << 10 });
  window.process(1, 'node');
  const [quiet, busy] = [window.thread(1, 5, 'quiet'), window.thread(1, 6, 'busy')];
  window.asyncTrack(1, 'task', '0x77', 'unused');
  window.metadata(busy, 'ttrace_dropped', '{"dropped":3}');
  const name = window.string('r');
  window.string('never');
  window.slice(busy, name, name, 10, 5, 0);
  for (const make of WRITERS) {
    const { trace, bytes } = await written(make, (writer) => window.snapshot(writer));
    expect(trace.tracks.filter(({ kind }) => kind !== 'process').map((track) => track.name)).toEqual([
      'busy',
    ]);
    expect(trace.tracks.find((track) => track.name === 'busy')?.dropped).toBe(3);
    expect(Buffer.from(bytes).toString('latin1')).not.toMatch(/quiet|unused|never/);
  }
  expect(quiet).toBeLessThan(busy);
});

test('threads and loops that have ended take nothing once their rows have left, however many there have been', async () => {
  const window = createFlightWindow({ minAgeNanos: 1e6, maxBytes: 64 << 10 });
  window.process(1, 'node');
  const [turn, loop, work, region] = ['turn', Category.loop, 'work', Category.region].map((text) =>
    window.string(text),
  );
  let highest = 0;
  for (let i = 0; i < 20_000; i++) {
    const thread = window.thread(1, 100 + i, `worker ${i}`);
    const counter = window.counterTrack(1, `worker ${i} heap used`);
    const track = window.asyncTrack(
      1,
      Category.loop,
      `0x${(100 + i).toString(16)}`,
      `worker ${i} event loop`,
    );
    window.slice(thread, work!, region!, i * 1000, 500, 0);
    window.counter(counter, i * 1000 + 100, i);
    window.slice(track, turn!, loop!, i * 1000 + 200, 500, 0);
    for (const each of [thread, counter, track]) window.release(each);
    highest = Math.max(highest, thread, counter);
  }
  // Numbers are used again: there are only those of the last two milliseconds.
  expect(highest).toBeLessThan(5000);
  for (const make of WRITERS) {
    const { trace } = await written(make, (writer) => window.snapshot(writer));
    expect(defects(trace)).toEqual([]);
    const names = trace.tracks.map(({ name }) => name);
    expect(names).toContain('worker 19999');
    expect(names).toContain('worker 19999 event loop');
    expect(names).toContain('worker 19999 heap used');
    expect(names.length).toBeLessThan(10_000);
    expect(names).not.toContain('worker 10000');
  }
});
