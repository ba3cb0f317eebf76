/** How Perfetto's own engine nests slices that begin at one time, in whatever order they were written. */
import { expect, test } from 'vitest';
import { createPerfettoWriter } from '../src/perfetto-writer.ts';
import { TraceProcessor } from './trace-processor.ts';

/** Name, begin, duration; duration -1 = a begin alone. */
type Slice = readonly [string, number, number];

async function nested(slices: readonly Slice[]): Promise<string[]> {
  const chunks: Uint8Array[] = [];
  const writer = createPerfettoWriter({ sink: (bytes) => chunks.push(bytes.slice()) });
  writer.process(7, 'p');
  const threads = [writer.thread(7, 7, 'main'), writer.thread(7, 8, 'other')];
  const region = writer.string('region');
  for (const [name, begin, duration] of slices) {
    for (const thread of threads) {
      if (duration < 0) writer.begin(thread, writer.string(name), region, begin, 0);
      else writer.slice(thread, writer.string(name), region, begin, duration, 0);
    }
  }
  writer.finish();
  const engine = await TraceProcessor.create();
  engine.load(Buffer.concat(chunks));
  const rows = engine.query(
    'select s.name, s.ts, s.dur, s.depth from slice s join thread_track t on s.track_id = t.id join thread using (utid) order by tid, s.ts, s.depth',
  );
  const text = rows.map(({ name, ts, dur, depth }) => `${depth} ${name} ${ts} ${dur}`);
  expect(text.slice(text.length / 2)).toEqual(text.slice(0, text.length / 2));
  return text.slice(0, text.length / 2);
}

test('a slice written after shorter ones of the same begin contains them', async () => {
  const children: Slice[] = [
    ['leaf', 10, 5],
    ['second', 16, 2],
    ['middle', 10, 20],
    ['root', 10, 30],
  ];
  const expected = ['0 root 10 30', '1 middle 10 20', '2 leaf 10 5', '2 second 16 2'];
  expect(await nested(children)).toEqual(expected);
  expect(await nested([...children].reverse())).toEqual(expected);
});

test('slices of no length lie in the slice around them, at its begin and at its end', async () => {
  expect(
    await nested([
      ['first', 50, 0],
      ['inner', 50, 7],
      ['last', 57, 0],
      ['outer', 40, 17],
    ]),
  ).toEqual(['0 outer 40 17', '1 inner 50 7', '2 first 50 0', '1 last 57 0']);
});

test('a slice that never ended contains what began with it and was written before', async () => {
  expect(
    await nested([
      ['done', 100, 5],
      ['open', 100, -1],
    ]),
  ).toEqual(['0 open 100 -1', '1 done 100 5']);
});

test('of two equal slices the one written first is the outer one', async () => {
  expect(
    await nested([
      ['outer', 10, 5],
      ['inner', 10, 5],
    ]),
  ).toEqual(['0 outer 10 5', '1 inner 10 5']);
});
