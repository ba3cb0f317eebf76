/**
 * Converts the timestamps of a Perfetto trace to the builder's time. A trace has one clock of its own (BOOTTIME unless
 * it says otherwise); snapshots say what other clocks showed at the same moment. Clocks 64 to 127 belong to a packet
 * sequence and may count from the packet before (incremental).
 *
 * A clock that no snapshot mentions is taken for the trace's own. The latest snapshot in the file holds.
 */
import { ClockId } from './perfetto-fields.ts';
import { LOW_RANGE } from './protobuf-input.ts';
import type { TraceBuilder } from './trace-builder.ts';

/** What one clock of a snapshot showed. */
export interface ClockReading {
  readonly clockId: number;
  /** `high` * 2^28 + `low`, in units of `multiplier` nanoseconds. */
  readonly high: number;
  readonly low: number;
  readonly multiplier: number;
  readonly isIncremental: boolean;
}

interface KnownClock {
  /** The reading at which the clock was set, and the builder's time of that moment. */
  high: number;
  low: number;
  multiplier: number;
  isIncremental: boolean;
  /** Of an incremental clock: the builder's time of its last timestamp. */
  time: number;
}

export class PerfettoClocks {
  readonly #builder: TraceBuilder;
  readonly #clocks = new Map<number, KnownClock>();
  #traceClock: number = ClockId.boottime;
  #trace: KnownClock | undefined;

  constructor(builder: TraceBuilder) {
    this.#builder = builder;
  }

  /** The clock that packets of a sequence mean by `clockId`; keep it no longer than to the next snapshot. */
  find(sequenceId: number, clockId: number): KnownClock | undefined {
    if (clockId === 0 || clockId === this.#traceClock) return this.#trace;
    return this.#clocks.get(key(sequenceId, clockId)) ?? this.#trace;
  }

  /** The builder's time of a timestamp. An incremental clock moves on. */
  time(sequenceId: number, clockId: number, high: number, low: number): number {
    const clock = this.find(sequenceId, clockId) ?? this.#anchor(high, low);
    return advance(clock, high, low);
  }

  /** The builder's time of microseconds on the trace's clock, as older events carry them. */
  timeOfMicros(micros: number): number {
    return this.#builder.relative(micros, 0);
  }

  snapshot(sequenceId: number, readings: readonly ClockReading[], primaryClock: number): void {
    if (primaryClock !== 0) this.#traceClock = primaryClock;
    const time = this.#timeOf(sequenceId, readings);
    if (time === undefined) return;
    for (const { clockId, high, low, multiplier, isIncremental } of readings) {
      if (clockId === this.#traceClock) continue;
      this.#clocks.set(key(sequenceId, clockId), { high, low, multiplier, isIncremental, time });
    }
    this.#keepWallClock(readings);
  }

  /** The builder's time of a snapshot's moment. */
  #timeOf(sequenceId: number, readings: readonly ClockReading[]): number | undefined {
    const own = readings.find((reading) => reading.clockId === this.#traceClock);
    if (own !== undefined) return advance(this.#trace ?? this.#anchor(own.high, own.low), own.high, own.low);
    for (const reading of readings) {
      const known = this.#clocks.get(key(sequenceId, reading.clockId));
      if (known !== undefined && !known.isIncremental) return advance(known, reading.high, reading.low);
    }
    const any = readings.find((reading) => !reading.isIncremental);
    if (any === undefined) return undefined;
    return advance(this.#trace ?? this.#anchor(any.high, any.low), any.high, any.low);
  }

  /** Sets the trace's clock by its first reading, which also sets the builder's origin if nothing did. */
  #anchor(high: number, low: number): KnownClock {
    const nanos = (BigInt(high) << 28n) | BigInt(low);
    const time = this.#builder.relative(Number(nanos / 1000n), Number(nanos % 1000n));
    this.#trace = { high, low, multiplier: 1, isIncremental: false, time };
    return this.#trace;
  }

  #keepWallClock(readings: readonly ClockReading[]): void {
    if (this.#builder.clock !== undefined) return;
    const wall = readings.find((reading) => reading.clockId === ClockId.realtime);
    const own =
      readings.find((reading) => reading.clockId === this.#traceClock) ??
      readings.find((reading) => reading.clockId === ClockId.monotonic);
    if (wall === undefined || own === undefined) return;
    this.#builder.clock = { monotonicNanos: exact(own), wallMillis: Number(exact(wall) / 1000n) / 1000 };
  }
}

function advance(clock: KnownClock, high: number, low: number): number {
  if (clock.isIncremental) {
    // Distances are int64 on the wire.
    const distance =
      high < 0x8_0000_0000 ? high * LOW_RANGE + low : (high - 0x10_0000_0000) * LOW_RANGE + low;
    clock.time += distance * clock.multiplier;
    return clock.time;
  }
  return clock.time + ((high - clock.high) * LOW_RANGE + (low - clock.low)) * clock.multiplier;
}

function key(sequenceId: number, clockId: number): number {
  const isOfSequence = clockId >= ClockId.firstOfSequence && clockId <= ClockId.lastOfSequence;
  return isOfSequence ? sequenceId * 128 + clockId : -clockId;
}

function exact(reading: ClockReading): bigint {
  return ((BigInt(reading.high) << 28n) | BigInt(reading.low)) * BigInt(reading.multiplier);
}
