/**
 * Encodes the event packets of PerfettoWriter and hands full buffers to the sink. Knows packets, sequences and interned
 * strings; which slice is open on which track is the writer's business.
 *
 * The begin and the end of a slice without arguments are written by hand, all else by ProtobufOutput.
 */
import { writeAnnotations } from './perfetto-annotations.ts';
import { Annotation, ClockId, Event, EventType, Packet, TRACE_PACKET } from './perfetto-fields.ts';
import { CLOCK_SINCE_ORIGIN, type SequenceWriter, writeClock } from './perfetto-sequence-writer.ts';
import { ProtobufOutput, writeVarint } from './protobuf-output.ts';
import type { ByteSink, Flow, StringRef } from './trace-writer.ts';
import { Argument } from './vocabulary.ts';

const BUFFER_BYTES = 256 << 10;
/** Room for one packet of the hot paths: all its varints at their longest. */
const HOT_ROOM = 256;
const LENGTH_DELIMITED = 2;
/** Encoded arguments up to this length leave all lengths in the packet of an event below 128. */
const MAX_HOT_ARGS = 64;
const NO_ARGS = new Uint8Array(0);

/** Where events go. */
export interface EventPlace {
  readonly uuid: number;
  readonly sequence: SequenceWriter;
  /** Whether events must name their track, because it is not the sequence's default. */
  readonly isExplicit: boolean;
}

/** What an event may carry beside name and category. */
export interface Payload {
  readonly task: number;
  readonly args: string | undefined;
  readonly flows: readonly Flow[] | undefined;
}

export class PacketWriter {
  readonly out: ProtobufOutput = new ProtobufOutput(BUFFER_BYTES);
  /** How often the buffer has been emptied. */
  spills = 0;
  readonly #sink: ByteSink;
  readonly #compress: ((bytes: Uint8Array) => Uint8Array) | undefined;
  /** Texts by StringRef; the writer's own array. */
  readonly #strings: readonly string[];

  constructor(
    sink: ByteSink,
    compress: ((bytes: Uint8Array) => Uint8Array) | undefined,
    strings: readonly string[],
  ) {
    this.#sink = sink;
    this.#compress = compress;
    this.#strings = strings;
  }

  /** Hands all bytes to the sink. Only between packets. */
  spill(): void {
    const out = this.out;
    if (out.at === 0) return;
    const packets = out.bytes.subarray(0, out.at);
    out.at = 0;
    this.spills++;
    if (this.#compress === undefined) {
      this.#sink(packets);
      return;
    }
    const compressed = this.#compress(packets);
    const block = new ProtobufOutput(compressed.length + 32);
    const packet = block.open(TRACE_PACKET);
    block.raw(Packet.compressedPackets, compressed);
    block.close(packet);
    this.#sink(block.bytes.subarray(0, block.at));
  }

  /** Writes any event. An end has no name. */
  event(
    place: EventPlace,
    type: number,
    name: StringRef,
    category: StringRef,
    time: number,
    task: number,
    args: string | undefined,
    flows: readonly Flow[] | undefined,
  ): void {
    // hot
    if (flows === undefined) {
      const known = args === undefined || args === '' ? NO_ARGS : place.sequence.knownArgs.find(args);
      if (known !== undefined && known.length <= MAX_HOT_ARGS) {
        this.#plain(place, type, name, category, time, task, known);
        return;
      }
    }
    this.full(place, type, name, category, time, { task, args, flows });
  }

  /** Writes an event that carries at most a task and few arguments that were encoded before. */
  #plain(
    place: EventPlace,
    type: number,
    name: StringRef,
    category: StringRef,
    time: number,
    task: number,
    args: Uint8Array,
  ): void {
    // hot: half of a region. Every length fits one byte, so both are written when the message is complete.
    if (this.out.at > BUFFER_BYTES - HOT_ROOM) this.spill();
    const sequence = place.sequence;
    const nameIid = type === EventType.end ? 0 : this.#name(sequence, name);
    const categoryIid =
      category === 0 ? 0 : sequence.categories[category] || this.#category(sequence, category);
    const taskIid = task === 0 ? 0 : sequence.annotationNow(Argument.task);
    const out = this.out;
    out.reserve(HOT_ROOM);
    const bytes = out.bytes;
    const packet = out.at + 2;
    bytes[packet - 2] = (TRACE_PACKET << 3) | LENGTH_DELIMITED;
    let at = stamp(bytes, packet, sequence, time);
    bytes[at] = (Packet.trackEvent << 3) | LENGTH_DELIMITED;
    const event = at + 2;
    bytes[event] = Event.type << 3;
    bytes[event + 1] = type;
    at = event + 2;
    if (nameIid !== 0) {
      bytes[at] = Event.nameIid << 3;
      at = writeVarint(bytes, at + 1, nameIid);
    }
    if (categoryIid !== 0) {
      bytes[at] = Event.categoryIids << 3;
      at = writeVarint(bytes, at + 1, categoryIid);
    }
    if (place.isExplicit) {
      bytes[at] = Event.trackUuid << 3;
      at = writeVarint(bytes, at + 1, place.uuid);
    }
    if (task !== 0) at = writeTask(bytes, at, taskIid, task);
    for (let i = 0; i < args.length; i++) bytes[at++] = args[i]!;
    bytes[event - 1] = at - event;
    bytes[packet - 1] = at - packet;
    out.at = at;
  }

  /** Writes the end of a slice. */
  end(place: EventPlace, time: number): void {
    // hot: the other half of a region.
    const out = this.out;
    if (out.at > BUFFER_BYTES - HOT_ROOM) this.spill();
    const bytes = out.bytes;
    const packet = out.at + 2;
    bytes[packet - 2] = (TRACE_PACKET << 3) | LENGTH_DELIMITED;
    let at = stamp(bytes, packet, place.sequence, time);
    bytes[at] = (Packet.trackEvent << 3) | LENGTH_DELIMITED;
    const event = at + 2;
    bytes[event] = Event.type << 3;
    bytes[event + 1] = EventType.end;
    at = event + 2;
    if (place.isExplicit) {
      bytes[at] = Event.trackUuid << 3;
      at = writeVarint(bytes, at + 1, place.uuid);
    }
    bytes[event - 1] = at - event;
    bytes[packet - 1] = at - packet;
    out.at = at;
  }

  /** Writes an event with all that it may carry. An end has no name. */
  full(
    place: EventPlace,
    type: number,
    name: StringRef,
    category: StringRef,
    time: number,
    payload: Payload,
  ): void {
    const { out } = this;
    const { sequence } = place;
    if (out.at > BUFFER_BYTES / 2) this.spill();
    const nameIid = type === EventType.end ? 0 : this.#name(sequence, name);
    const categoryIid =
      category === 0 ? 0 : sequence.categories[category] || this.#category(sequence, category);
    const packet = this.#openPacket(sequence, time);
    const event = out.open(Packet.trackEvent);
    out.uint(Event.type, type);
    if (nameIid !== 0) out.uint(Event.nameIid, nameIid);
    if (categoryIid !== 0) out.uint(Event.categoryIids, categoryIid);
    if (place.isExplicit) out.uint(Event.trackUuid, place.uuid);
    const { task, args, flows } = payload;
    if (task !== 0) this.#task(sequence, task);
    if (args !== undefined && args !== '') writeAnnotations(out, sequence, args);
    if (flows !== undefined) for (const flow of flows) writeFlow(out, flow);
    out.close(event);
    sequence.writeFresh();
    out.close(packet);
  }

  counter(place: EventPlace, time: number, value: number): void {
    const { out } = this;
    if (out.at > BUFFER_BYTES - HOT_ROOM) this.spill();
    const packet = this.#openPacket(place.sequence, time);
    const event = out.open(Packet.trackEvent);
    out.uint(Event.type, EventType.counter);
    // A negative integer would take ten bytes as a varint.
    if (Number.isSafeInteger(value) && value >= 0) out.uint(Event.counterValue, value);
    // JSON has no NaN either: both formats say 0.
    else out.double(Event.doubleCounterValue, Number.isFinite(value) ? value : 0);
    out.close(event);
    out.close(packet);
  }

  /** Says which wall-clock moment a time on the trace's clock was. */
  wallClock(sequence: SequenceWriter, monotonicNanos: bigint, wallMillis: number): void {
    const { out } = this;
    const packet = out.open(TRACE_PACKET);
    out.uint(Packet.sequenceId, sequence.id);
    const snapshot = out.open(Packet.clockSnapshot);
    writeClock(out, ClockId.boottime, monotonicNanos);
    writeClock(out, ClockId.monotonic, monotonicNanos);
    const micros = Math.round(wallMillis * 1000);
    writeClock(out, ClockId.realtime, BigInt(micros) * 1000n);
    out.close(snapshot);
    out.close(packet);
  }

  #name(sequence: SequenceWriter, name: StringRef): number {
    return sequence.names[name] || sequence.internName(name, this.#strings[name]!);
  }

  #category(sequence: SequenceWriter, category: StringRef): number {
    return sequence.internCategory(category, this.#strings[category]!);
  }

  #openPacket(sequence: SequenceWriter, time: number): number {
    const { out } = this;
    const packet = out.open(TRACE_PACKET);
    out.reserve(HOT_ROOM);
    out.at = stamp(out.bytes, out.at, sequence, time);
    return packet;
  }

  #task(sequence: SequenceWriter, task: number): void {
    const annotation = this.out.open(Event.debugAnnotations);
    this.out.uint(Annotation.nameIid, sequence.annotation(Argument.task));
    this.out.uint(Annotation.uint, task);
    this.out.close(annotation);
  }
}

/** Writes timestamp and sequence of a packet and returns the position behind them. */
function stamp(bytes: Uint8Array, from: number, sequence: SequenceWriter, time: number): number {
  const delta = time - sequence.last;
  bytes[from] = Packet.timestamp << 3;
  let at: number;
  if (delta >= 0) {
    at = writeVarint(bytes, from + 1, delta);
    sequence.last = time;
  } else {
    at = writeVarint(bytes, from + 1, time);
    at = writeVarint(bytes, at, Packet.timestampClockId << 3);
    bytes[at++] = CLOCK_SINCE_ORIGIN;
  }
  bytes[at] = Packet.sequenceId << 3;
  return writeVarint(bytes, at + 1, sequence.id);
}

function writeTask(bytes: Uint8Array, from: number, iid: number, task: number): number {
  const annotation = from + 2;
  bytes[from] = (Event.debugAnnotations << 3) | LENGTH_DELIMITED;
  bytes[annotation] = Annotation.nameIid << 3;
  let at = writeVarint(bytes, annotation + 1, iid);
  bytes[at] = Annotation.uint << 3;
  at = writeVarint(bytes, at + 1, task);
  bytes[annotation - 1] = at - annotation;
  return at;
}

/** Both generations of fields: v20.1 reads the varints, later versions prefer the fixed ones where both stand. */
function writeFlow(out: ProtobufOutput, flow: Flow): void {
  const isLast = flow.direction === 'in';
  out.uint(isLast ? Event.terminatingFlowIdsOld : Event.flowIdsOld, flow.id);
  out.fixed64(isLast ? Event.terminatingFlowIds : Event.flowIds, flow.id);
}
