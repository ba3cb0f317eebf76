/**
 * Lays what ran on a thread over the turns and samples of its event loop, and says what is in neither. The answer covers the thread's life
 * without gap, so begins alone say all.
 */
import { State, type Stretches } from './stretches.ts';

const { running: RUNNING, blocked: BLOCKED } = State;

/** What a thread's time is divided by. */
export interface LoopStates {
  /** The thread's life. */
  readonly start: number;
  readonly end: number;
  /** From the slices on the thread itself. */
  readonly own: Stretches;
  /** Turns and samples; `running` or `blocked`. */
  readonly turns: Stretches;
  /** What lies in no turn and no slice. */
  readonly gap: number;
  /** Stretches of the gap that must begin and end where these do: reading i is from `starts[i]` to `ends[i]`. */
  readonly readings: { readonly starts: readonly number[]; readonly ends: readonly number[] };
  /** A slice of which so much lies in no turn was only open there. */
  readonly turnNanos: number;
}

/** Stretch i is from `starts[i]` to `starts[i + 1]`, of which there is one more; nothing for a thread without events. */
export class MergedStates {
  length = 0;
  starts: Float64Array = new Float64Array(0);
  states: Uint8Array = new Uint8Array(0);
  reasons: Uint32Array = new Uint32Array(0);

  /** Makes room, without what is there. */
  clear(capacity: number): void {
    this.length = 0;
    if (capacity <= this.starts.length) return;
    this.starts = new Float64Array(capacity);
    this.states = new Uint8Array(capacity);
    this.reasons = new Uint32Array(capacity);
  }
}

/** @param out is overwritten: one for all threads, as new memory takes several times as long to write as memory that was written before. */
export function mergeStates(
  { start, end, own, turns, gap, readings, turnNanos }: LoopStates,
  out: MergedStates,
): void {
  // hot: once a begin and an end.
  out.clear(2 * (own.length + turns.length + readings.ends.length) + 2);
  const { starts, states, reasons } = out;
  const { starts: turnStarts, ends: turnEnds, states: turnStates, length: turnCount } = turns;
  const readingCount = readings.ends.length;
  let length = 0;
  let turn = 0;
  let reading = 0;
  let time = start;
  for (let at = 0; at <= own.length; at++) {
    const isOwn = at < own.length;
    const ownStart = isOwn ? own.starts[at]! : Infinity;
    const ownState = isOwn ? own.states[at]! : gap;
    const stop = isOwn ? Math.min(own.ends[at]!, end) : end;
    while (time < stop) {
      while (turn < turnCount && turnEnds[turn]! <= time) turn++;
      let next = stop;
      let state = gap;
      let reason = 0;
      if (turn < turnCount) {
        const turnStart = turnStarts[turn]!;
        const edge = turnStart <= time ? turnEnds[turn]! : turnStart;
        if (turnStart <= time) state = turnStates[turn]!;
        if (edge < next) next = edge;
      }
      if (ownStart > time) {
        if (ownStart < next) next = ownStart;
      } else {
        const from = turn > 0 && turnEnds[turn - 1]! > ownStart ? turnEnds[turn - 1]! : ownStart;
        const isOnlyOpen = ownState === RUNNING && state === gap && next - from >= turnNanos;
        // A wait and a collection are what they are in a blocked turn as well.
        if (!isOnlyOpen && (state !== BLOCKED || ownState !== RUNNING)) {
          state = ownState;
          reason = own.reasons[at]!;
        }
      }
      if (readingCount > 0 && state === gap) {
        while (reading < readingCount && readings.ends[reading]! <= time) reading++;
        if (reading < readingCount) {
          const from = readings.starts[reading]!;
          next = Math.min(next, from > time ? from : readings.ends[reading]!);
        }
      }
      // A gap is not joined: each part of it has a reading of its own.
      if (length === 0 || state === gap || states[length - 1] !== state || reasons[length - 1] !== reason) {
        starts[length] = time;
        states[length] = state;
        reasons[length] = reason;
        length++;
      }
      time = next;
    }
  }
  starts[length] = end;
  out.length = length;
}
