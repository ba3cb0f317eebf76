/**
 * Reads Perfetto protobuf into a TraceBuilder: what PerfettoWriter writes, and the TrackEvent streams of other producers
 * (Chrome, the Perfetto SDK). Packets of other data sources are counted by field number and passed over.
 *
 * This file finds packets in chunks that may end anywhere, and hands each one's parts on in the order in which they
 * depend on each other: state, defaults, interned strings, clocks, descriptors, event.
 * Format: protos/perfetto/trace in github.com/google/perfetto.
 */
import { PerfettoClocks } from './perfetto-clocks.ts';
import { readProcess, readThread, readTrack } from './perfetto-descriptor-reader.ts';
import { EventReader } from './perfetto-event-reader.ts';
import { Packet, SequenceFlag, TRACE_PACKET } from './perfetto-fields.ts';
import { PerfettoFlows } from './perfetto-flows.ts';
import { ENVELOPE_FIELDS, readSnapshot, SequenceReader } from './perfetto-sequence-reader.ts';
import { PerfettoTracks } from './perfetto-tracks.ts';
import { BYTES, ProtobufInput } from './protobuf-input.ts';
import type { TraceBuilder } from './trace-builder.ts';
import { TraceFormatError, type TraceFormatErrorCode } from './trace-format-error.ts';
import { DEFAULT_LIMITS, type ReadLimits, type TraceReader } from './trace-reader.ts';

/** What a PerfettoReader may be given beside limits. */
export interface PerfettoReaderOptions {
  /** Inflates zlib data (`inflateSync` of node:zlib serves). Without it, or when it throws, compressed packets are counted as skipped. */
  readonly inflate?: (bytes: Uint8Array) => Uint8Array;
}

const PACKET_TAG = (TRACE_PACKET << 3) | BYTES;
/** Longest tag and length in front of a packet. */
const MAX_HEAD = 20;

export class PerfettoReader implements TraceReader {
  bytesRead = 0;
  readonly #builder: TraceBuilder;
  readonly #limits: ReadLimits;
  readonly #options: PerfettoReaderOptions;
  readonly #clocks: PerfettoClocks;
  readonly #tracks: PerfettoTracks;
  readonly #flows = new PerfettoFlows();
  readonly #sequences = new Map<number, SequenceReader>();
  readonly #input = new ProtobufInput(new Uint8Array(0), 0, 0);
  readonly #framing = new ProtobufInput(new Uint8Array(0), 0, 0);
  readonly #events: EventReader;
  #sequence: SequenceReader | undefined;
  /** The start of a packet whose rest has not come yet. */
  #rest = new Uint8Array(0);
  #restLength = 0;
  /** Bytes of a packet over the limit that are still to come. */
  #toSkip = 0;
  /** Length of `#rest` from which on its packet may be whole. */
  #wanted = 0;
  #error: TraceFormatError | undefined;
  #isInflating = false;

  // Places of the packet being read: start and end of each part, 0 = absent.
  #timeHigh = 0;
  #timeLow = 0;
  #hasTime = false;
  #clockId = 0;
  #sequenceId = 0;
  #flags = 0;
  #isCleared = false;
  #isDropped = false;
  #eventStart = 0;
  #eventEnd = 0;
  readonly #partFields: number[] = [];
  readonly #partStarts: number[] = [];
  readonly #partEnds: number[] = [];
  #partCount = 0;

  constructor(builder: TraceBuilder, limits: Partial<ReadLimits> = {}, options: PerfettoReaderOptions = {}) {
    this.#builder = builder;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#options = options;
    this.#clocks = new PerfettoClocks(builder);
    this.#tracks = new PerfettoTracks(builder);
    this.#events = new EventReader(this.#input, {
      builder,
      clocks: this.#clocks,
      tracks: this.#tracks,
      flows: this.#flows,
      limits: this.#limits,
    });
  }

  push(chunk: Uint8Array): TraceFormatError | undefined {
    if (this.#error !== undefined) return this.#error;
    const start = this.bytesRead;
    this.bytesRead += chunk.length;
    let from = 0;
    if (this.#toSkip > 0) {
      from = Math.min(this.#toSkip, chunk.length);
      this.#toSkip -= from;
    }
    if (this.#restLength === 0) {
      const used = this.#readPackets(chunk, from, chunk.length, start);
      if (this.#error === undefined && this.#toSkip === 0) this.#keep(chunk, used, chunk.length);
      return this.#error;
    }
    this.#keep(chunk, from, chunk.length);
    if (this.#restLength < this.#wanted) return undefined;
    const length = this.#restLength;
    const rest = this.#rest;
    this.#restLength = 0;
    const used = this.#readPackets(rest, 0, length, this.bytesRead - length);
    if (this.#error === undefined && this.#toSkip === 0) {
      rest.copyWithin(0, used, length);
      this.#restLength = length - used;
    }
    return this.#error;
  }

  end(): TraceFormatError | undefined {
    if (this.#error === undefined && (this.#restLength > 0 || this.#toSkip > 0)) {
      this.#fail('truncated', 'the file ends inside a packet', this.bytesRead - this.#restLength);
    }
    this.#flows.finish(this.#builder);
    return this.#error;
  }

  /** Appends to the packet that is not whole yet. */
  #keep(chunk: Uint8Array, from: number, to: number): void {
    const needed = this.#restLength + to - from;
    if (needed > this.#rest.length) {
      const larger = new Uint8Array(Math.max(needed, this.#rest.length * 2, 1 << 12));
      larger.set(this.#rest.subarray(0, this.#restLength));
      this.#rest = larger;
    }
    this.#rest.set(chunk.subarray(from, to), this.#restLength);
    this.#restLength = needed;
  }

  /** Reads all whole packets and returns where the first one begins that is not. */
  #readPackets(bytes: Uint8Array, from: number, to: number, offset: number): number {
    const framing = this.#framing;
    framing.reset(bytes, from, to);
    this.#wanted = 0;
    let at = from;
    while (at < to && this.#error === undefined) {
      framing.at = at;
      const isField = framing.next();
      const { tag } = framing;
      if (isField && !isKnownWire(tag)) {
        const code = offset + at === 0 ? 'unknown-format' : 'malformed';
        this.#fail(code, `expected a trace packet, got a field with tag ${tag}`, offset + at);
        break;
      }
      if (isField && tag !== PACKET_TAG) {
        framing.skip();
        if (framing.isDamaged) return this.#incomplete(at, to, offset);
        this.#builder.skip(`trace field ${tag >>> 3}`);
        at = framing.at;
        continue;
      }
      const length = isField ? framing.uint() : 0;
      if (framing.isDamaged) return this.#incomplete(at, to, offset);
      const start = framing.at;
      if (length > this.#limits.maxEventBytes) {
        this.#builder.skip('packet longer than the limit');
        this.#toSkip = Math.max(0, start + length - to);
        at = Math.min(to, start + length);
        continue;
      }
      if (start + length > to) {
        this.#wanted = start + length - at;
        return at;
      }
      this.#readPacket(bytes, start, start + length);
      at = start + length;
      if (this.#builder.length > this.#limits.maxEvents) {
        this.#fail('limit', `more than ${this.#limits.maxEvents} events`, offset + at);
      }
    }
    return at;
  }

  /** A head that does not fit: more must come, unless it is longer than any head is. */
  #incomplete(at: number, to: number, offset: number): number {
    if (to - at > Math.max(MAX_HEAD, this.#limits.maxEventBytes)) {
      this.#fail('malformed', 'a field without an end', offset + at);
    }
    this.#framing.isDamaged = false;
    return at;
  }

  #fail(code: TraceFormatErrorCode, message: string, offset: number): void {
    this.#error = new TraceFormatError(code, message, offset);
  }

  #readPacket(bytes: Uint8Array, start: number, end: number): void {
    // hot: once a packet.
    const input = this.#input;
    input.reset(bytes, start, end);
    this.#clearPacket();
    this.#readFields(input);
    if (!input.isDamaged) {
      const sequence = this.#sequenceOf(this.#sequenceId);
      if (this.#flags !== 0 || this.#isCleared || this.#isDropped) {
        sequence.applyFlags(this.#flags, this.#isCleared, this.#isDropped);
      }
      if (this.#partCount > 0) this.#readParts(sequence);
      if (this.#eventStart !== 0) this.#readEvent(sequence);
    }
    if (input.isDamaged) this.#builder.skip('damaged packet');
  }

  #clearPacket(): void {
    this.#hasTime = false;
    this.#clockId = 0;
    this.#sequenceId = 0;
    this.#flags = 0;
    this.#isCleared = false;
    this.#isDropped = false;
    this.#eventStart = 0;
    this.#partCount = 0;
  }

  #readFields(input: ProtobufInput): void {
    while (input.next()) {
      // The tags of the fields that nearly every packet has, as numbers: a switch over constants is a jump.
      switch (input.tag) {
        case 64: // timestamp
          input.uint();
          this.#timeHigh = input.high;
          this.#timeLow = input.low;
          this.#hasTime = true;
          break;
        case 80: // trusted_packet_sequence_id
          this.#sequenceId = input.uint();
          break;
        case 90: {
          // track_event
          const outer = input.enter();
          this.#eventStart = input.at;
          this.#eventEnd = input.end;
          input.leave(outer);
          break;
        }
        default:
          this.#readRareField(input);
      }
    }
  }

  #readRareField(input: ProtobufInput): void {
    switch (input.tag) {
      case Packet.sequenceFlags << 3:
        this.#flags = input.uint();
        break;
      case Packet.timestampClockId << 3:
        this.#clockId = input.uint();
        break;
      case Packet.incrementalStateCleared << 3:
        this.#isCleared = input.uint() !== 0;
        break;
      case Packet.previousPacketDropped << 3:
        this.#isDropped = input.uint() !== 0;
        break;
      default:
        if ((input.tag & 7) === BYTES) {
          const index = this.#partCount++;
          const outer = input.enter();
          this.#partStarts[index] = input.at;
          this.#partEnds[index] = input.end;
          input.leave(outer);
          this.#partFields[index] = input.tag >>> 3;
        } else {
          const field = input.tag >>> 3;
          input.skip();
          if (!ENVELOPE_FIELDS.has(field)) this.#builder.skip(`packet field ${field}`);
        }
    }
  }

  #sequenceOf(id: number): SequenceReader {
    let sequence = this.#sequence;
    if (sequence !== undefined && sequence.id === id) return sequence;
    sequence = this.#sequences.get(id);
    if (sequence === undefined) {
      sequence = new SequenceReader(id);
      this.#sequences.set(id, sequence);
    }
    this.#sequence = sequence;
    return sequence;
  }

  /** Defaults and interned strings first: what else is in the packet may need them. */
  #readParts(sequence: SequenceReader): void {
    const count = this.#partCount;
    const each = (wanted: number, read: () => void): void => {
      for (let i = 0; i < count; i++) {
        if (this.#partFields[i] !== wanted || this.#input.isDamaged) continue;
        this.#input.at = this.#partStarts[i]!;
        this.#input.end = this.#partEnds[i]!;
        read();
        this.#partFields[i] = 0;
      }
    };
    const input = this.#input;
    each(Packet.defaults, () => sequence.readDefaults(input, this.#tracks));
    each(Packet.internedData, () => sequence.readInterned(input, this.#events.intern));
    each(Packet.clockSnapshot, () => {
      const { readings, primaryClock } = readSnapshot(input);
      if (!input.isDamaged) this.#clocks.snapshot(sequence.id, readings, primaryClock);
    });
    each(Packet.trackDescriptor, () => readTrack(input, this.#tracks, sequence));
    each(Packet.threadDescriptor, () => readThread(input, this.#builder, this.#tracks, sequence));
    each(Packet.processDescriptor, () => readProcess(input, this.#builder));
    for (let i = 0; i < count; i++) {
      const field = this.#partFields[i]!;
      if (field === Packet.compressedPackets) {
        this.#inflate(this.#partStarts[i]!, this.#partEnds[i]!);
        return;
      }
      if (field !== 0 && !ENVELOPE_FIELDS.has(field)) this.#builder.skip(`packet field ${field}`);
    }
  }

  #readEvent(sequence: SequenceReader): void {
    if (!sequence.isValid && (this.#flags & SequenceFlag.needsState) !== 0) {
      this.#builder.skip('event whose packet sequence lost its state');
      return;
    }
    const time = this.#hasTime
      ? this.#clocks.time(sequence.id, this.#clockId || sequence.clockId, this.#timeHigh, this.#timeLow)
      : Number.NaN;
    this.#input.at = this.#eventStart;
    this.#input.end = this.#eventEnd;
    this.#events.read(sequence, time);
  }

  #inflate(start: number, end: number): void {
    const { inflate } = this.#options;
    if (inflate === undefined || this.#isInflating) {
      this.#builder.skip('compressed packets, which need the option inflate');
      return;
    }
    const { bytes } = this.#input;
    let packets: Uint8Array;
    try {
      packets = inflate(bytes.subarray(start, end));
    } catch {
      this.#builder.skip('compressed packets that are damaged');
      return;
    }
    this.#isInflating = true;
    const framing = new ProtobufInput(packets, 0, packets.length);
    while (framing.next()) {
      const isPacket = framing.tag === PACKET_TAG;
      if (!isPacket) {
        framing.skip();
        continue;
      }
      const outer = framing.enter();
      if (!framing.isDamaged) this.#readPacket(packets, framing.at, framing.end);
      framing.leave(outer);
    }
    if (framing.isDamaged) this.#builder.skip('compressed packets that are damaged');
    this.#isInflating = false;
    // What is known of a packet is now that of the last inner one: nothing of it belongs to the outer one.
    this.#clearPacket();
    this.#input.reset(bytes, end, end);
  }
}

/** Whether a tag has a wire type that is in use, and a field number. */
function isKnownWire(tag: number): boolean {
  const wire = tag & 7;
  return tag >= 8 && (wire <= 2 || wire === 5);
}
