/**
 * In which regions and tasks one thread was, for as long as a CPU profile of it is taken, so that each sample can be told what it was
 * taken in. Times are the thread's own, in milliseconds; regions come in the order of their ends. Bounded: what comes past the limit is
 * not noted, and its samples have no region.
 */
import { type Block, Header, MAX_OPEN } from '../ring.ts';

const FIRST_CAPACITY = 1 << 12;
/** 96 MB, while a profile is taken. */
const MAX_REGIONS = 1 << 22;

/** What samples were taken in: numbers of the thread's own, 0 = none. */
export interface FoundLabels {
  readonly names: Uint32Array;
  readonly tasks: Uint32Array;
}

export class LabelHistory {
  readonly #block: Block;
  #starts = new Float64Array(FIRST_CAPACITY);
  #ends = new Float64Array(FIRST_CAPACITY);
  #names = new Uint32Array(FIRST_CAPACITY);
  #tasks = new Uint32Array(FIRST_CAPACITY);
  #count = 0;

  constructor(block: Block) {
    this.#block = block;
  }

  /** @param nameId 0 for a stretch of code in a task. */
  add(nameId: number, task: number, start: number, end: number): void {
    const at = this.#count;
    if (at === this.#starts.length && !this.#grow()) return;
    this.#starts[at] = start;
    this.#ends[at] = end;
    this.#names[at] = nameId;
    this.#tasks[at] = task;
    this.#count++;
  }

  /**
   * The innermost region at each of these ascending times, of those that have ended and those that are open, and the innermost task.
   */
  find(times: Float64Array): FoundLabels {
    const names = new Uint32Array(times.length);
    const tasks = new Uint32Array(times.length);
    const next = skipList(times.length);
    const take = (start: number, end: number, name: number, task: number): void => {
      // Of the times from here on, those that have no region yet.
      for (let i = firstOpen(next, firstFrom(times, start)); i < times.length && times[i]! <= end; ) {
        tasks[i] ||= task;
        if (name !== 0) {
          names[i] = name;
          next[i] = i + 1;
        }
        i = firstOpen(next, i + 1);
      }
    };
    // The first to end of those around a time is the innermost.
    for (let i = 0; i < this.#count; i++) {
      take(this.#starts[i]!, this.#ends[i]!, this.#names[i]!, this.#tasks[i]!);
    }
    const { header, openStart, openName } = this.#block;
    const depth = Math.min(Atomics.load(header, Header.depth), MAX_OPEN);
    for (let level = depth - 1; level >= 0; level--) {
      take(openStart[level]!, Infinity, openName[level]!, openName[level + MAX_OPEN]!);
    }
    return { names, tasks };
  }

  #grow(): boolean {
    const length = this.#starts.length * 2;
    if (length > MAX_REGIONS) return false;
    this.#starts = longer(this.#starts, new Float64Array(length));
    this.#ends = longer(this.#ends, new Float64Array(length));
    this.#names = longer(this.#names, new Uint32Array(length));
    this.#tasks = longer(this.#tasks, new Uint32Array(length));
    return true;
  }
}

function longer<T extends Float64Array | Uint32Array>(old: T, array: T): T {
  array.set(old);
  return array;
}

/** Each index leads to itself until it is skipped; the last one to the end. */
function skipList(length: number): Uint32Array {
  return Uint32Array.from({ length: length + 1 }, (_, i) => i);
}

/** The first index from `at` on that is not skipped; shortens the way for the next time. */
function firstOpen(next: Uint32Array, at: number): number {
  let found = Math.min(at, next.length - 1);
  while (next[found] !== found) found = next[found]!;
  for (let i = Math.min(at, next.length - 1); next[i] !== i; ) {
    const following = next[i]!;
    next[i] = found;
    i = following;
  }
  return found;
}

/** Index of the first of ascending times that is not before `time`. */
function firstFrom(times: Float64Array, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
