/**
 * What PerfettoReader knows of one packet sequence: its interned strings, its default track and clock, and whether all of
 * that is still valid (packets may have been lost). Interned ids start over when a producer clears the state.
 */

import type { ClockReading } from './perfetto-clocks.ts';
import {
  Clock,
  Defaults,
  Event,
  Interned,
  InternedEntry,
  Packet,
  SequenceFlag,
  Snapshot,
} from './perfetto-fields.ts';
import type { PerfettoTrack, PerfettoTracks } from './perfetto-tracks.ts';
import { BYTES, FIXED64, type ProtobufInput, VARINT } from './protobuf-input.ts';

/** Ids are small and dense as a rule; those at or above this go into a map. */
const DENSE = 1 << 16;

/** Numbers by interned id. */
export class InternedIds {
  #dense: number[] = [];
  #sparse: Map<number, number> | undefined;

  get(iid: number): number | undefined {
    return iid < DENSE ? this.#dense[iid] : this.#sparse?.get(iid);
  }

  set(iid: number, value: number): void {
    if (iid >= DENSE) {
      this.#sparse ??= new Map();
      this.#sparse.set(iid, value);
      return;
    }
    // Filled without holes: an array with holes is slower to read.
    while (this.#dense.length < iid) this.#dense.push(0);
    this.#dense[iid] = value;
  }
}

export class SequenceReader {
  readonly id: number;
  /** False after lost packets, until the producer clears the state. */
  isValid = false;
  /** Clock of packets that name none; 0 = the trace's. */
  clockId = 0;
  track: PerfettoTrack | undefined;
  extraCounters: PerfettoTrack[] = [];
  /** String ids by interned id. */
  categories: InternedIds = new InternedIds();
  names: InternedIds = new InternedIds();
  annotationNames: InternedIds = new InternedIds();
  annotationStrings: InternedIds = new InternedIds();
  /** The thread that the older thread descriptor names, and its base of delta timestamps. */
  thread: PerfettoTrack | undefined;
  lastMicros = 0;

  constructor(id: number) {
    this.id = id;
  }

  /** Forgets everything, as the producer has. */
  clear(): void {
    this.isValid = true;
    this.clockId = 0;
    this.track = undefined;
    this.extraCounters = [];
    this.categories = new InternedIds();
    this.names = new InternedIds();
    this.annotationNames = new InternedIds();
    this.annotationStrings = new InternedIds();
  }

  applyFlags(flags: number, isCleared: boolean, isDropped: boolean): void {
    if (isCleared || (flags & SequenceFlag.cleared) !== 0) this.clear();
    else if (isDropped) this.isValid = false;
  }

  /** Reads `Packet.defaults`. */
  readDefaults(input: ProtobufInput, tracks: PerfettoTracks): void {
    while (input.next()) {
      if (input.tag === Defaults.timestampClockId << 3) this.clockId = input.uint();
      else if (input.tag === ((Defaults.trackEvent << 3) | BYTES)) {
        const outer = input.enter();
        this.#readEventDefaults(input, tracks);
        input.leave(outer);
      } else input.skip();
    }
  }

  #readEventDefaults(input: ProtobufInput, tracks: PerfettoTracks): void {
    this.extraCounters = [];
    while (input.next()) {
      const field = input.tag >>> 3;
      if (input.tag === Event.trackUuid << 3) {
        input.uint();
        this.track = tracks.find(input.high, input.low);
      } else if (field === Event.extraCounterTracks || field === Event.extraDoubleCounterTracks) {
        readNumbers(input, () => this.extraCounters.push(tracks.find(input.high, input.low)));
      } else input.skip();
    }
  }

  /** Reads `Packet.internedData`. @param intern turns a text in the input's bytes into a string id */
  readInterned(input: ProtobufInput, intern: (start: number, end: number) => number): void {
    while (input.next()) {
      const ids = this.#table(input.tag);
      if (ids === undefined) {
        input.skip();
        continue;
      }
      const outer = input.enter();
      let iid = 0;
      let text = 0;
      while (input.next()) {
        if (input.tag === InternedEntry.iid << 3) iid = input.uint();
        else if (input.tag === ((InternedEntry.text << 3) | BYTES)) {
          const message = input.enter();
          text = intern(input.at, input.end);
          input.leave(message);
        } else input.skip();
      }
      if (!input.isDamaged) ids.set(iid, text);
      input.leave(outer);
    }
  }

  #table(tag: number): InternedIds | undefined {
    switch (tag) {
      case (Interned.eventNames << 3) | BYTES:
        return this.names;
      case (Interned.categories << 3) | BYTES:
        return this.categories;
      case (Interned.annotationNames << 3) | BYTES:
        return this.annotationNames;
      case (Interned.annotationStrings << 3) | BYTES:
        return this.annotationStrings;
      default:
        return undefined;
    }
  }
}

/**
 * Reads one field that may be packed (many numbers in one) or not, a call a number; its halves stand in the input.
 * @param isFixed whether packed numbers take eight bytes each
 */
export function readNumbers(input: ProtobufInput, take: (value: number) => void, isFixed = false): void {
  const wire = input.tag & 7;
  if (wire !== BYTES) {
    if (wire !== FIXED64 && wire !== VARINT) {
      input.skip();
      return;
    }
    if (wire === FIXED64) input.fixed64();
    const value = wire === FIXED64 ? 0 : input.int();
    if (!input.isDamaged) take(value);
    return;
  }
  const outer = input.enter();
  while (input.at < input.end) {
    if (isFixed) input.fixed64();
    const value = isFixed ? 0 : input.int();
    if (input.isDamaged) return;
    take(value);
  }
  input.leave(outer);
}

/** Reads `Packet.clockSnapshot`. */
export function readSnapshot(input: ProtobufInput): { readings: ClockReading[]; primaryClock: number } {
  const readings: ClockReading[] = [];
  let primaryClock = 0;
  while (input.next()) {
    if (input.tag === Snapshot.primaryClock << 3) primaryClock = input.uint();
    else if (input.tag === ((Snapshot.clocks << 3) | BYTES)) {
      const outer = input.enter();
      readings.push(readClock(input));
      input.leave(outer);
    } else input.skip();
  }
  return { readings, primaryClock };
}

function readClock(input: ProtobufInput): ClockReading {
  let clockId = 0;
  let high = 0;
  let low = 0;
  let multiplier = 1;
  let isIncremental = false;
  while (input.next()) {
    switch (input.tag) {
      case Clock.id << 3:
        clockId = input.uint();
        break;
      case Clock.timestamp << 3:
        input.uint();
        ({ high, low } = input);
        break;
      case Clock.isIncremental << 3:
        isIncremental = input.uint() !== 0;
        break;
      case Clock.multiplier << 3:
        multiplier = input.uint() || 1;
        break;
      default:
        input.skip();
    }
  }
  return { clockId, high, low, multiplier, isIncremental };
}

/** Fields of a packet that say nothing by themselves, so that a packet with only these is not counted as skipped. */
export const ENVELOPE_FIELDS: ReadonlySet<number> = new Set([
  // trusted_uid, trusted_pid, first_packet_on_sequence, machine_id
  3,
  79,
  87,
  98,
  Packet.timestamp,
  Packet.timestampClockId,
  Packet.sequenceId,
  Packet.sequenceFlags,
  Packet.incrementalStateCleared,
  Packet.previousPacketDropped,
]);
