/**
 * Where in PerfettoWriter's buffer the begins of a thread's latest slices stand, for the one case in which their order
 * matters: a slice that is written after a shorter one with the same begin contains it, but importers nest begins of one
 * time as they stand in the file. Its begin must go in front of the other's.
 *
 * A stack: a slice that is written takes off those that begin later, which lie inside it. What was handed to the sink is
 * forgotten, so that a parent and a first child of one begin swap names when a whole buffer lies between the two.
 */
export class RecentBegins {
  #begins = new Float64Array(64);
  #ends = new Float64Array(64);
  #positions = new Uint32Array(64);
  #length = 0;
  #spills = 0;

  /**
   * Where the begin of a slice must be inserted, or -1 when it may stand at the end.
   * @param spills how often the buffer has been emptied
   */
  tie(begin: number, end: number, spills: number): number {
    // hot: once a region.
    if (spills !== this.#spills) {
      this.#spills = spills;
      this.#length = 0;
    }
    let top = this.#length - 1;
    while (top >= 0 && this.#begins[top]! > begin) top--;
    let position = -1;
    while (top >= 0 && this.#begins[top] === begin && this.#ends[top]! < end)
      position = this.#positions[top--]!;
    this.#length = top + 1;
    return position;
  }

  push(begin: number, end: number, position: number): void {
    const at = this.#length++;
    if (at === this.#begins.length) this.#grow();
    this.#begins[at] = begin;
    this.#ends[at] = end;
    this.#positions[at] = position;
  }

  /** Takes note that `count` bytes were inserted at `position`. */
  shift(position: number, count: number, spills: number): void {
    if (spills !== this.#spills) return;
    for (let i = this.#length - 1; i >= 0 && this.#positions[i]! >= position; i--)
      this.#positions[i]! += count;
  }

  #grow(): void {
    const size = this.#begins.length * 2;
    const [begins, ends, positions] = [this.#begins, this.#ends, this.#positions];
    this.#begins = new Float64Array(size);
    this.#ends = new Float64Array(size);
    this.#positions = new Uint32Array(size);
    this.#begins.set(begins);
    this.#ends.set(ends);
    this.#positions.set(positions);
  }
}
