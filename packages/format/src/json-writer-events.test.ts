/**
 * What JsonWriter writes is what JSON.stringify would have written: random programs of events, on tracks of every kind, beside
 * one that makes each event an object. The writer copies most of an event as words kept from before, so texts must come again.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createJsonWriter } from './json-writer.ts';
import type { TraceWriter } from './trace-writer.ts';

interface Expected {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly id2?: { readonly local: string };
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly s?: string;
  readonly args?: object;
}

const ORIGIN = 1_234_567_890_123_456n;
const NAMES = ['GET /', 'order', '', 'say "ü"\n', 'long '.repeat(200)];
const CATEGORIES = ['task', 'http', '"\\'];
const IDS = ['0x1', '0xffffffff', '0x2 row "ä"', '\u007f', ''];
const ARGS = ['', '{}', '{"status":200}', '{"a":"ü\\n","b":[1,{"c":null}]}', `{"long":"${'x'.repeat(400)}"}`];
const TASKS = [0, 7, 9999, 10_000, 4_294_967_295];

const step = fc.record({
  kind: fc.constantFrom('begin', 'end', 'slice', 'instant', 'declare', 'release', 'flush'),
  track: fc.nat(5),
  name: fc.constantFrom(...NAMES),
  category: fc.constantFrom(...CATEGORIES),
  id: fc.constantFrom(...IDS),
  args: fc.constantFrom(...ARGS),
  task: fc.constantFrom(...TASKS),
  time: fc.nat(40_000_000),
  duration: fc.nat(20_000_000),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Track {
  ref: number;
  readonly kind: 'process' | 'thread' | 'async';
  readonly id: string;
  readonly category: string;
  readonly tid: number;
  readonly open: { readonly name: string; readonly category: string }[];
}

/** Runs the program on the writer and makes an object of each event it should write. */
function play(writer: TraceWriter, steps: readonly Step[]): Expected[] {
  const expected: Expected[] = [];
  const declare = (id: string, category: string): Track => {
    return { ref: writer.asyncTrack(1, category, id, 'a'), kind: 'async', id, category, tid: 1, open: [] };
  };
  const tracks: Track[] = [
    declare('0x0', 'task'),
    { ref: writer.process(1, 'p'), kind: 'process', id: '', category: '', tid: 1, open: [] },
    { ref: writer.thread(1, 2, 'main'), kind: 'thread', id: '', category: '', tid: 2, open: [] },
    declare('0xa', 'task'),
    declare('0xb', 'http'),
    declare('0xc', '"\\'),
  ];
  for (const { kind, name, category, time, task, args, duration, ...rest } of steps) {
    const track = tracks[rest.track]!;
    const isAsync = track.kind === 'async';
    const [nameRef, categoryRef] = [writer.string(name), writer.string(category)];
    const add = (ph: string, of: { name: string; category: string }, at: number, own: object): void => {
      const cat = isAsync ? track.category : of.category;
      const id2 = isAsync ? { id2: { local: track.id } } : {};
      const place = { pid: 1, tid: track.tid, ts: (time + Number(ORIGIN % 1_000_000_000n) + at) / 1000 };
      expected.push({ ph, name: of.name, ...(cat === '' ? {} : { cat }), ...id2, ...place, ...own });
    };
    const payload = (id: number): object => argumentsOf(id, args);
    if (kind === 'begin') {
      writer.begin(track.ref, nameRef, categoryRef, time, task, args);
      track.open.push({ name, category });
      add(isAsync ? 'b' : 'B', { name, category }, 0, payload(task));
    } else if (kind === 'end') {
      writer.end(track.ref, time, args);
      add(isAsync ? 'e' : 'E', track.open.pop() ?? { name: '', category: '' }, 0, payload(0));
    } else if (kind === 'instant') {
      writer.instant(track.ref, nameRef, categoryRef, time, task, args);
      if (isAsync) add('n', { name, category }, 0, payload(task));
      else add('i', { name, category }, 0, { s: track.kind === 'process' ? 'p' : 't', ...payload(task) });
    } else if (kind === 'slice') {
      writer.slice(track.ref, nameRef, categoryRef, time, duration, task, args);
      if (isAsync) {
        add('b', { name, category }, 0, payload(task));
        add('e', { name, category }, duration, {});
      } else add('X', { name, category }, 0, { dur: duration / 1000, ...payload(task) });
    } else if (kind === 'declare') {
      if (isAsync) tracks[rest.track] = declare(rest.id, category);
    } else if (kind === 'release') {
      if (!isAsync) continue;
      writer.release(track.ref);
      tracks[rest.track] = declare(rest.id, category);
    } else writer.flush();
  }
  return expected;
}

function argumentsOf(task: number, text: string): object {
  const all = { ...(task === 0 ? {} : { task }), ...(text === '' ? {} : (JSON.parse(text) as object)) };
  return Object.keys(all).length === 0 ? {} : { args: all };
}

/** The events without their metadata; times without the whole seconds of the origin, which a double would round. */
function written(text: string): unknown[] {
  const seconds = String(ORIGIN / 1_000_000_000n);
  const relative = text.replaceAll(
    new RegExp(`"ts":\\s*${seconds}(\\d{6}\\.\\d{3})`, 'g'),
    (_, digits: string) => `"ts":${Number(digits)}`,
  );
  return (JSON.parse(relative) as { ph: string }[]).filter(({ ph }) => ph !== 'M');
}

test('random events are what JSON.stringify would have made of them', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const chunks: string[] = [];
      const sink = (bytes: Uint8Array): void => void chunks.push(Buffer.from(bytes).toString());
      const writer = createJsonWriter({ origin: ORIGIN, sink });
      const expected = play(writer, steps);
      writer.finish();
      // Whoever cuts the file between two chunks has whole events.
      for (const chunk of chunks) expect(chunk).toMatch(/[}\]]\s*$/);
      expect(written(chunks.join(''))).toEqual(expected);
    }),
    { numRuns: 100 },
  );
});

test('an event of any size is handed on whole', () => {
  const chunks: string[] = [];
  const writer = createJsonWriter({ sink: (bytes) => void chunks.push(Buffer.from(bytes).toString()) });
  const track = writer.asyncTrack(1, 'task', '0x1', 'order');
  const name = writer.string('order');
  const lengths = [10, 300_000, 700_000, 1_100_000, 3_000_000, 20, 400_000];
  for (const [i, length] of lengths.entries()) {
    writer.begin(track, name, name, i * 1000, 5, `{"text":"${'é'.repeat(length)}"}`);
    writer.end(track, i * 1000 + 1, `{"text":"${'y'.repeat(length)}"}`);
  }
  writer.finish();
  const events = JSON.parse(chunks.join('')) as { args: { text: string } }[];
  expect(events.map(({ args }) => args.text.length)).toEqual(lengths.flatMap((length) => [length, length]));
  for (const chunk of chunks) expect(chunk).toMatch(/[}\]]\s*$/);
});
