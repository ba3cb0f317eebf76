/**
 * Puts spans that overlap as they like on as few lanes as it takes for each to lie within or beside the others of its lane: a child on
 * the lane of its parent where it fits, any other on a lane that is free.
 */

/** Lanes of one process. Spans come in the order of their begin, of one begin the longer first. */
export class OtlpLanes {
  /** Ends of the spans that are open, by lane, the outermost first. */
  readonly #open: number[][] = [];
  readonly #free: number[] = [];
  /** Lanes that are not free, by the end of their outermost span: a heap. */
  readonly #busy: { readonly end: number; readonly lane: number }[] = [];

  /** The lane for a span. @param parent lane of its parent, -1 for none. */
  place(start: number, end: number, parent: number): number {
    while (this.#busy.length > 0 && this.#busy[0]!.end <= start) {
      const { lane } = this.#pop();
      this.#open[lane]!.length = 0;
      this.#free.push(lane);
    }
    const around = parent < 0 ? undefined : this.#open[parent];
    if (around !== undefined && around.length > 0) {
      while (around.length > 1 && around[around.length - 1]! <= start) around.pop();
      if (end <= around[around.length - 1]!) {
        around.push(end);
        return parent;
      }
    }
    const lane = this.#free.pop() ?? this.#open.push([]) - 1;
    this.#open[lane]!.push(end);
    this.#push(end, lane);
    return lane;
  }

  #push(end: number, lane: number): void {
    const heap = this.#busy;
    let at = heap.push({ end, lane }) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (heap[above]!.end <= heap[at]!.end) break;
      [heap[above], heap[at]] = [heap[at]!, heap[above]!];
      at = above;
    }
  }

  #pop(): { readonly end: number; readonly lane: number } {
    const heap = this.#busy;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    heap[0] = last;
    for (let at = 0; ; ) {
      const left = at * 2 + 1;
      const right = left + 1;
      let least = at;
      if (left < heap.length && heap[left]!.end < heap[least]!.end) least = left;
      if (right < heap.length && heap[right]!.end < heap[least]!.end) least = right;
      if (least === at) return first;
      [heap[at], heap[least]] = [heap[least]!, heap[at]!];
      at = least;
    }
  }
}
