/**
 * The regions of one thread whose begin is in the file already: those that were open for longer than one round, so that a
 * crash does not take them along. Nobody knew then how they would end.
 *
 * What stands on the thread's track must nest. So a begun region ends there at the latest with the one around it, and
 * when the thread is done with it: an async function's at its return. If it lasts longer, the rest of it, without a gap,
 * goes onto a lane of async-tracks.ts. Times here are the thread's own, in milliseconds.
 */
import type { TraceWriter, TrackRef } from '@ttrace/format/writers';
import { type Block, Header, MAX_OPEN } from './ring.ts';

/** Regions that were ended here and may yet end in the program; more than that are forgotten. */
const MAX_CUT = 1000;

/** Writes the begin of an open region; false if that cannot be yet. @param flow that leads to it, 0 for none. */
type Begin = (nameId: number, start: number, task: number, flow: number) => boolean;

export class BegunRegions {
  /** Whether nothing is begun: then a region that ends is simply a slice. */
  isIdle = true;
  readonly #writer: TraceWriter;
  readonly #track: TrackRef;
  /** Nanoseconds to add to the thread's clock. */
  readonly #offset: number;
  readonly #block: Block;
  readonly #begin: Begin;
  /** Start times of the begun regions, outermost first. */
  readonly #starts: number[] = [];
  /** When regions were ended that the program has not ended, by start time. */
  readonly #cut = new Map<number, number>();
  /** Start times of the open regions in the last round, by depth. */
  readonly #seen = new Float64Array(MAX_OPEN);
  /** Outermost begun region that the thread was not in any more in the last round, though it had no end; 0 = none. */
  #missing = 0;
  /** Latest end of a region inside. */
  #latest = 0;

  constructor(writer: TraceWriter, track: TrackRef, offset: number, block: Block, begin: Begin) {
    this.#writer = writer;
    this.#track = track;
    this.#offset = offset;
    this.#block = block;
    this.#begin = begin;
  }

  /** A region has ended. Returns false if it is not begun: then it is the caller's to write. */
  end(start: number, end: number, args: string): boolean {
    this.#latest = end;
    while (this.#starts.length > 0 && this.#starts.at(-1)! > start) this.#cutInnermost(end);
    const isBegun = this.#starts.at(-1) === start;
    if (isBegun) {
      this.#starts.pop();
      this.#writer.end(this.#track, this.#nanos(end), args);
    }
    const isKnown = this.#cut.delete(start) || isBegun;
    this.#update();
    return isKnown;
  }

  /**
   * A region goes on outside of the thread. Returns the time from which on it is not on the thread's track.
   * @param time at which the thread left it.
   */
  leave(start: number, time: number): number {
    if (this.#starts.includes(start)) {
      while (this.#starts.at(-1)! >= start) this.#cutInnermost(time);
    }
    const from = this.#cut.get(start) ?? start;
    this.#cut.delete(start);
    this.#update();
    return from;
  }

  /** After all records of a round: begins what was open in the last round already. */
  beginLongOpen(): void {
    const { header, openStart, openName } = this.#block;
    this.#endMissing();
    const depth = this.#depth();
    let isNext = true;
    for (let level = 0; level < depth; level++) {
      const start = openStart[level]!;
      const isOld = this.#seen[level] === start;
      this.#seen[level] = start;
      if (level < this.#starts.length) {
        isNext = this.#starts[level] === start;
        continue;
      }
      if (!isNext || !isOld) {
        isNext = false;
        continue;
      }
      const nameId = openName[level]!;
      const task = openName[level + MAX_OPEN]!;
      // The thread may have moved on while we looked.
      isNext =
        Atomics.load(header, Header.depth) > level &&
        openStart[level] === start &&
        this.#begin(nameId, start, task, this.#flow(level));
      if (isNext) this.#starts.push(start);
    }
    this.#update();
  }

  /** Whether there is nothing that the next round would begin, as long as the thread does nothing. */
  get isSettled(): boolean {
    return this.#starts.length === this.#depth() && this.#missing === 0;
  }

  /** Begins everything that is open, however short. */
  beginOpen(): void {
    const { openStart, openName } = this.#block;
    const level = this.#firstMissing();
    while (this.#starts.length > level) this.#cutInnermost(this.#latest);
    const depth = this.#depth();
    for (let i = level; i < depth; i++) {
      if (!this.#begin(openName[i]!, openStart[i]!, openName[i + MAX_OPEN]!, this.#flow(i))) break;
      this.#starts.push(openStart[i]!);
    }
    this.#update();
  }

  #flow(level: number): number {
    const { openFlow, openStart } = this.#block;
    return openFlow[level * 2 + 1] === openStart[level] ? openFlow[level * 2]! : 0;
  }

  /** A region that the thread is not in any more, and whose end was not among the records: it found no room in the ring. */
  #endMissing(): void {
    const level = this.#firstMissing();
    const start = this.#starts[level] ?? 0;
    // Its end may have come after the records were read: that shows in the next round.
    if (start !== 0 && start === this.#missing) {
      while (this.#starts.length > level) this.#cutInnermost(this.#latest);
    }
    this.#missing = start;
  }

  /** Index of the outermost begun region that the thread is not in; their number if it is in all. */
  #firstMissing(): number {
    const { openStart } = this.#block;
    const depth = this.#depth();
    const level = this.#starts.findIndex((start, i) => i >= depth || openStart[i] !== start);
    return level < 0 ? this.#starts.length : level;
  }

  #depth(): number {
    return Math.min(Atomics.load(this.#block.header, Header.depth), MAX_OPEN);
  }

  #cutInnermost(time: number): void {
    const start = this.#starts.pop()!;
    const end = Math.max(time, start);
    this.#writer.end(this.#track, this.#nanos(end));
    if (this.#cut.size >= MAX_CUT) this.#cut.clear();
    this.#cut.set(start, end);
  }

  #nanos(time: number): number {
    return Math.round(time * 1e6) + this.#offset;
  }

  #update(): void {
    this.isIdle = this.#starts.length === 0 && this.#cut.size === 0;
  }
}
