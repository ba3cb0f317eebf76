/**
 * The slices of one thread whose begin PerfettoWriter has written and whose end it keeps back, innermost last.
 * A stack of (begin, end) in one typed array: it is pushed and popped once a region.
 */
export class PendingEnds {
  #times = new Float64Array(32);
  #length = 0;
  /** Begin and end of the innermost slice; meaningless while `depth` is 0. */
  lastBegin = 0;
  lastEnd = 0;

  get depth(): number {
    return this.#length >> 1;
  }

  push(begin: number, end: number): void {
    const at = this.#length;
    if (at === this.#times.length) {
      const larger = new Float64Array(at * 2);
      larger.set(this.#times);
      this.#times = larger;
    }
    this.#times[at] = begin;
    this.#times[at + 1] = end;
    this.#length = at + 2;
    this.lastBegin = begin;
    this.lastEnd = end;
  }

  /** Takes the innermost slice off and returns its end. */
  pop(): number {
    const end = this.lastEnd;
    const length = this.#length - 2;
    this.#length = length;
    if (length > 0) {
      this.lastBegin = this.#times[length - 2]!;
      this.lastEnd = this.#times[length - 1]!;
    }
    return end;
  }
}
