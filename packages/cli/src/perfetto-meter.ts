/**
 * Measures Perfetto protobuf: each packet of the trace by what it carries, a track event also by its type and its first
 * category; compressed packets by what is in them, decompressed. Field numbers: protos/perfetto/trace/trace_packet.proto and track_event/track_event.proto of Perfetto.
 */
import { inflateSync } from 'node:zlib';
import type { Meter, Tally } from './tally.ts';

const PACKET = 1;
const SEQUENCE = 10;
const TRACK_EVENT = 11;
const INTERNED = 12;
const COMPRESSED = 50;

/** Far beyond what any producer puts into one block. */
const MAX_INFLATED_BYTES = 256 << 20;

/** What a packet is called, by the field that it carries. */
const PAYLOADS: Readonly<Record<number, string>> = {
  6: 'clock snapshot',
  43: 'process descriptor',
  44: 'thread descriptor',
  59: 'defaults',
  60: 'track descriptor',
};
const EVENT_TYPES: Readonly<Record<number, string>> = {
  1: 'slice begin',
  2: 'slice end',
  3: 'instant',
  4: 'counter',
};

/** One field of a message. */
interface Field {
  readonly number: number;
  /** Of a varint; else 0. */
  readonly value: number;
  /** Of a length-delimited field; else empty. */
  readonly bytes: Uint8Array;
  /** Bytes of the field with its head. */
  readonly size: number;
}

const EMPTY = new Uint8Array(0);
const decoder = new TextDecoder();

export class PerfettoMeter implements Meter {
  readonly #tally: Tally;
  #carry: Uint8Array = EMPTY;
  /** Names of categories by sequence and iid. */
  readonly #categories = new Map<string, string>();

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  push(chunk: Uint8Array): void {
    const bytes = new Uint8Array(this.#carry.length + chunk.length);
    bytes.set(this.#carry);
    bytes.set(chunk, this.#carry.length);
    let at = 0;
    for (;;) {
      const head = readHead(bytes, at);
      if (head === undefined || head.end > bytes.length) break;
      if (head.number === PACKET) this.#packet(bytes.subarray(head.start, head.end), head.end - at);
      else this.#tally.add('other field of the trace', head.end - at, 1);
      at = head.end;
    }
    this.#carry = bytes.slice(at);
  }

  /** @param size bytes of the packet with its head. */
  #packet(packet: Uint8Array, size: number): void {
    const [first] = fields(packet);
    if (first?.number !== COMPRESSED) {
      this.#tally.add(this.#kindOf(packet), size, 1);
      return;
    }
    try {
      const inner = new Uint8Array(inflateSync(first.bytes, { maxOutputLength: MAX_INFLATED_BYTES }));
      for (const { number, bytes, size: innerSize } of fields(inner)) {
        if (number === PACKET) this.#tally.add(this.#kindOf(bytes), innerSize, 1);
      }
    } catch {
      this.#tally.add('unreadable compressed packets', size, 1);
    }
  }

  #kindOf(packet: Uint8Array): string {
    let event: Uint8Array | undefined;
    let interned: Uint8Array | undefined;
    let sequence = 0;
    let payload: string | undefined;
    for (const { number, value, bytes } of fields(packet)) {
      if (number === TRACK_EVENT) event = bytes;
      else if (number === INTERNED) interned = bytes;
      else if (number === SEQUENCE) sequence = value;
      else payload = PAYLOADS[number] ?? payload;
    }
    if (interned !== undefined) this.#intern(sequence, interned);
    if (event !== undefined) return this.#kindOfEvent(sequence, event);
    return payload ?? (interned === undefined ? 'other packet' : 'interned names');
  }

  #kindOfEvent(sequence: number, event: Uint8Array): string {
    let type = 'legacy event';
    let category: string | undefined;
    for (const { number, value, bytes } of fields(event)) {
      if (number === 9) type = EVENT_TYPES[value] ?? 'other event';
      else if (number === 3) category ??= this.#categories.get(`${sequence} ${value || firstVarint(bytes)}`);
      else if (number === 22) category ??= decoder.decode(bytes);
    }
    return category === undefined || category === type ? type : `${type} ${category}`;
  }

  #intern(sequence: number, interned: Uint8Array): void {
    for (const { number, bytes } of fields(interned)) {
      if (number !== 1) continue;
      let iid = 0;
      let name = '';
      for (const field of fields(bytes)) {
        if (field.number === 1) iid = field.value;
        else if (field.number === 2) name = decoder.decode(field.bytes);
      }
      this.#categories.set(`${sequence} ${iid}`, name);
    }
  }
}

/** The fields of a message, up to the first that is damaged. */
function* fields(message: Uint8Array): Generator<Field, void, undefined> {
  for (let at = 0; at < message.length; ) {
    const head = readHead(message, at);
    if (head === undefined || head.end > message.length) return;
    const { number, value, start, end, isBytes } = head;
    yield { number, value, bytes: isBytes ? message.subarray(start, end) : EMPTY, size: end - at };
    at = end;
  }
}

interface Head {
  readonly number: number;
  readonly value: number;
  readonly isBytes: boolean;
  readonly start: number;
  readonly end: number;
}

/** Number and extent of the field at `at`; undefined when its head is cut off or of no known wire type. */
function readHead(bytes: Uint8Array, at: number): Head | undefined {
  const tag = readVarint(bytes, at);
  if (tag === undefined) return undefined;
  const number = Math.floor(tag.value / 8);
  const start = tag.end;
  const wireType = tag.value % 8;
  if (wireType === 1) return { number, value: 0, isBytes: false, start, end: start + 8 };
  if (wireType === 5) return { number, value: 0, isBytes: false, start, end: start + 4 };
  if (wireType !== 0 && wireType !== 2) return undefined;
  const varint = readVarint(bytes, start);
  if (varint === undefined) return undefined;
  const { value, end } = varint;
  if (wireType === 0) return { number, value, isBytes: false, start, end };
  return { number, value: 0, isBytes: true, start: end, end: end + value };
}

function readVarint(bytes: Uint8Array, at: number): { value: number; end: number } | undefined {
  let value = 0;
  let unit = 1;
  for (let i = at; i < bytes.length && i < at + 10; i++) {
    const byte = bytes[i]!;
    value += (byte & 0x7f) * unit;
    if (byte < 0x80) return { value, end: i + 1 };
    unit *= 128;
  }
  return undefined;
}

function firstVarint(bytes: Uint8Array): number {
  return readVarint(bytes, 0)?.value ?? 0;
}
