/** Numbers of the states of a thread; what they mean: thread-states.ts. */
export const State = { running: 0, blocked: 1, gc: 2, waiting: 3, idle: 4, unknown: 5 } as const;

/** Stretches of time that do not overlap, in order, with the state that each of them says. Growing arrays: there may be millions. */
export class Stretches {
  length = 0;
  starts: Float64Array;
  ends: Float64Array;
  states: Uint8Array;
  /** What a wait is called, by its string id; 0 for none. */
  reasons: Uint32Array;

  constructor(capacity: number) {
    this.starts = new Float64Array(capacity);
    this.ends = new Float64Array(capacity);
    this.states = new Uint8Array(capacity);
    this.reasons = new Uint32Array(capacity);
  }

  /** Makes room, without what is there. */
  clear(capacity: number): void {
    if (capacity > this.starts.length) Object.assign(this, new Stretches(capacity));
    this.length = 0;
  }

  /** Adds what comes after all that is there; nothing, if it has no length. It becomes one with the one before that says the same and ends where it begins. */
  add(start: number, end: number, state: number, reason = 0): void {
    if (end <= start) return;
    const last = this.length - 1;
    if (
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
    const grown = new Stretches(Math.max(64, this.length * 2));
    grown.starts.set(this.starts);
    grown.ends.set(this.ends);
    grown.states.set(this.states);
    grown.reasons.set(this.reasons);
    ({ starts: this.starts, ends: this.ends, states: this.states, reasons: this.reasons } = grown);
  }
}
