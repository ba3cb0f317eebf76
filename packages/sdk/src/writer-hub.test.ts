/** The hub: what its writers get is what they would have got alone, from the moment on at which they came. */
import { Category } from '@ttrace/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  defects,
  events,
  Model,
  Player,
  type Row,
  steps,
  timeOf,
  WRITERS,
  written,
} from './flight/window-test-kit.ts';
import { WriterHub } from './writer-hub.ts';

function rowsOf(given: Parameters<Model['step']>[0][]): readonly Row[] {
  const model = new Model();
  for (const step of given) model.step(step);
  return model.rows;
}

test('one writer from the beginning gets the very bytes that it would have got without the hub, and may be written to past it', async () => {
  let released = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      const rows = rowsOf(given);
      for (const make of WRITERS) {
        const alone = await written(make, (writer) => {
          const player = new Player(writer);
          for (const row of rows) player.play(row);
        });
        const through = await written(make, (writer) => {
          const hub = new WriterHub();
          hub.attach(writer, -Infinity);
          const player = new Player(hub);
          for (const row of rows) player.play(row);
          expect(hub.direct).toBe(writer);
        });
        expect(events(through.trace)).toEqual(events(alone.trace));
      }
      if (rows.some(({ kind }) => kind === 'release')) released++;
    }),
    { numRuns: 40 },
  );
  expect(released).toBeGreaterThan(10);
});

test('a writer that comes later gets what begins after, whole and valid; one that goes gets nothing more; the other gets all', async () => {
  let cut = 0;
  await fc.assert(
    fc.asyncProperty(steps, fc.double({ min: 0, max: 1, noNaN: true }), async (given, share) => {
      const rows = rowsOf(given);
      const at = Math.floor(share * rows.length);
      const since = timeOf(rows.slice(at).find((row) => timeOf(row) !== undefined)) ?? Infinity;
      const [make, other] = share < 0.5 ? [WRITERS[0]!, WRITERS[1]!] : [WRITERS[1]!, WRITERS[0]!];
      let late: Awaited<ReturnType<typeof written>> | undefined;
      const hub = new WriterHub();
      const all = await written(make, (first) => {
        hub.attach(first, -Infinity);
        const player = new Player(hub);
        for (const row of rows.slice(0, at)) player.play(row);
        return written(other, (second) => {
          hub.attach(second, since);
          expect(hub.direct).toBeUndefined();
          for (const row of rows.slice(at)) player.play(row);
          hub.detach(second);
        }).then((result) => {
          late = result;
        });
      });
      await Promise.resolve();
      await new Promise(setImmediate);
      const alone = await written(make, (writer) => {
        const player = new Player(writer);
        for (const row of rows) player.play(row);
      });
      expect(events(all.trace)).toEqual(events(alone.trace));
      expect(defects(late!.trace)).toEqual([]);
      const wanted = lateRows(rows, at, since);
      const expected = await written(other, (writer) => {
        const player = new Player(writer);
        for (const row of wanted) player.play(row);
      });
      expect(events(late!.trace)).toEqual(events(expected.trace));
      if (wanted.length < rows.length - at) cut++;
    }),
    { numRuns: 60 },
  );
  expect(cut).toBeGreaterThan(10);
});

test('a loop that is blocked when a writer comes is blocked in it from then on; other slices that were open stay away', async () => {
  const hub = new WriterHub();
  let late: ReturnType<typeof written> | undefined;
  await written(WRITERS[0]!, (writer) => {
    hub.attach(writer, -Infinity);
    hub.process(1, 'shop');
    const thread = hub.thread(1, 1, 'main');
    const loop = hub.asyncTrack(1, Category.loop, '0x1', 'main event loop');
    const [name, region, category] = ['hash', 'region', Category.loop].map((text) => hub.string(text));
    hub.begin(thread, region!, region!, 1000, 0);
    hub.begin(loop, name!, category!, 2000, 0, '{"blocked":true}');
    late = written(WRITERS[0]!, (second) => {
      hub.attach(second, 5000);
      hub.end(loop, 9000);
      hub.end(thread, 9500);
    });
  });
  const { trace } = await late!;
  expect(defects(trace)).toEqual([]);
  const { kind, value } = trace.columns;
  const lengths = [...value.subarray(0, trace.length)].filter((_, row) => kind[row] === 0);
  expect(lengths).toEqual([4000]);
});

/** What a writer that came before row `at` must get: all declarations, and of the rest what began since. */
function lateRows(rows: readonly Row[], at: number, since: number): Row[] {
  const declared = rows.slice(0, at).filter(({ kind }) => kind === 'declare');
  const began = (row: Row): boolean => {
    if (row.kind === 'end') return row.begin >= at;
    if (row.kind === 'slice') return row.start >= since;
    return true;
  };
  return [...declared, ...rows.slice(at).filter(began)].filter(({ kind }) => kind !== 'release');
}
