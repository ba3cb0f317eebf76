/** States of threads: that they add up, and that each moment is what its definition says. */
import { Category, EventKind } from '@ttrace/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { availabilityIn } from './availability.ts';
import { eachRegionTable } from './regions-table.ts';
import {
  stretchAt,
  THREAD_STATES,
  type ThreadState,
  type ThreadTimeline,
  threadTimeline,
  timesBetween,
  withTimeline,
} from './thread-states.ts';
import { threadsTable } from './threads-table.ts';
import { indexOf, type Thread, type TraceIndex } from './trace-index.ts';
import { randomTrace, traceOf } from './trace-test-kit.ts';

test('states of a thread do not overlap and add up to its total, and so do those of each region', () => {
  fc.assert(
    fc.property(randomTrace, (trace) => {
      const index = indexOf(trace);
      for (const { thread, totalNanos, times } of threadsTable(index).rows) {
        expect(times.byState.reduce((sum, each) => sum + each, 0)).toBeCloseTo(totalNanos, 3);
        const waiting = [...times.byReason.values()].reduce((sum, each) => sum + each, 0);
        expect(waiting).toBeCloseTo(times.byState[THREAD_STATES.indexOf('waiting')]!, 3);
        const { starts, length } = threadTimeline(index, thread);
        for (let i = 0; i < length; i++) expect(starts[i + 1]!).toBeGreaterThan(starts[i]!);
        expect([starts[0], starts[length]]).toEqual([thread.start, thread.end]);
      }
      for (const { thread, totalNanos, times } of eachRegionTable(index).rows) {
        if (thread === undefined) continue;
        expect(times.byState.reduce((sum, each) => sum + each, 0)).toBeCloseTo(totalNanos, 3);
      }
    }),
  );
});

test('stops are the same where nothing else is looked at', () => {
  fc.assert(
    fc.property(randomTrace, fc.subarray(['blocks', 'gc', 'waits'] as const), (trace, stops) => {
      const index = indexOf(trace);
      for (const thread of index.threads) {
        const steps = (timeline: ThreadTimeline): number[][] => {
          const { length, times, sums } = availabilityIn(timeline, stops, -Infinity, Infinity);
          return [[...times.subarray(0, length + 1)], [...sums.subarray(0, length)]];
        };
        const alone = withTimeline(index, thread, steps, true);
        expect(alone).toEqual(steps(threadTimeline(index, thread)));
      }
    }),
  );
});

test('parts of a thread’s time add up to the whole', () => {
  fc.assert(
    fc.property(randomTrace, fc.integer({ min: 0, max: 1200 }), (trace, cut) => {
      const index = indexOf(trace);
      for (const thread of index.threads) {
        const timeline = threadTimeline(index, thread);
        const moment = index.start + cut * 1000;
        const whole = timesBetween(timeline, index.start, index.end).byState;
        const before = timesBetween(timeline, index.start, Math.min(moment, index.end)).byState;
        const after = timesBetween(timeline, Math.min(moment, index.end), index.end).byState;
        whole.forEach((each, state) => {
          expect(before[state]! + after[state]!).toBeCloseTo(each, 3);
        });
      }
    }),
  );
});

test('at each moment the state is the one that its definition names', () => {
  fc.assert(
    fc.property(
      randomTrace,
      fc.array(fc.integer({ min: 0, max: 1300 }), { maxLength: 20 }),
      (trace, moments) => {
        const index = indexOf(trace);
        for (const thread of index.threads) {
          const timeline = threadTimeline(index, thread);
          for (const moment of moments) {
            // Half a microsecond past: no edge of a slice lies there.
            const time = index.start + moment * 1000 + 500;
            if (time < thread.start || time >= thread.end) continue;
            const state = THREAD_STATES[timeline.states[stretchAt(timeline, time)]!];
            expect(definedStates(index, thread, time)).toContain(state);
          }
        }
      },
    ),
  );
});

test('a region that is open while its thread does other things, or nothing, is no running there', () => {
  const index = indexOf(
    traceOf(`process 1 "shop"
track 1/1 thread "main"
track m async 1 loop "0x1" "main event loop"
slice 1/1 +0.000000000 0.400000000 region "load"
slice m +0.000000000 0.002000000 loop "turn"
slice m +0.398000000 0.003000000 loop "turn"
slice 1/1 +0.401000000 0.001000000 region "short"
slice 1/1 +0.410000000 0.000000001 region "end"`),
  );
  const [main] = threadsTable(index).rows;
  const millis = (state: ThreadState): number => main!.times.byState[THREAD_STATES.indexOf(state)]! / 1e6;
  // Two turns, and what is too short for one that was recorded.
  expect(millis('running')).toBeCloseTo(6, 3);
  expect(millis('idle')).toBeCloseTo(404, 3);
});

const WORKER = `meta ttrace_recording {"version":1}
process 1 "shop"
track 1/1 thread "main"
track 1/2 thread "worker 1 pool" sort=1
track m async 1 loop "0x1" "main event loop"
track l2 async 1 loop "0x2" "worker 1 pool event loop"
track w async 1 worker "0x9" "worker 1 pool"
track c counter 1 "" "worker 1 pool loop utilization"
track h counter 1 "" "main heap used"
slice m +0.000000000 0.005000000 loop "turn"
counter h +0.001000000 1000 "main heap used"
instant 1/1 +0.260000000 worker "worker online" {"threadId":1}
slice l2 +0.270000000 0.002000000 loop "turn"
counter c +0.770000000 1 "worker 1 pool loop utilization"`;

test('a worker with next to nothing to do lives from its start to its end, starts, and is idle', () => {
  const life = 'slice w +0.200000000 2.800000000 worker "worker 1 pool" {"threadId":1}';
  const index = indexOf(traceOf(`${WORKER}\n${life}\ncounter h +4.000000000 1000 "main heap used"`));
  const rows = threadsTable(index).rows.map(({ thread, totalNanos, busyNanos }) => [
    thread.name,
    totalNanos / 1e6,
    Math.round(busyNanos / 1e6),
  ]);
  // 60 ms of start, a turn of 2 ms, and of the half second to the reading 1 %.
  expect(rows).toEqual([
    ['worker 1 pool', 2800, 65],
    ['main', 4000, 5],
  ]);
});

test('a worker that has not ended lives as long as the recording of its process, and no thread beyond what a cut trace covers', () => {
  const life = 'slice w +0.200000000 open worker "worker 1 pool" {"threadId":1}';
  const other = 'track o async 2 task "0x1" "order"\nslice o +0.000000000 9.000000000 task "order"';
  const alive = indexOf(
    traceOf(`${WORKER}\n${other}\n${life}\ncounter h +4.000000000 1000 "main heap used"`),
  );
  expect(alive.threads.map(({ end }) => (end - alive.start) / 1e6)).toEqual([4000, 4000]);
  // What overlaps a stretch of a trace has its true begin and end.
  const cut = indexOf(
    traceOf(
      `${WORKER.replace(/^(counter|instant|slice m).*\n/gm, '')}\nslice w -9.000000000 99.000000000 worker "worker 1 pool" {"threadId":1}`,
    ),
  );
  const [main, worker] = cut.threads;
  expect([main, worker].map((thread) => [thread!.start / 1e6, thread!.end / 1e6])).toEqual([
    [272, 770],
    [270, 770],
  ]);
});

/** The definition in thread-states.ts, moment by moment; two where the length of what is around it decides. */
function definedStates(index: TraceIndex, thread: Thread, time: number): ThreadState[] {
  const { kind, start, category, track } = index.trace.columns;
  const around = (on: number): number[] =>
    Array.from({ length: index.trace.length }, (_, row) => row).filter(
      (row) =>
        track[row] === on && kind[row] === EventKind.slice && start[row]! <= time && index.endOf(row) > time,
    );
  const innermost = around(thread.track).sort((a, b) => start[b]! - start[a]!)[0];
  const of = innermost === undefined ? '' : index.trace.strings.text(category[innermost]!);
  if (of === Category.gc) return ['gc'];
  if (of === Category.wait) return ['waiting'];
  const turns = thread.loopTrack < 0 ? [] : around(thread.loopTrack);
  if (turns.some((row) => index.argsOf(row).blocked === true)) return ['blocked'];
  const hasReadings = index.trace.tracks.some(
    ({ kind: what, name }, at) =>
      what === 'counter' &&
      name === `${thread.name} loop utilization` &&
      track.subarray(0, index.trace.length).includes(at),
  );
  const hasTurns = index.slices.offsets[thread.loopTrack]! < index.slices.offsets[thread.loopTrack + 1]!;
  if (turns.length > 0 || time < thread.startedAt) return ['running'];
  if (innermost !== undefined) return hasTurns ? ['running', 'idle'] : ['running'];
  return [hasReadings || hasTurns ? 'idle' : 'unknown'];
}
