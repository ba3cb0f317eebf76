/**
 * The event loop of one thread as a track of its own: its longer turns, and those that blocked it, with what the watchdog
 * saw on the stack meanwhile. On a track of its own, because a turn's begin is computed, and need not enclose to the
 * nanosecond what ran in it.
 *
 * A block is named after the function that it was seen in for the most time: by its end, or when it has lasted a tenth of a second. It is
 * written then, so that a crash, or a look into the file while it lasts, finds it; its exact end comes with the thread's own record, and
 * what else was seen stands in it as instants. Times are nanoseconds since the recording's origin.
 */
import { Category, loopTrackName } from '@ttrace/format/vocabulary';
import type { StringRef, TraceWriter, TrackRef } from '@ttrace/format/writers';
import { isBetweenJobs } from './stack-description.ts';

/** What a thread was doing while its loop was blocked. */
export interface StackSample {
  readonly time: number;
  /** When the turn began. */
  readonly turnStart: number;
  /** Task that the code ran in, 0 for none. */
  readonly task: number;
  /** Name of the innermost open region, '' for none. */
  readonly region: string;
  /** What the block is to be called. */
  readonly name: string;
  /** Where the function called `name` is: `file:line`, '' if not known. */
  readonly location: string;
  /** Frames, innermost first: `function (file:line:column)`. */
  readonly frames: readonly string[];
  /** Promise jobs that are known to have run one after another before this, with nothing else between them. */
  readonly jobs: number;
}

/** A block that has lasted so long is written, though it may be seen in other functions yet. */
const SETTLED = 100e6;

/** A turn's begin is computed; two of one turn differ by less. */
const SAME_TURN = 1e6;

export class LoopTrack {
  readonly #writer: TraceWriter;
  readonly #declare: () => TrackRef;
  readonly #turnNanos: number;
  readonly #blockNanos: number;
  #track: TrackRef | undefined;
  /** Samples of one turn, of which nothing is in the file yet. */
  #seen: StackSample[] = [];
  /** Begin of the block that is in the file already, -1 for none. */
  #open = -1;
  #lastEnd = 0;
  /** When the block that is in the file was last seen. */
  #lastSeen = 0;
  /** A turn that has ended, while an answer of the watchdog is on its way that may belong to it. */
  #held: readonly [start: number, end: number] | undefined;
  #isAsked = false;

  constructor(
    writer: TraceWriter,
    pid: number,
    tid: number,
    threadName: string,
    turnNanos: number,
    blockNanos: number,
  ) {
    this.#writer = writer;
    this.#turnNanos = turnNanos;
    this.#blockNanos = blockNanos;
    this.#declare = () =>
      writer.asyncTrack(pid, Category.loop, `0x${tid.toString(16)}`, loopTrackName(threadName));
  }

  /** The thread says that a turn has ended. */
  turn(start: number, end: number): void {
    this.#writeHeld();
    if (this.#open >= 0) {
      // What came before the block, in the same turn of the loop: its place on the track is taken.
      if (end <= this.#open) return;
      // A later one: the block was no turn of its own to the thread, and has lasted until it was last seen at least.
      if (start > this.#open + SAME_TURN) this.#endOpen(this.#lastSeen);
    } else if (this.#seen.length > 0 && start > this.#seen[0]!.turnStart + SAME_TURN) {
      this.#writeSeen();
      if (this.#open >= 0) this.#endOpen(this.#lastSeen);
    }
    this.#held = [start, end];
    if (!this.#isAsked) this.#writeHeld();
  }

  /** The watchdog has asked for a stack; `answered` follows. */
  asked(): void {
    this.#isAsked = true;
  }

  /** The watchdog's answer; undefined when there was none. */
  answered(sample: StackSample | undefined): void {
    this.#isAsked = false;
    if (sample !== undefined) {
      // It came when the turn was over.
      if (this.#held !== undefined && this.#held[1] < sample.time) this.#writeHeld();
      if (sample.turnStart >= this.#lastEnd - SAME_TURN) this.#take(sample);
    }
    this.#writeHeld();
  }

  /** The recording has ended, or the thread: a block that it was in has lasted at least until it was last seen. */
  close(isThreadOver: boolean): void {
    this.#isAsked = false;
    this.#writeHeld();
    if (this.#open < 0) this.#writeSeen();
    if (isThreadOver && this.#open >= 0) this.#endOpen(this.#lastSeen);
    this.#open = -1;
    if (!isThreadOver || this.#track === undefined) return;
    this.#writer.release(this.#track);
    this.#track = undefined;
  }

  #take(sample: StackSample): void {
    const { turnStart, time } = sample;
    if (this.#open >= 0 && isSameTurn(this.#open, turnStart)) {
      this.#lastSeen = time;
      this.#writeLater(sample);
      return;
    }
    if (this.#seen.length > 0 && !isSameTurn(this.#seen[0]!.turnStart, turnStart)) this.#seen = [];
    this.#seen.push(sample);
    if (this.#open < 0 && time - turnStart >= SETTLED) this.#writeSeen();
  }

  /** Writes the begin of the block that was seen and goes on, if it is one. */
  #writeSeen(): void {
    const last = this.#seen.at(-1);
    if (last !== undefined && this.#isBlock(last.turnStart, last.time)) {
      this.#lastSeen = last.time;
      this.#begin(Math.max(last.turnStart, this.#lastEnd), this.#seen);
    }
    this.#seen = [];
  }

  /** What was seen in a block, beside what it is named after: an instant, so that it is there should the process be killed. */
  #writeLater({ name, time, task, frames, jobs }: StackSample): void {
    if (frames.length === 0 && jobs === 0) return;
    const args = JSON.stringify(seenText(frames, jobs));
    this.#writer.instant(this.#ownTrack(), this.#writer.string(name), this.#category(), time, task, args);
  }

  #endOpen(time: number): void {
    this.#writer.end(this.#ownTrack(), Math.max(time, this.#open));
    this.#open = -1;
    this.#lastEnd = Math.max(this.#lastEnd, time);
  }

  #isBlock(start: number, end: number): boolean {
    return this.#blockNanos > 0 && end - start > this.#blockNanos;
  }

  #writeHeld(): void {
    if (this.#held === undefined) return;
    const [start, end] = this.#held;
    this.#held = undefined;
    const samples = this.#seen.filter(({ time, turnStart }) => time <= end && turnStart >= start - SAME_TURN);
    this.#seen = this.#seen.filter(({ turnStart }) => turnStart > end);
    this.#write(Math.max(start, this.#lastEnd), end, samples);
    this.#lastEnd = end;
  }

  #write(start: number, end: number, samples: readonly StackSample[]): void {
    if (this.#open >= 0) this.#endOpen(end);
    else if (this.#isBlock(start, end)) {
      this.#begin(start, samples);
      this.#endOpen(end);
    } else if (end - start >= this.#turnNanos) {
      const name = this.#writer.string('turn');
      this.#writer.slice(this.#ownTrack(), name, this.#category(), start, end - start, 0);
    }
  }

  #begin(start: number, samples: readonly StackSample[]): void {
    this.#open = start;
    const sample = culprit(samples);
    const name = this.#writer.string(sample === undefined ? 'blocked' : sample.name);
    const args = sample === undefined ? '{"blocked":true}' : sampleText(sample);
    this.#writer.begin(this.#ownTrack(), name, this.#category(), start, sample?.task ?? 0, args);
    for (const each of samples) if (each !== sample || each !== samples[0]) this.#writeLater(each);
  }

  #category(): StringRef {
    return this.#writer.string(Category.loop);
  }

  #ownTrack(): TrackRef {
    this.#track ??= this.#declare();
    return this.#track;
  }
}

/** Whether two begins are of one turn. */
function isSameTurn(one: number, other: number): boolean {
  return Math.abs(one - other) <= SAME_TURN;
}

/**
 * The first sample in the function with the most time: of each sample what has passed since the one before it. One between two promise
 * jobs tells nothing of what runs.
 */
function culprit(samples: readonly StackSample[]): StackSample | undefined {
  const times = new Map<string, number>();
  const telling = samples.filter(({ frames }) => !isBetweenJobs(frames));
  let before = samples[0]?.turnStart ?? 0;
  for (const sample of telling) {
    const key = functionIn(sample);
    times.set(key, (times.get(key) ?? 0) + sample.time - before);
    before = sample.time;
  }
  const most = Math.max(...times.values());
  return telling.find((sample) => times.get(functionIn(sample)) === most) ?? samples[0];
}

/** The function of the program that a sample was in, whatever line of it, and whatever it had called. */
function functionIn({ name, location }: StackSample): string {
  return location === '' ? name : `${name.replace(/:\d+( →.*)?$/, '')} ${location.replace(/:\d+$/, '')}`;
}

function sampleText({ time, turnStart, region, location, frames, jobs }: StackSample): string {
  return JSON.stringify({
    blocked: true,
    ...(location === '' ? {} : { location }),
    ...(region === '' ? {} : { region }),
    sampled_ms: Math.round((time - turnStart) / 1e3) / 1e3,
    ...seenText(frames, jobs),
  });
}

function seenText(frames: readonly string[], jobs: number): object {
  return { ...(jobs === 0 ? {} : { jobs }), ...(frames.length === 0 ? {} : { stack: frames }) };
}
