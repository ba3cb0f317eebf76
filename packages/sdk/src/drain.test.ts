/**
 * What the collector makes of a thread's ring: texts wherever they lie, regions that are open for long, and a ring that was
 * full. The recorder writes, rounds are made by hand, so that every order of the two can be tried.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { begunNames, laneSlices, names, recordHere, threadSlices } from './recorder-test-kit.ts';
import { trace } from './trace.ts';

test('a text is what it was wherever in the ring it lies, and what found no room is counted', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.nat(5000).map((length) => 'x'.repeat(length)),
  );
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ log: text }) },
    { weight: 3, arbitrary: fc.record({ region: text }) },
    { weight: 2, arbitrary: fc.constant({ round: true }) },
  );
  let wrapped = 0;
  let dropped = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      // 256 slots of 24 bytes: the longest text takes most of them.
      const recording = recordHere(8);
      const called: string[] = [];
      for (const given of steps) {
        if ('round' in given) recording.round();
        else if ('log' in given) trace.log('log', `${called.push(given.log) - 1} ${given.log}`);
        else {
          const i = called.push(given.region) - 1;
          trace.withRegion('region', { i, text: given.region }, () => i);
        }
      }
      const counts = recording.finish();
      const seen = new Map<number, unknown>();
      for (const { args, ph } of recording.events()) {
        const { message, i, text } = args ?? {};
        if (ph === 'i') seen.set(Number.parseInt(String(message), 10), String(message).replace(/^\d+ /, ''));
        else if (ph === 'X') seen.set(Number(i), text);
      }
      expect(seen.size).toBe(counts.records);
      expect(counts.records + counts.dropped).toBe(called.length);
      for (const [i, found] of seen) expect(found).toBe(wellFormed(clipped(called[i]!, found)));
      if (called.join('').length > 256 * 24 && counts.dropped === 0) wrapped++;
      dropped += counts.dropped;
    }),
    { numRuns: 200 },
  );
  expect(wrapped).toBeGreaterThan(5);
  expect(dropped).toBeGreaterThan(5);
});

/** Long texts are clipped by the API, which has tests of its own. */
function clipped(text: string, found: unknown): string {
  return text.length <= 4000 ? text : String(found);
}

/** Halves of surrogate pairs do not survive UTF-8. */
function wellFormed(text: string): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text));
}

test('a text that reaches over the end of a turn of reading, and over the end of the ring, is whole', () => {
  // A turn takes 2^14 slots of this ring's 2^15.
  for (const before of [(1 << 14) - 20, (1 << 15) - 20]) {
    const recording = recordHere(15);
    trace.withRegion('r', () => 1);
    recording.round();
    for (let i = 0; i < before; i++) {
      trace.withRegion('r', () => i);
      if (before > 1 << 14 && i === 1 << 14) recording.round();
    }
    trace.log('log', `<${'é'.repeat(2000)}>`);
    for (let i = 0; i < 100; i++) trace.withRegion('after', () => i);
    const { records, dropped } = recording.finish();
    expect([records, dropped]).toEqual([1 + before + 1 + 100, 0]);
    const log = recording.events().find(({ ph }) => ph === 'i');
    expect(log!.args!.message).toBe(`<${'é'.repeat(2000)}>`);
  }
});

test('a collector that is behind by a full ring finds the oldest events, and their names', () => {
  const recording = recordHere(8);
  for (let burst = 0; burst < 5; burst++) {
    for (let i = 0; i < 1000; i++) trace.withRegion(`burst ${burst}`, { i }, () => i);
    recording.round();
  }
  trace.withRegion('burst 3', () => 1);
  const { records, dropped } = recording.finish();
  expect(records + dropped).toBe(5001);
  const slices = threadSlices(recording.events());
  expect(slices).toHaveLength(records);
  for (let burst = 0; burst < 5; burst++) {
    const own = slices.filter(({ name, args }) => name === `burst ${burst}` && 'i' in args);
    expect(own.length).toBeGreaterThan(10);
    expect(own.map(({ args }) => args.i)).toEqual(own.map((_, i) => i));
  }
  expect(slices.at(-1)!.name).toBe('burst 3');
  const marks = recording.events().filter(({ name }) => name === 'ttrace_dropped');
  expect(marks.reduce((sum, { args }) => sum + Number(args?.dropped), 0)).toBe(dropped);
});

test('a name that found no room is called (other) once, and by its name when there is room again', () => {
  const recording = recordHere(8);
  // One slot is left: enough for a region, not for a new name.
  trace.withRegion('filler', () => 1);
  recording.round();
  for (let i = 0; i < 255; i++) trace.withRegion('filler', () => i);
  trace.withRegion('late', () => 1);
  recording.round();
  trace.withRegion('late', () => 2);
  expect(recording.finish()).toMatchObject({ records: 258, dropped: 0 });
  expect(
    threadSlices(recording.events())
      .slice(-2)
      .map(({ name }) => name),
  ).toEqual(['(other)', 'late']);
});

test('a region that is open for long is in the file before it ends, and once', () => {
  const recording = recordHere();
  const outer = trace.startRegion('outer');
  const inner = trace.startRegion('inner', { at: 'end' });
  trace.withRegion('before', () => 1);
  recording.round();
  expect(begunNames(recording)).toEqual([]);
  recording.round();
  expect(begunNames(recording)).toEqual(['outer', 'inner']);
  trace.withRegion('within', () => 1);
  recording.round();
  inner.end();
  trace.withRegion('after inner', () => 1);
  outer.end();
  trace.withRegion('after', () => 1);
  recording.finish();
  const slices = threadSlices(recording.events());
  expect(slices.map(({ name }) => name)).toEqual([
    'outer',
    'inner',
    'before',
    'within',
    'after inner',
    'after',
  ]);
  expect(slices[1]!.args).toEqual({ at: 'end' });
  expect(slices[2]!.end).toBeLessThan(slices[1]!.end);
  expect(slices[4]!.start).toBeGreaterThan(slices[1]!.end);
  expect(slices[0]!.end).toBeLessThan(slices[5]!.start);
});

test('what is still open at the end is an unfinished slice, begun in the file or not', () => {
  const recording = recordHere();
  trace.startRegion('long open');
  recording.round();
  recording.round();
  trace.startRegion('open');
  recording.finish();
  expect(threadSlices(recording.events()).map(({ name, end }) => [name, end])).toEqual([
    ['long open', Infinity],
    ['open', Infinity],
  ]);
});

test('a recursion deeper than the stack of open regions leaves none behind that has ended', () => {
  const recording = recordHere();
  const nest = (depth: number): void => {
    trace.withRegion(`depth ${depth}`, () => {
      if (depth < 100) nest(depth + 1);
      // The deep ones have ended.
      if (depth === 5) for (let i = 0; i < 3; i++) recording.round();
    });
  };
  const outer = trace.startRegion('outer');
  nest(0);
  outer.end();
  recording.finish();
  const depths = Array.from({ length: 101 }, (_, i) => `depth ${i}`);
  expect(threadSlices(recording.events()).map(({ name }) => name)).toEqual(['outer', ...depths]);
});

test('regions opened deeper than the stack of open ones leave none behind that has ended', () => {
  const recording = recordHere();
  const regions = Array.from({ length: 101 }, (_, i) => trace.startRegion(`depth ${i}`));
  recording.round();
  // The deep ones have ended; the others stay open for long.
  while (regions.length > 5) regions.pop()!.end();
  for (let i = 0; i < 3; i++) recording.round();
  while (regions.length > 0) regions.pop()!.end();
  trace.withRegion('after', () => 1);
  recording.finish();
  const slices = threadSlices(recording.events());
  expect(names(slices)).toEqual([...Array.from({ length: 101 }, (_, i) => `depth ${i}`), 'after'].sort());
  expect(laneSlices(recording.events())).toEqual([]);
});

test('an async function that works for long before its first await leaves the thread when it returns', async () => {
  const recording = recordHere();
  const promise = trace.withRegion('load', async () => {
    trace.withRegion('within', () => recording.round());
    recording.round();
    await sleep(1);
  });
  trace.withRegion('after', () => 1);
  const long = trace.startRegion('long');
  recording.round();
  recording.round();
  long.end();
  await promise;
  recording.finish();
  const slices = threadSlices(recording.events());
  const [load, within, after] = ['load', 'within', 'after'].map(
    (name) => slices.find((slice) => slice.name === name)!,
  );
  expect(names(slices)).toEqual(['after', 'load', 'long', 'within']);
  expect(load!.end).toBeGreaterThan(within!.end);
  expect(load!.end).toBeLessThan(after!.start);
  // Goes on where it left.
  expect(laneSlices(recording.events()).map(({ name, start }) => [name, start])).toEqual([
    ['load', load!.end],
  ]);
});

test('a long region whose end found no room does not swallow what comes after it', () => {
  const recording = recordHere(8);
  const around = trace.startRegion('around');
  const lost = trace.startRegion('lost');
  recording.round();
  recording.round();
  for (let i = 0; i < 300; i++) trace.withRegion('filler', () => i);
  lost.end();
  recording.round();
  recording.round();
  trace.withRegion('after', () => 1);
  const long = trace.startRegion('long');
  recording.round();
  recording.round();
  expect(begunNames(recording)).toEqual(['around', 'lost', 'long']);
  long.end();
  around.end();
  recording.finish();
  const slices = threadSlices(recording.events());
  const [lostSlice, after] = ['lost', 'after'].map((name) => slices.find((slice) => slice.name === name)!);
  expect(lostSlice!.end).toBeLessThan(after!.start);
});

test('regions of one name that end late share tracks only when they do not meet', () => {
  const recording = recordHere();
  // One after another the inner ones end late, though all were open at once: read in this order they seem to take turns.
  const regions = Array.from({ length: 6 }, () => trace.startRegion('same'));
  for (const region of regions) region.end();
  for (let i = 0; i < 6; i++) {
    const outer = trace.startRegion('outer');
    const late = trace.startRegion('same');
    outer.end();
    late.end();
  }
  recording.finish();
  const events = recording.events();
  expect(laneSlices(events)).toHaveLength(11);
  expect(new Set(events.map(({ id2 }) => id2?.local ?? '')).size).toBe(1 + 5);
});
