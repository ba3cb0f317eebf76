/**
 * Looks after the threads' event loops from outside: one that has not shown a sign of life for a while is asked for its stack,
 * and again ever more rarely while that lasts. Runs in the collector, a look a round.
 */
import type { DrainedThread } from './drained-thread.ts';
import type { StackSample } from './loop-track.ts';
import { Stamp } from './ring.ts';
import type { RawFrame } from './sources/stack-frames.ts';
import { describeStack, isBetweenJobs } from './stack-description.ts';
import type { StackSampler } from './stack-sampler.ts';

/** The second question comes this long after the first, the next ones ever later. */
const FIRST_GAP = 20e6;
const GAP_GROWTH = 1.5;
const MAX_GAP = 1000e6;
/** An idle loop shows itself every 10 ms, as long as it gets a processor. */
const LEAST_PATIENCE = 15e6;

/** An answer that takes longer came when a native call was over: running JavaScript answers within a millisecond or two. */
const LATE = 8e6;

/** Who has been busy for no longer when it answers was asked while it waited. */
const JUST_WOKEN = 5e6;

/** So long is asked again who answers between two promise jobs: where jobs are short one answer in twenty names one. */
const BETWEEN_JOBS = 20e6;

/** What is known about one thread's silence. Times are nanoseconds since the recording's origin. */
interface Silence {
  /** Last sign of life. */
  since: number;
  nextQuestion: number;
  gap: number;
  isAsked: boolean;
}

export class Watchdog {
  readonly #sampler: StackSampler;
  readonly #patience: number;
  readonly #now: () => number;
  readonly #silences = new WeakMap<DrainedThread, Silence>();
  /** Questions that are not answered yet: their answers need an event loop. */
  openQuestions = 0;
  /** Whether no loop was awake at the last look. */
  areAllQuiet = false;

  /**
   * @param blockNanos Length of a turn from which on it is a block.
   * @param now Nanoseconds since the recording's origin.
   */
  constructor(sampler: StackSampler, blockNanos: number, now: () => number) {
    this.#sampler = sampler;
    this.#now = now;
    // Asked a little before it is a block, so that there is a stack when it becomes one.
    this.#patience = Math.max(LEAST_PATIENCE, blockNanos - 5e6);
  }

  /** @returns nanoseconds until the next question may be due. */
  look(threads: readonly DrainedThread[]): number {
    if (this.#sampler.failure !== undefined) return Infinity;
    const now = this.#now();
    let due = Infinity;
    this.areAllQuiet = true;
    for (const thread of threads) {
      const alive = thread.block.stamps[Stamp.alive]!;
      if (alive === 0) continue;
      const isQuiet = thread.block.stamps[Stamp.quiet] === 1;
      const silence = this.#silence(thread, Math.round(alive * 1e6) + thread.offset);
      if (isQuiet && thread.wait?.isWaiting(alive) === true) {
        thread.waitedAt = now;
        continue;
      }
      if (!isQuiet) thread.wait?.forget();
      this.areAllQuiet = false;
      if (!silence.isAsked && now < silence.nextQuestion) due = Math.min(due, silence.nextQuestion - now);
      if (silence.isAsked || now < silence.nextQuestion || thread.block.stamps[Stamp.limited]! > 0) continue;
      silence.gap = Math.min(silence.gap * GAP_GROWTH, MAX_GAP);
      silence.nextQuestion = now + silence.gap;
      void this.#ask(thread, silence);
    }
    return due;
  }

  /**
   * Whether every loop still waits as it did at the last look, which found them all quiet. One without a sign of life is parked.
   *
   * @param nanos since then, at least.
   */
  areAllAsleep(threads: readonly DrainedThread[], nanos: number): boolean {
    // hot: 40 times a second in an idle process; what it calls after a sleep is in no cache.
    if (!this.areAllQuiet || this.openQuestions > 0) return false;
    for (const thread of threads) {
      const alive = thread.block.stamps[Stamp.alive]!;
      if (alive === 0) continue;
      if (thread.wait?.isStillWaiting(alive) !== true) return false;
      thread.waitedAt += nanos;
    }
    return true;
  }

  #silence(thread: DrainedThread, alive: number): Silence {
    let silence = this.#silences.get(thread);
    if (silence === undefined) {
      silence = { since: 0, nextQuestion: 0, gap: 0, isAsked: false };
      this.#silences.set(thread, silence);
    }
    const since = Math.max(alive, thread.waitedAt);
    if (silence.since !== since) {
      silence.since = since;
      silence.nextQuestion = since + this.#patience;
      silence.gap = FIRST_GAP / GAP_GROWTH;
    }
    return silence;
  }

  async #ask(thread: DrainedThread, silence: Silence): Promise<void> {
    silence.isAsked = true;
    this.openQuestions++;
    thread.loop?.asked();
    let sample: StackSample | undefined;
    try {
      const until = this.#now() + BETWEEN_JOBS;
      for (let askedAt = this.#now(); askedAt < until; askedAt = this.#now()) {
        const text = await this.#sampler.ask(thread.threadId);
        const answer = text === undefined ? undefined : sampleOf(thread, text, askedAt);
        // The turn is over.
        if (sample !== undefined && (answer === undefined || answer.turnStart > sample.time)) break;
        sample = answer;
        if (answer === undefined || answer.jobs === 0 || !isBetweenJobs(answer.frames)) break;
      }
    } catch {
      // An answer that makes no sense: a program may have changed what it is made with.
    } finally {
      silence.isAsked = false;
      this.openQuestions--;
      if (sample !== undefined && sample.time - sample.turnStart < JUST_WOKEN) thread.wait?.forget();
      thread.loop?.answered(sample);
    }
  }
}

/** What `probe` in sources/event-loop.ts says. */
type Probed = readonly [
  time: number,
  start: number,
  region: number,
  task: number,
  frames: readonly RawFrame[],
  jobs: number,
];

function sampleOf(thread: DrainedThread, text: string, askedAt: number): StackSample {
  const [millis, start, region, task, frames, jobs] = JSON.parse(text) as Probed;
  const time = Math.round(millis * 1e6) + thread.offset;
  return {
    time,
    turnStart: Math.round(start * 1e6) + thread.offset,
    task,
    region: thread.nameTexts[region] ?? '',
    jobs,
    ...describeStack(frames, time - askedAt > LATE),
  };
}
