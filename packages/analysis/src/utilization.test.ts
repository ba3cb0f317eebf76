/** The utilisation curve and its worst windows beside their definitions, by trying every window of small random timelines. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Availability,
  availabilityIn,
  availabilityOf,
  DEFAULT_STOPS,
  STOPS,
  type Stop,
} from './availability.ts';
import { THREAD_STATES, type ThreadTimeline } from './thread-states.ts';
import { indexOf } from './trace-index.ts';
import { randomTrace, traceOf } from './trace-test-kit.ts';
import { roundWindowLengths, utilizationCurve, utilizationOf, windowLengths } from './utilization.ts';
import { utilizationHeatmap } from './utilization-heatmap.ts';
import { utilizationTable, worstWindowsOf, worstWindowsTable } from './utilization-tables.ts';
import { worstWindow, worstWindows } from './worst-windows.ts';

/** Some stretches of a thread, in whole nanoseconds. */
const timeline: fc.Arbitrary<ThreadTimeline> = fc
  .record({
    start: fc.integer({ min: -5, max: 30 }),
    stretches: fc.array(
      fc.record({
        length: fc.integer({ min: 1, max: 12 }),
        state: fc.nat({ max: THREAD_STATES.length - 1 }),
        share: fc.constantFrom(0, 0.25, 1),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  })
  .map(({ start, stretches }) => {
    const starts = [start];
    for (const { length } of stretches) starts.push(starts.at(-1)! + length);
    const isIdle = (state: number): boolean => THREAD_STATES[state] === 'idle';
    return {
      thread: {
        pid: 1,
        tid: 1,
        name: 'a',
        track: 0,
        loopTrack: -1,
        sampleTrack: -1,
        start,
        startedAt: start,
        end: starts.at(-1)!,
      },
      length: stretches.length,
      starts: Float64Array.from(starts),
      states: Uint8Array.from(stretches, ({ state }) => state),
      reasons: new Uint32Array(stretches.length),
      shares: Float32Array.from(stretches, ({ state, share }) => (isIdle(state) ? share : 0)),
    };
  });
// More than are added at once.
const timelines = fc.array(timeline, { minLength: 1, maxLength: 10 });
const stops = fc.subarray([...STOPS]);

/** By definition: availability in each nanosecond, from the first moment on. */
function levelsOf(
  all: readonly ThreadTimeline[],
  counted: readonly Stop[],
): { start: number; levels: number[] } {
  const start = Math.min(...all.map(({ starts }) => starts[0]!));
  const end = Math.max(...all.map(({ starts, length }) => starts[length]!));
  const stopOf = { blocked: 'blocks', gc: 'gc', waiting: 'waits', running: 'running' } as const;
  const levels: number[] = [];
  for (let time = start; time < end; time++) {
    const alive: number[] = [];
    for (const { starts, states, shares, length } of all) {
      const at = starts.findIndex((each, i) => i < length && each <= time && time < starts[i + 1]!);
      if (at < 0) continue;
      const state = THREAD_STATES[states[at]!]!;
      const stop = state in stopOf ? stopOf[state as keyof typeof stopOf] : undefined;
      const isStopped = stop !== undefined && counted.includes(stop);
      alive.push(isStopped ? 0 : 1 - (counted.includes('running') ? shares[at]! : 0));
    }
    levels.push(alive.length === 0 ? 1 : alive.reduce((sum, each) => sum + each, 0) / alive.length);
  }
  return { start, levels };
}

/** Utilisation of each window of a length that begins at a whole nanosecond: where all edges are, one of them is the worst. */
function windowsOf(levels: readonly number[], length: number): number[] {
  const found: number[] = [];
  for (let from = 0; from + length <= levels.length; from++) {
    found.push(levels.slice(from, from + length).reduce((sum, each) => sum + each, 0) / length);
  }
  return found;
}

function made(all: readonly ThreadTimeline[], counted: readonly Stop[]): Availability {
  return availabilityOf(all.map((each) => availabilityIn(each, counted, -Infinity, Infinity)));
}

test('of windows of each length none has less than the minimum, and one has it', () => {
  fc.assert(
    fc.property(timelines, stops, (all, counted) => {
      const availability = made(all, counted);
      const { start, levels } = levelsOf(all, counted);
      for (let length = 1; length <= levels.length; length++) {
        const windows = windowsOf(levels, length);
        const worst = worstWindow(availability, length)!;
        expect(worst.utilization).toBeCloseTo(Math.min(...windows), 9);
        expect(windows[worst.start - start]).toBeCloseTo(worst.utilization, 9);
      }
      expect(worstWindow(availability, levels.length + 1)).toBeUndefined();
    }),
  );
});

test('in a long trace as well, whether windows are alike or not', () => {
  const long = fc.record({
    lengths: fc.infiniteStream(fc.integer({ min: 1, max: 12 })),
    isPeriodic: fc.boolean(),
    window: fc.constantFrom(3, 40, 700, 5000, 12_000),
    threads: fc.integer({ min: 1, max: 2 }),
  });
  fc.assert(
    fc.property(long, ({ lengths, isPeriodic, window, threads }) => {
      const all = Array.from({ length: threads }, () => {
        const starts = [0];
        for (let i = 0; i < 3000; i++) starts.push(starts[i]! + (isPeriodic ? 5 : lengths.next().value));
        const states = Uint8Array.from({ length: 3000 }, (_, i) => (i % 2) * THREAD_STATES.indexOf('gc'));
        const thread = { pid: 1, tid: 1, name: 'a', track: 0, loopTrack: -1, sampleTrack: -1 };
        return {
          thread: { ...thread, start: 0, startedAt: 0, end: starts[3000]! },
          length: 3000,
          starts: Float64Array.from(starts),
          states,
          reasons: new Uint32Array(3000),
          shares: new Float32Array(3000),
        };
      });
      const { times, levels, length } = made(all, ['gc']);
      const before = [0];
      for (let i = 0; i < length; i++) {
        for (let time = times[i]!; time < times[i + 1]!; time++) before.push(before[time]! + levels[i]!);
      }
      let least = Infinity;
      for (let at = 0; at + window < before.length; at++)
        least = Math.min(least, before[at + window]! - before[at]!);
      expect(worstWindow(made(all, ['gc']), window)!.utilization).toBeCloseTo(least / window, 9);
    }),
    { numRuns: 40 },
  );
});

test('the worst windows do not overlap, each is the worst of those that are left, and no stop is listed twice', () => {
  fc.assert(
    fc.property(timelines, stops, fc.integer({ min: 1, max: 20 }), (all, counted, length) => {
      const availability = made(all, counted);
      const { start, levels } = levelsOf(all, counted);
      const left = new Map(windowsOf(levels, length).map((utilization, at) => [at, utilization]));
      const found = worstWindows(availability, length, 10);
      for (const window of found) {
        expect(window.utilization).toBeCloseTo(Math.min(...left.values()), 9);
        const from = window.start - start;
        expect(left.get(from)).toBeCloseTo(window.utilization, 9);
        // A stretch of one level that holds the whole window counts with it.
        const isEven = levels.slice(from, from + length).every((each) => each === levels[from]);
        let first = from;
        let last = from + length;
        while (isEven && levels[first - 1] === levels[from]) first--;
        while (isEven && levels[last] === levels[from]) last++;
        for (const at of left.keys()) if (at < last && at + length > first) left.delete(at);
      }
      if (found.length < 10) for (const rest of left.values()) expect(rest).toBeCloseTo(1, 9);
    }),
  );
});

test('percentiles are what so many of all windows have, as finely as they are looked at', () => {
  fc.assert(
    fc.property(randomTrace, stops, (trace, counted) => {
      const index = indexOf(trace);
      const utilization = utilizationOf(index, {}, counted);
      const { availability, duration } = utilization;
      for (const { windowNanos, minimum, p999, p99, p95 } of utilizationCurve(
        index,
        utilization,
        windowLengths(duration, 12),
      )) {
        expect([minimum, p999, p99, p95, 1 + 1e-9]).toEqual(
          [minimum, p999, p99, p95, 1 + 1e-9].sort((a, b) => a - b),
        );
        if (windowNanos === duration) expect(p95 - minimum).toBeLessThan(1e-3);
        const places = Array.from({ length: 500 }, (_, i) => {
          const from = availability.times[0]! + ((duration - windowNanos) * i) / 500;
          return worstWindow(availability, windowNanos, undefined, from, from)!.utilization;
        });
        const below = places.filter((each) => each < p95 - 0.01).length;
        const above = places.filter((each) => each > p95 + 0.01).length;
        expect(below).toBeLessThanOrEqual(0.06 * 500 + 1);
        expect(above).toBeLessThanOrEqual(0.96 * 500 + 1);
      }
    }),
    { numRuns: 10 },
  );
});

test('window lengths are whole, rise, and span six decades at most', () => {
  for (const duration of [1, 7, 999, 5000, 1.1e9, 3.6e12, 1234.5]) {
    for (const lengths of [windowLengths(duration), roundWindowLengths(duration)]) {
      expect(lengths).toEqual([...lengths].sort((a, b) => a - b));
      expect(lengths.every((length) => Number.isInteger(length) && length > 0 && length <= duration)).toBe(
        true,
      );
      expect(lengths.at(-1)).toBe(Math.floor(duration));
    }
    expect(windowLengths(duration).length).toBeLessThanOrEqual(100);
  }
  expect(windowLengths(3.6e12)).toHaveLength(61);
  expect(windowLengths(3.6e12)[0]).toBe(3.6e6);
  expect([windowLengths(0), roundWindowLengths(0)]).toEqual([[], []]);
});

test('shares of the heat map add up to 1 where a thread is alive, and to its times over all bins', () => {
  fc.assert(
    fc.property(randomTrace, fc.integer({ min: 1, max: 40 }), (trace, bins) => {
      const index = indexOf(trace);
      const { rows, binNanos } = utilizationHeatmap(index, {}, bins);
      for (const { thread, shares, alive } of rows) {
        let life = 0;
        for (let bin = 0; bin < bins; bin++) {
          const own = shares.subarray(bin * THREAD_STATES.length, (bin + 1) * THREAD_STATES.length);
          const sum = own.reduce((total, each) => total + each, 0);
          expect(sum).toBeCloseTo(alive[bin]! > 0 ? 1 : 0, 9);
          life += alive[bin]! * binNanos;
        }
        expect(life).toBeCloseTo(thread.end - thread.start, 3);
      }
    }),
  );
});

const BUSY = traceOf(
  [
    'process 1 "shop"',
    'track 1/1 thread "main"',
    'track l1 async 1 loop "0x1" "main event loop"',
    'track 1/2 thread "worker"',
    'slice 1/1 +0.000000000 0.000100000 region "start"',
    'slice l1 +0.010000000 0.040000000 loop "hash auth.js:12" {"blocked":true,"location":"auth.js:12"}',
    'slice 1/1 +0.020000000 0.005000000 gc "GC minor"',
    'slice 1/1 +0.060000000 0.010000000 gc "GC major"',
    'slice 1/2 +0.030000000 0.060000000 wait "Atomics.wait"',
    'slice 1/1 +0.099900000 0.000100000 region "end"',
    'slice 1/2 +0.000000000 0.100000000 region "all"',
  ].join('\n'),
);

test('a block, a collection and a wait are where a worst window is, by name and time', () => {
  const index = indexOf(BUSY);
  const main = utilizationOf(index, { thread: 'main' });
  expect(worstWindowsOf(index, main, 20e6)[0]).toMatchObject({ utilization: 0 });
  const [first, second] = worstWindowsOf(index, main, 45e6);
  expect(first!.utilization).toBeCloseTo(5 / 45, 9);
  expect(first!.causes.map(({ name, nanos }) => [name, nanos])).toEqual([
    ['hash auth.js:12', 35e6],
    ['GC minor', 5e6],
  ]);
  expect(second?.causes[0]).toMatchObject({ state: 'gc', name: 'GC major', nanos: 10e6 });
  const { rows, columns } = worstWindowsTable(index, utilizationOf(index), 100e6);
  expect(columns.slice(-2).map((column) => column.of(rows[0]!))).toEqual([
    'worker: waiting in Atomics.wait 60.0 ms',
    'main: hash auth.js:12 35.0 ms, main: GC major 10.0 ms, main: GC minor 5.00 ms',
  ]);
});

test('what does not count is available', () => {
  const index = indexOf(BUSY);
  const minimum = (counted: readonly Stop[], windowNanos: number): number =>
    utilizationCurve(index, utilizationOf(index, { thread: 'main' }, counted), [windowNanos])[0]!.minimum;
  expect(minimum(DEFAULT_STOPS, 40e6)).toBe(0);
  expect(minimum(['gc'], 10e6)).toBe(0);
  expect(minimum(['gc'], 40e6)).toBeCloseTo(30 / 40, 9);
  expect(minimum(['blocks'], 100e6)).toBeCloseTo(0.65, 9);
  expect(minimum(['waits'], 10e6)).toBe(1);
  expect(minimum(STOPS, 100e6)).toBeCloseTo(0.498, 9);
});

test('a filter takes a thread and a stretch, and what is empty has no curve', () => {
  const index = indexOf(BUSY);
  const { duration } = utilizationOf(index, { thread: 'worker', from: 25e6, to: 50e6 });
  expect(duration).toBe(25e6);
  expect(utilizationTable(index, utilizationOf(index, { thread: 'nobody' })).rows).toEqual([]);
  expect(worstWindowsOf(index, utilizationOf(index, { thread: 'nobody' }), 1e6)).toEqual([]);
  expect(utilizationHeatmap(index, { thread: 'worker' }, 10).rows).toHaveLength(1);
});
