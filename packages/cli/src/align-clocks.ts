/**
 * Finds out where traces lie beside each other in time: exactly, by the clock that processes of one machine have in common,
 * or by the wall clock that each recording read once, which is as exact as the machines' clocks agree.
 *
 * Two recordings can be of one machine only if both see the same moment as the beginning of the monotonic clock. That is when the
 * machine was started, so those of two machines are days apart.
 */

import { timeText } from '@ttrace/analysis/quantity';
import { type ClockSnapshot, type Trace, timeRange } from '@ttrace/format';
import { Failure } from './failure.ts';
import type { TracePlace } from './merge-traces.ts';

/** `clock`: all traces have one clock. `wall`: none have. `auto`: as their readings of the clocks say. */
export type AlignBy = 'auto' | 'clock' | 'wall';

/** Places traces beside the first one. */
export interface ClockAligner {
  /** Where a trace lies. @throws Failure when that cannot be known. */
  place(trace: Trace, file: string): TracePlace;
  /** What was done, for people, and how exact it is. */
  summary(): string;
}

/** Begins with nothing: the first trace that is placed stays where it is. */
export function createClockAligner(by: AlignBy): ClockAligner {
  return new Aligner(by);
}

/** A clock that some of the traces have in common. */
interface Machine extends TracePlace {
  /** Undefined when the traces do not say how it relates to the wall clock. */
  readonly clock: ClockSnapshot | undefined;
}

/** How far wall clocks are set while a machine runs, at least … */
const STEP_NANOS = 1_000_000_000n;
/** … and how much they run faster or slower, as a fraction: time services keep below one in 2000. */
const DRIFT = 1000n;

class Aligner implements ClockAligner {
  readonly #by: AlignBy;
  readonly #machines: Machine[] = [];
  #unknown = '';

  constructor(by: AlignBy) {
    this.#by = by;
  }

  place(trace: Trace, file: string): TracePlace {
    const { clock } = trace;
    if (clock === undefined) {
      if (this.#by === 'wall') {
        throw new Failure(`${file} does not say how its clock relates to the wall clock: use --by clock`);
      }
      this.#unknown ||= file;
    }
    const known = this.#machines.find((machine) => this.#isSame(machine, clock));
    const place = known ?? this.#add(clock);
    const first = trace.origin + place.shift + BigInt(Math.floor(timeRange(trace).start));
    if (place.shift !== 0n && first < 0n) {
      throw new Failure(`${file} begins before the clock of the first trace does: name ${file} first`);
    }
    return place;
  }

  summary(): string {
    const unknown =
      this.#unknown === '' || this.#by === 'clock'
        ? ''
        : `, if ${this.#unknown} has the same clock, which it does not say`;
    if (this.#machines.length < 2) return `on one clock, exact to the nanosecond${unknown}`;
    return (
      `of ${this.#machines.length} clocks, laid beside each other by wall clock: exact to ${timeText(1e6)}, and to what the clocks ` +
      `of the machines differ by${unknown}`
    );
  }

  #isSame(machine: Machine, clock: ClockSnapshot | undefined): boolean {
    if (this.#by === 'clock' || machine.clock === undefined || clock === undefined) return true;
    const distance = absolute(machine.clock.monotonicNanos - clock.monotonicNanos);
    if (this.#by === 'wall') return distance === 0n && machine.clock.wallMillis === clock.wallMillis;
    return absolute(beginOf(machine.clock) - beginOf(clock)) <= STEP_NANOS + distance / DRIFT;
  }

  #add(clock: ClockSnapshot | undefined): Machine {
    const first = this.#machines.find((machine) => machine.clock !== undefined)?.clock;
    const shift = first === undefined || clock === undefined ? 0n : beginOf(clock) - beginOf(first);
    const machine = { shift, clock, machine: this.#machines.length };
    this.#machines.push(machine);
    return machine;
  }
}

/** When the monotonic clock was 0, in nanoseconds since 1970. */
function beginOf({ monotonicNanos, wallMillis }: ClockSnapshot): bigint {
  const millis = Math.trunc(wallMillis);
  return BigInt(millis) * 1_000_000n + BigInt(Math.round((wallMillis - millis) * 1e6)) - monotonicNanos;
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}
