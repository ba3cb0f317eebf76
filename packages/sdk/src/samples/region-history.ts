/**
 * The regions of one thread that ended lately, and the stretches of code in a task, so that a CPU sample, which is known only a
 * second later, can be told in which one it was taken. Bounded: past 65,536 regions in that time the oldest samples get no region.
 */
import { type Block, Header, MAX_OPEN } from '../ring.ts';

const CAPACITY = 1 << 16;

/** Where in the program a sample was taken: numbers of the thread's own, 0 = none. */
export interface SampleLabel {
  readonly nameId: number;
  readonly task: number;
}

const NOWHERE: SampleLabel = { nameId: 0, task: 0 };

export class RegionHistory {
  readonly #block: Block;
  /** In the thread's milliseconds; ends increase. */
  readonly #starts = new Float64Array(CAPACITY);
  readonly #ends = new Float64Array(CAPACITY);
  readonly #names = new Uint32Array(CAPACITY);
  readonly #tasks = new Uint32Array(CAPACITY);
  #count = 0;

  constructor(block: Block) {
    this.#block = block;
  }

  /** @param nameId 0 for a stretch of code in a task. */
  add(nameId: number, task: number, start: number, end: number): void {
    const place = this.#count++ & (CAPACITY - 1);
    this.#starts[place] = start;
    this.#ends[place] = end;
    this.#names[place] = nameId;
    this.#tasks[place] = task;
  }

  /** The innermost region at this time, of those that have ended and those that are open, and the innermost task. */
  at(time: number): SampleLabel {
    const first = this.#firstEndingAfter(time);
    let inner = 0;
    // The first to end of those around it is the innermost.
    for (let i = first; i < this.#count; i++) {
      const place = i & (CAPACITY - 1);
      if (this.#starts[place]! > time) continue;
      inner ||= this.#tasks[place]!;
      if (this.#names[place] !== 0) return { nameId: this.#names[place]!, task: inner };
    }
    const { header, openStart, openName } = this.#block;
    const depth = Math.min(Atomics.load(header, Header.depth), MAX_OPEN);
    for (let level = depth - 1; level >= 0; level--) {
      if (openStart[level]! > time) continue;
      return { nameId: openName[level]!, task: inner || openName[level + MAX_OPEN]! };
    }
    return inner === 0 ? NOWHERE : { nameId: 0, task: inner };
  }

  #firstEndingAfter(time: number): number {
    let low = Math.max(0, this.#count - CAPACITY);
    let high = this.#count;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#ends[middle & (CAPACITY - 1)]! < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
