/**
 * The event loop of one thread as a track of its own: its longer turns, and those that blocked it, with what the watchdog
 * saw on the stack meanwhile. On a track of its own, because a turn's begin is computed, and need not enclose to the
 * nanosecond what ran in it.
 *
 * A block is written when it is first seen, so that a crash, or a look into the file while it lasts, finds it; its exact end
 * comes with the thread's own record. Times are nanoseconds since the recording's origin.
 */
import { Category, loopTrackName } from '@ttrace/format/vocabulary';
import type { StringRef, TraceWriter, TrackRef } from '@ttrace/format/writers';

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
}

/** What runs so early in a turn is not what blocks it: who was asked while it waited answers as soon as it wakes. */
const EARLY = 5e6;

/** A turn's begin is computed; two of one turn differ by less. */
const SAME_TURN = 1e6;

export class LoopTrack {
  readonly #writer: TraceWriter;
  readonly #declare: () => TrackRef;
  readonly #turnNanos: number;
  readonly #blockNanos: number;
  #track: TrackRef | undefined;
  /** First sample of the turn that goes on. */
  #first: StackSample | undefined;
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
    if (sample !== undefined && sample.turnStart >= this.#lastEnd - SAME_TURN) this.#take(sample);
    this.#writeHeld();
  }

  /** The recording has ended, or the thread: a block that it was in has lasted at least until it was last seen. */
  close(isThreadOver: boolean): void {
    this.#isAsked = false;
    this.#writeHeld();
    if (isThreadOver && this.#open >= 0) this.#endOpen(this.#lastSeen);
    this.#open = -1;
    if (!isThreadOver || this.#track === undefined) return;
    this.#writer.release(this.#track);
    this.#track = undefined;
  }

  #take(sample: StackSample): void {
    const { turnStart, time } = sample;
    const first = this.#first;
    const isFirst = first === undefined || !isSameTurn(first.turnStart, turnStart);
    if (isFirst || first.time - first.turnStart < EARLY) this.#first = sample;
    const isOver = this.#held !== undefined && this.#held[1] < time;
    if (isOver) return;
    if (this.#open < 0 && this.#isBlock(turnStart, time)) {
      this.#lastSeen = time;
      this.#begin(Math.max(turnStart, this.#lastEnd), this.#first ?? sample);
    } else if (this.#open >= 0 && isSameTurn(this.#open, turnStart)) {
      this.#lastSeen = time;
      this.#writeLater(sample);
    }
  }

  /** What goes on in a block that is in the file already: an instant, so that it is there should the process be killed. */
  #writeLater({ name, time, task, frames }: StackSample): void {
    const args = JSON.stringify({ stack: frames });
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
    const first = this.#first;
    this.#first = undefined;
    const isOfIt = first !== undefined && first.time <= end && first.turnStart >= start - SAME_TURN;
    this.#write(Math.max(start, this.#lastEnd), end, isOfIt ? first : undefined);
    this.#lastEnd = end;
  }

  #write(start: number, end: number, sample: StackSample | undefined): void {
    if (this.#open >= 0) this.#endOpen(end);
    else if (this.#isBlock(start, end)) {
      this.#begin(start, sample);
      this.#endOpen(end);
    } else if (end - start >= this.#turnNanos) {
      const name = this.#writer.string('turn');
      this.#writer.slice(this.#ownTrack(), name, this.#category(), start, end - start, 0);
    }
  }

  #begin(start: number, sample: StackSample | undefined): void {
    this.#open = start;
    const name = this.#writer.string(sample === undefined ? 'blocked' : sample.name);
    const args = sample === undefined ? '{"blocked":true}' : sampleText(sample);
    this.#writer.begin(this.#ownTrack(), name, this.#category(), start, sample?.task ?? 0, args);
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

function sampleText({ time, turnStart, region, location, frames }: StackSample): string {
  return JSON.stringify({
    blocked: true,
    ...(location === '' ? {} : { location }),
    ...(region === '' ? {} : { region }),
    sampled_ms: Math.round((time - turnStart) / 1e3) / 1e3,
    stack: frames,
  });
}
