/**
 * Lays what ran on a thread over the turns and samples of its event loop, slice by slice as they come, and says what is in neither. Its
 * answer covers the thread's life without gap, so begins alone say all.
 */
import { State, type Stretches } from './stretches.ts';

const { running: RUNNING, blocked: BLOCKED } = State;

/** What a thread's time is divided by, besides its own slices. */
export interface LoopStates {
  /** The thread's first and last event. */
  readonly start: number;
  readonly end: number;
  /** Turns and samples; `running` or `blocked`. */
  readonly turns: Stretches;
  /** What lies in no turn and no slice. */
  readonly gap: number;
  /** Stretches of the gap that must begin and end where these do: reading i is from `starts[i]` to `ends[i]`. */
  readonly readings: { readonly starts: readonly number[]; readonly ends: readonly number[] };
  /** A slice of which so much lies in no turn was only open there. */
  readonly turnNanos: number;
}

export class StateMerge {
  readonly #loop: LoopStates;
  #length = 0;
  #starts: Float64Array;
  #states: Uint8Array;
  #reasons: Uint32Array;
  /** Up to here all is said. */
  #time: number;
  #turn = 0;
  #reading = 0;
  /** The latest of the thread's own stretches: it may become longer. */
  #ownStart = Number.NaN;
  #ownEnd = Number.NaN;
  #ownState = 0;
  #ownReason = 0;

  /** @param capacity stretches that there will be, about. */
  constructor(loop: LoopStates, capacity: number) {
    this.#loop = loop;
    this.#time = loop.start;
    this.#starts = new Float64Array(capacity);
    this.#states = new Uint8Array(capacity);
    this.#reasons = new Uint32Array(capacity);
  }

  /** Adds what ran on the thread after all that was added. */
  add(start: number, end: number, state: number, reason: number): void {
    // hot: twice a slice.
    if (end <= start) return;
    if (this.#ownEnd === start && this.#ownState === state && this.#ownReason === reason) {
      this.#ownEnd = end;
      return;
    }
    this.#layUntil(this.#ownEnd);
    this.#ownStart = start;
    this.#ownEnd = end;
    this.#ownState = state;
    this.#ownReason = reason;
  }

  /** All of it: stretch i is from `starts[i]` to `starts[i + 1]`. Empty for a thread without events. */
  finish(): { length: number; starts: Float64Array; states: Uint8Array; reasons: Uint32Array } {
    this.#layUntil(this.#ownEnd);
    this.#ownStart = Number.NaN;
    this.#layUntil(Infinity);
    const length = this.#length;
    if (length === this.#starts.length) this.#grow();
    this.#starts[length] = this.#loop.end;
    return {
      length,
      starts: fitted(this.#starts, length === 0 ? 0 : length + 1),
      states: fitted(this.#states, length),
      reasons: fitted(this.#reasons, length),
    };
  }

  /** Says all until there; of the thread's own stretches only the latest can lie before it. */
  #layUntil(until: number): void {
    // hot: once a stretch, of which a region makes two. Fields are read once: in the loop that took a third longer.
    const { turns, gap, readings, turnNanos, end } = this.#loop;
    const { starts: turnStarts, ends: turnEnds, length: turnCount } = turns;
    const readingCount = readings.ends.length;
    const ownStart = this.#ownStart;
    const ownState = this.#ownState;
    const ownReason = this.#ownReason;
    const stop = Math.min(until, end);
    let turn = this.#turn;
    let time = this.#time;
    while (time < stop) {
      while (turn < turnCount && turnEnds[turn]! <= time) turn++;
      let next = stop;
      let state = gap;
      let reason = 0;
      if (turn < turnCount) {
        const turnStart = turnStarts[turn]!;
        const edge = turnStart <= time ? turnEnds[turn]! : turnStart;
        if (turnStart <= time) state = turns.states[turn]!;
        if (edge < next) next = edge;
      }
      if (ownStart > time) {
        if (ownStart < next) next = ownStart;
      } else if (ownStart <= time) {
        const from = turn > 0 && turnEnds[turn - 1]! > ownStart ? turnEnds[turn - 1]! : ownStart;
        const isOnlyOpen = ownState === RUNNING && state === gap && next - from >= turnNanos;
        // A wait and a collection are what they are in a blocked turn as well.
        if (!isOnlyOpen && (state !== BLOCKED || ownState !== RUNNING)) {
          state = ownState;
          reason = ownReason;
        }
      }
      if (readingCount > 0 && state === gap) next = Math.min(next, this.#readingEdge(time));
      this.#say(time, state, reason);
      time = next;
    }
    this.#turn = turn;
    this.#time = time;
  }

  /** The next begin or end of a reading. */
  #readingEdge(time: number): number {
    const { starts, ends } = this.#loop.readings;
    while (this.#reading < ends.length && ends[this.#reading]! <= time) this.#reading++;
    if (this.#reading === ends.length) return Infinity;
    const from = starts[this.#reading]!;
    return from > time ? from : ends[this.#reading]!;
  }

  #say(time: number, state: number, reason: number): void {
    const last = this.#length - 1;
    // A gap is not joined: each part of it has a reading of its own.
    if (
      last >= 0 &&
      state !== this.#loop.gap &&
      this.#states[last] === state &&
      this.#reasons[last] === reason
    )
      return;
    if (this.#length === this.#starts.length) this.#grow();
    const at = this.#length++;
    this.#starts[at] = time;
    this.#states[at] = state;
    this.#reasons[at] = reason;
  }

  #grow(): void {
    const grown = Math.max(64, this.#starts.length * 2);
    const [starts, states, reasons] = [this.#starts, this.#states, this.#reasons];
    this.#starts = new Float64Array(grown);
    this.#states = new Uint8Array(grown);
    this.#reasons = new Uint32Array(grown);
    this.#starts.set(starts);
    this.#states.set(states);
    this.#reasons.set(reasons);
  }
}

/** The first of them, in memory of their own unless most of it is theirs. */
function fitted<T extends Float64Array | Uint8Array | Uint32Array>(array: T, length: number): T {
  return (length * 4 >= array.length * 3 ? array.subarray(0, length) : array.slice(0, length)) as T;
}
