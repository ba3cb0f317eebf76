/** Stretches of time that do not overlap, in order, with what each of them says. Growing arrays: there may be millions. */
export class Stretches {
  length = 0;
  starts: Float64Array;
  ends: Float64Array;
  states: Uint8Array;
  /** String ids, 0 where the state needs none. */
  reasons: Uint32Array;

  constructor(capacity: number) {
    this.starts = new Float64Array(capacity);
    this.ends = new Float64Array(capacity);
    this.states = new Uint8Array(capacity);
    this.reasons = new Uint32Array(capacity);
  }

  /**
   * Adds what comes after all that is there; nothing, if it has no length.
   * @param joins whether it becomes one with the one before if that says the same and ends where it begins.
   */
  add(start: number, end: number, state: number, reason: number, joins: boolean): void {
    // hot: twice a slice.
    if (end <= start) return;
    const last = this.length - 1;
    if (
      joins &&
      last >= 0 &&
      this.ends[last] === start &&
      this.states[last] === state &&
      this.reasons[last] === reason
    ) {
      this.ends[last] = end;
      return;
    }
    if (this.length === this.starts.length) this.#grow();
    const at = this.length++;
    this.starts[at] = start;
    this.ends[at] = end;
    this.states[at] = state;
    this.reasons[at] = reason;
  }

  #grow(): void {
    const capacity = Math.max(64, this.length * 2);
    const grown = new Stretches(capacity);
    grown.starts.set(this.starts);
    grown.ends.set(this.ends);
    grown.states.set(this.states);
    grown.reasons.set(this.reasons);
    ({ starts: this.starts, ends: this.ends, states: this.states, reasons: this.reasons } = grown);
  }
}
