/**
 * One packet sequence of PerfettoWriter: what packets with the same `trusted_packet_sequence_id` share, namely the
 * interned strings, the default track and an incremental clock.
 *
 * The clock makes a timestamp one or two bytes: it is the distance to the sequence's last timestamp. A time that lies
 * before that one is written on a second clock, which counts from the writer's origin and moves nothing.
 */
import {
  Clock,
  ClockId,
  Defaults,
  Event,
  Interned,
  InternedEntry,
  Packet,
  SequenceFlag,
  Snapshot,
  TRACE_PACKET,
} from './perfetto-fields.ts';
import type { ProtobufOutput } from './protobuf-output.ts';
import { RecentTexts } from './recent-texts.ts';
import type { StringRef } from './trace-writer.ts';

/** Nanoseconds since the sequence's last timestamp. */
export const CLOCK_INCREMENTAL: number = ClockId.firstOfSequence;
/** Nanoseconds since the writer's origin. */
export const CLOCK_SINCE_ORIGIN: number = ClockId.firstOfSequence + 1;

/** Annotation names beyond this many are written in full: keys made of ids must not use memory without end. */
const MAX_ANNOTATION_NAMES = 10_000;

export class SequenceWriter {
  readonly id: number;
  /** Last time on the incremental clock, in nanoseconds since the origin. */
  last = 0;
  /** Ids of interned strings by StringRef; 0 = not yet. */
  names: Uint32Array = new Uint32Array(0);
  categories: Uint32Array = new Uint32Array(0);
  /** Arguments as they were encoded, by their text: the ids of their names are this sequence's. */
  readonly knownArgs: RecentTexts<Uint8Array> = new RecentTexts();

  readonly #out: ProtobufOutput;
  #nameCount = 0;
  #categoryCount = 0;
  readonly #annotations = new Map<string, number>();
  /** Annotation names that the packet being written is the first to use. */
  #fresh: string[] = [];

  /** @param trackUuid the track of packets that name none; 0 = there is no such track */
  constructor(out: ProtobufOutput, id: number, origin: bigint, trackUuid: number) {
    this.#out = out;
    this.id = id;
    const packet = out.open(TRACE_PACKET);
    out.uint(Packet.sequenceId, id);
    out.uint(Packet.sequenceFlags, SequenceFlag.cleared);
    const defaults = out.open(Packet.defaults);
    out.uint(Defaults.timestampClockId, CLOCK_INCREMENTAL);
    if (trackUuid !== 0) {
      const event = out.open(Defaults.trackEvent);
      out.uint(Event.trackUuid, trackUuid);
      out.close(event);
    }
    out.close(defaults);
    const snapshot = out.open(Packet.clockSnapshot);
    writeClock(out, ClockId.boottime, origin);
    writeClock(out, ClockId.monotonic, origin);
    writeClock(out, CLOCK_INCREMENTAL, 0n, true);
    writeClock(out, CLOCK_SINCE_ORIGIN, 0n);
    out.close(snapshot);
    out.close(packet);
  }

  /** Interns the name of an event, in a packet of its own. */
  internName(ref: StringRef, text: string): number {
    const iid = ++this.#nameCount;
    this.names = withRoom(this.names, ref);
    this.names[ref] = iid;
    this.#writeEntry(Interned.eventNames, iid, text);
    return iid;
  }

  internCategory(ref: StringRef, text: string): number {
    const iid = ++this.#categoryCount;
    this.categories = withRoom(this.categories, ref);
    this.categories[ref] = iid;
    this.#writeEntry(Interned.categories, iid, text);
    return iid;
  }

  /** Id of an annotation's name, or 0 when it must be written in full. Call `writeFresh` before closing the packet. */
  annotation(name: string): number {
    const known = this.#annotations.get(name);
    if (known !== undefined) return known;
    if (this.#annotations.size >= MAX_ANNOTATION_NAMES) return 0;
    const iid = this.#annotations.size + 1;
    this.#annotations.set(name, iid);
    this.#fresh.push(name);
    return iid;
  }

  /** Id of an annotation's name, interned in a packet of its own if it is new. */
  annotationNow(name: string): number {
    const known = this.#annotations.get(name);
    if (known !== undefined) return known;
    const packet = this.#out.open(TRACE_PACKET);
    this.#out.uint(Packet.sequenceId, this.id);
    const iid = this.annotation(name);
    this.writeFresh();
    this.#out.close(packet);
    return iid;
  }

  /** Writes the names that the open packet used first into that packet; importers read them before its event. */
  writeFresh(): void {
    if (this.#fresh.length === 0) return;
    const out = this.#out;
    const interned = out.open(Packet.internedData);
    for (const name of this.#fresh) {
      const entry = out.open(Interned.annotationNames);
      out.uint(InternedEntry.iid, this.#annotations.get(name)!);
      out.text(InternedEntry.text, name);
      out.close(entry);
    }
    out.close(interned);
    this.#fresh = [];
  }

  #writeEntry(field: number, iid: number, text: string): void {
    const out = this.#out;
    const packet = out.open(TRACE_PACKET);
    out.uint(Packet.sequenceId, this.id);
    const interned = out.open(Packet.internedData);
    const entry = out.open(field);
    out.uint(InternedEntry.iid, iid);
    out.text(InternedEntry.text, text);
    out.close(entry);
    out.close(interned);
    out.close(packet);
  }
}

/** Writes one clock of a snapshot. */
export function writeClock(out: ProtobufOutput, id: number, value: bigint, isIncremental = false): void {
  const clock = out.open(Snapshot.clocks);
  out.uint(Clock.id, id);
  out.bigUint(Clock.timestamp, value);
  if (isIncremental) out.uint(Clock.isIncremental, 1);
  out.close(clock);
}

function withRoom(array: Uint32Array, index: number): Uint32Array {
  if (index < array.length) return array;
  const larger = new Uint32Array(Math.max(64, array.length * 2, index + 1));
  larger.set(array);
  return larger;
}
