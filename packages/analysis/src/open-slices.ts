/**
 * The slices that are open at a moment while one walks a thread's track in the order of its slices: the regions around a wait or a
 * message, as a stack of the profile. Only what is asked for is interned.
 */
import { Category } from '@ttrace/format';
import { NO_STACK, type ProfileBuilder } from './profile-builder.ts';
import type { TraceIndex } from './trace-index.ts';

const UNKNOWN = -1;

export class OpenSlices {
  readonly #index: TraceIndex;
  readonly #builder: ProfileBuilder;
  readonly #region: number;
  readonly #gc: number;
  /** Of each open slice, outermost first: its row, end, and stack once it is known. Not cut when slices end: that costs more than the rest. */
  #rows: Int32Array = new Int32Array(64);
  #ends: Float64Array = new Float64Array(64);
  #stacks: Int32Array = new Int32Array(64);
  #depth = 0;

  constructor(index: TraceIndex, builder: ProfileBuilder) {
    this.#index = index;
    this.#builder = builder;
    this.#region = index.category(Category.region);
    this.#gc = index.category(Category.gc);
  }

  /** Forgets all, for another track. */
  clear(): void {
    this.#depth = 0;
  }

  /** Takes the next slice of the track; what has ended by its begin is left. Collections are no part of a stack. */
  enter(row: number): void {
    // hot: once per slice of a thread that waits or sends.
    const { start, category } = this.#index.trace.columns;
    const begin = start[row]!;
    let depth = this.#depth;
    while (depth > 0 && this.#ends[depth - 1]! <= begin) depth--;
    if (category[row] !== this.#gc) {
      if (depth === this.#rows.length) this.#grow();
      this.#rows[depth] = row;
      this.#ends[depth] = this.#index.endOf(row);
      this.#stacks[depth++] = UNKNOWN;
    }
    this.#depth = depth;
  }

  /** Leaves what has ended before a moment. */
  leaveBefore(time: number): void {
    while (this.#depth > 0 && this.#ends[this.#depth - 1]! < time) this.#depth--;
  }

  /** Row of the innermost open slice, -1 for none. */
  get innermost(): number {
    return this.#depth === 0 ? -1 : this.#rows[this.#depth - 1]!;
  }

  /** Stack of all that is open. */
  get stack(): number {
    return this.#stackOf(this.#depth);
  }

  /** Stack of all that is around the innermost open slice. */
  get stackAround(): number {
    return this.#stackOf(this.#depth - 1);
  }

  #stackOf(depth: number): number {
    const { name } = this.#index.trace.columns;
    let level = depth - 1;
    while (level >= 0 && this.#stacks[level] === UNKNOWN) level--;
    let stack = level < 0 ? NO_STACK : this.#stacks[level]!;
    for (level++; level < depth; level++) {
      stack = this.#builder.stack(stack, this.#builder.named(name[this.#rows[level]!]!));
      this.#stacks[level] = stack;
    }
    return stack;
  }

  /** String id of the innermost region's name, 0 for none. */
  get region(): number {
    const { category, name } = this.#index.trace.columns;
    for (let level = this.#depth - 1; level >= 0; level--) {
      if (category[this.#rows[level]!] === this.#region) return name[this.#rows[level]!]!;
    }
    return 0;
  }

  #grow(): void {
    const length = this.#rows.length * 2;
    const [rows, ends, stacks] = [new Int32Array(length), new Float64Array(length), new Int32Array(length)];
    rows.set(this.#rows);
    ends.set(this.#ends);
    stacks.set(this.#stacks);
    [this.#rows, this.#ends, this.#stacks] = [rows, ends, stacks];
  }
}
