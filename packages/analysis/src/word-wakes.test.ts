/** Who let whom go on at a word: against queues that are played, with waiters that are slow to run or not in the trace. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indexOf, type TraceIndex } from './trace-index.ts';
import { traceOf } from './trace-test-kit.ts';
import { wordWakes } from './word-wakes.ts';

/** What happens to a word, in the order in which it does: somebody begins to wait, or a thread wakes some that wait. */
interface Step {
  readonly after: number;
  readonly thread: number;
  /** 0: this thread waits; else it wakes so many. */
  readonly woken: number;
  /** How long this thread takes to run once it is woken. */
  readonly delay: number;
  readonly isRecorded: boolean;
}

interface Played {
  readonly index: TraceIndex;
  /** `wait's begin from thread` of all that were woken and recorded. */
  readonly wakes: ReadonlySet<string>;
  readonly recorded: number;
}

const WORD = '"index":0,"byte":0,"of":64';
const nanos = (micros: number): string => (micros / 1e6).toFixed(9);

/** Plays it as the standard says: first come, first served. */
function play(steps: readonly Step[]): Played {
  const lines: string[] = [];
  const queue: { thread: number; start: number; step: Step }[] = [];
  /** Until when a thread waits. */
  const until = new Map<number, number>();
  const wakes = new Set<string>();
  let time = 0;
  let recorded = 0;
  for (const step of steps) {
    time += step.after;
    if ((until.get(step.thread) ?? 0) >= time) continue;
    if (step.woken === 0) {
      queue.push({ thread: step.thread, start: time, step });
      until.set(step.thread, Infinity);
      continue;
    }
    const woken = queue.splice(0, step.woken);
    if (woken.length === 0) continue;
    lines.push(
      `instant 1/${step.thread} +${nanos(time)} wait "Atomics.notify" {${WORD},"woken":${woken.length}}`,
    );
    for (const waiter of woken) {
      const end = time + 1 + waiter.step.delay;
      until.set(waiter.thread, end);
      if (!waiter.step.isRecorded) continue;
      recorded++;
      wakes.add(`${waiter.start} ${step.thread}`);
      lines.push(
        `slice 1/${waiter.thread} +${nanos(waiter.start)} ${nanos(end - waiter.start)} wait "Atomics.wait" {${WORD},"result":"ok"}`,
      );
    }
  }
  const threads = [1, 2, 3, 4, 5].map((tid) => `track 1/${tid} thread "worker ${tid}"`);
  const index = indexOf(traceOf(['process 1 "shop"', ...threads, ...lines].join('\n')));
  return { index, wakes, recorded };
}

function claimed({ index }: Played): string[] {
  return wordWakes(index).map(({ wait, from }) => {
    const { tid } = index.trace.tracks[from]!;
    return `${Math.round(index.trace.columns.start[wait]! / 1e3)} ${tid}`;
  });
}

const steps = (delay: fc.Arbitrary<number>, isRecorded: fc.Arbitrary<boolean>): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      after: fc.integer({ min: 3, max: 12 }),
      thread: fc.integer({ min: 1, max: 5 }),
      woken: fc.constantFrom(0, 0, 1, 1, 2),
      delay,
      isRecorded,
    }),
    { maxLength: 60 },
  );

test('where those that are woken run before the next is, all is claimed, and nothing else', () => {
  fc.assert(
    fc.property(steps(fc.constant(0), fc.constant(true)), (all) => {
      const played = play(all);
      expect(claimed(played).sort()).toEqual([...played.wakes].sort());
    }),
  );
});

test('whatever is claimed is so, however late they run and whoever is not in the trace', () => {
  let count = 0;
  let recorded = 0;
  fc.assert(
    fc.property(
      steps(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60 })), fc.constantFrom(true, true, false)),
      (all) => {
        const played = play(all);
        const claims = claimed(played);
        for (const claim of claims) expect(played.wakes).toContain(claim);
        count += claims.length;
        recorded += played.recorded;
      },
    ),
    { numRuns: 5000 },
  );
  // Else it would be true of nothing.
  expect(count).toBeGreaterThan(recorded / 4);
});
