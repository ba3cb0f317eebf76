/**
 * When operations left the queue of the thread pool, which no version of Node.js tells. It follows from their order: libuv hands
 * them out first come, first served, so with four threads the tenth begins when the sixth comes back. Counted in memory that all
 * threads of the process share, as they share the pool. Names that are looked up get at most half of its threads
 * (`slow_work_thread_threshold` of libuv's threadpool.c), so they are counted a second time, among themselves.
 *
 * An operation is known to be back when its callback runs: behind a blocked loop the others' waits are overestimated.
 */
import { clockOffset } from '../clock-offset.ts';
import { Control, POOL_ENDS, POOL_OFFSET, Stamp } from '../ring.ts';
import { control, now, stamp } from '../thread-recorder.ts';

/** An operation's number among all, and among those that look a name up, -1 for others. */
export interface PoolTicket {
  readonly number: number;
  readonly lookup: number;
}

/** This thread's part of the queue, for one recording. */
export class PoolQueue {
  /** From this thread's clock to that of all threads. */
  readonly #offset = clockOffset(now) / 1e6;
  readonly #all: PoolLane;
  readonly #lookups: PoolLane;

  constructor() {
    const threads = control[Control.poolThreads]!;
    const most = (threads + 1) >> 1;
    this.#all = new PoolLane(0, threads, Control.poolSubmitted, Control.poolDone, Stamp.operations);
    this.#lookups = new PoolLane(1, most, Control.lookupsSubmitted, Control.lookupsDone, Stamp.lookups);
  }

  /** Operations of the process that are under way. */
  get length(): number {
    return this.#all.length;
  }

  enter(isLookup: boolean): PoolTicket {
    return { number: this.#all.enter(), lookup: isLookup ? this.#lookups.enter() : -1 };
  }

  /**
   * The operation is back.
   * @returns when a thread took it, at earliest `start`; undefined when that is not known any more.
   */
  leave({ number, lookup }: PoolTicket, start: number, end: number): number | undefined {
    const taken = this.#all.leave(number, end + this.#offset);
    const taken2 = lookup < 0 ? 0 : this.#lookups.leave(lookup, end + this.#offset);
    if (taken === undefined || taken2 === undefined) return undefined;
    return Math.min(end, Math.max(start, Math.max(taken, taken2) - this.#offset));
  }

  /** What is under way is not counted any more. */
  close(): void {
    this.#all.close();
    this.#lookups.close();
  }
}

/** One count of operations, which so many threads work on. */
class PoolLane {
  readonly #threads: number;
  /** Fields of `control`. */
  readonly #submitted: number;
  readonly #done: number;
  /** When operations came back, by their number. */
  readonly #ends: Float64Array;
  /** Of `Stamp`. */
  readonly #field: number;
  readonly #recording = control[Control.lastRecording];
  /** Of this thread. */
  #underWay = 0;

  constructor(index: number, threads: number, submitted: number, done: number, field: number) {
    this.#threads = threads;
    this.#submitted = submitted;
    this.#done = done;
    this.#ends = new Float64Array(control.buffer, POOL_OFFSET + index * POOL_ENDS * 8, POOL_ENDS);
    this.#field = field;
    stamp(field, 0);
  }

  get length(): number {
    const length = (Atomics.load(control, this.#submitted) - Atomics.load(control, this.#done)) | 0;
    return Math.max(0, length);
  }

  enter(): number {
    stamp(this.#field, ++this.#underWay);
    return Atomics.add(control, this.#submitted, 1);
  }

  /** @returns when a thread was free for it, 0 for at once, undefined for too long ago. */
  leave(number: number, end: number): number | undefined {
    const done = Atomics.add(control, this.#done, 1);
    const needed = (number - this.#threads) | 0;
    const ago = (done - needed) | 0;
    let taken: number | undefined = 0;
    // Not yet, where it overtook others: then it began now at the latest.
    if (needed >= 0 && ago <= 0) taken = end;
    else if (needed >= 0) taken = ago > POOL_ENDS ? undefined : this.#ends[needed & (POOL_ENDS - 1)];
    this.#ends[done & (POOL_ENDS - 1)] = end;
    stamp(this.#field, --this.#underWay);
    return taken;
  }

  close(): void {
    // Counted anew for each recording.
    if (control[Control.lastRecording] !== this.#recording) return;
    Atomics.add(control, this.#done, this.#underWay);
    stamp(this.#field, 0);
  }
}
