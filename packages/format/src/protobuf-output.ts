/**
 * Encodes protobuf into one growing buffer: the slow, general half of PerfettoWriter, which writes its hot packets into
 * the same buffer by hand. Lengths of nested messages are patched in when a message is closed.
 *
 * It never hands bytes on by itself, so a message can always be completed; the owner empties it between packets.
 * Encoding: https://protobuf.dev/programming-guides/encoding/
 */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;

const encoder = new TextEncoder();
const scratch = new DataView(new ArrayBuffer(8));

/** Longest encoding of a 64-bit number. */
const MAX_VARINT = 10;

export class ProtobufOutput {
  bytes: Uint8Array;
  /** Where the next byte goes. */
  at = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.at + count;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, needed));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
  }

  /** A field of type uint64, uint32, int32, bool or enum. `value` is a safe integer; negative ones take ten bytes. */
  uint(field: number, value: number): void {
    this.reserve(2 * MAX_VARINT);
    this.#tag(field, VARINT);
    this.at =
      value >= 0
        ? writeVarint(this.bytes, this.at, value)
        : writeBigVarint(this.bytes, this.at, BigInt.asUintN(64, BigInt(value)));
  }

  /** The same for values beyond 2^53. */
  bigUint(field: number, value: bigint): void {
    this.reserve(2 * MAX_VARINT);
    this.#tag(field, VARINT);
    this.at = writeBigVarint(this.bytes, this.at, BigInt.asUintN(64, value));
  }

  double(field: number, value: number): void {
    scratch.setFloat64(0, value, true);
    this.#scratch(field);
  }

  /** @param value a safe integer >= 0 */
  fixed64(field: number, value: number): void {
    scratch.setUint32(0, value % 0x1_0000_0000, true);
    scratch.setUint32(4, Math.floor(value / 0x1_0000_0000), true);
    this.#scratch(field);
  }

  text(field: number, text: string): void {
    const start = this.open(field);
    this.utf8(text);
    this.close(start);
  }

  /** Text as it is: a part of a field. */
  utf8(text: string): void {
    this.reserve(text.length * 3);
    const { bytes } = this;
    const { length } = text;
    let { at } = this;
    // Unit by unit: a third of the time of encodeInto for the short ASCII texts that most are.
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 127 || i > 256) {
        at += encoder.encodeInto(text.slice(i), bytes.subarray(at)).written;
        break;
      }
      bytes[at++] = unit;
    }
    this.at = at;
  }

  raw(field: number, bytes: Uint8Array): void {
    this.reserve(bytes.length + 2 * MAX_VARINT);
    this.#tag(field, BYTES);
    this.at = writeVarint(this.bytes, this.at, bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** Bytes as they are: whole fields. */
  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    const target = this.bytes;
    let { at } = this;
    for (let i = 0; i < bytes.length; i++) target[at++] = bytes[i]!;
    this.at = at;
  }

  /** Begins a nested message; hand what it returns to `close`. */
  open(field: number): number {
    this.reserve(2 * MAX_VARINT);
    this.#tag(field, BYTES);
    return ++this.at;
  }

  close(start: number): void {
    const length = this.at - start;
    if (length < 0x80) {
      this.bytes[start - 1] = length;
      return;
    }
    // One byte was left for the length: move the message by what it needs beyond that.
    const extra = length < 0x4000 ? 1 : length < 0x20_0000 ? 2 : length < 0x1000_0000 ? 3 : 4;
    this.reserve(extra);
    this.bytes.copyWithin(start + extra, start, this.at);
    writeVarint(this.bytes, start - 1, length);
    this.at += extra;
  }

  /** Moves the bytes from `from` to the end in front of those from `position` on. */
  rotate(position: number, from: number): void {
    const moved = this.bytes.slice(from, this.at);
    this.bytes.copyWithin(position + moved.length, position, from);
    this.bytes.set(moved, position);
  }

  #tag(field: number, wire: number): void {
    this.at = writeVarint(this.bytes, this.at, field * 8 + wire);
  }

  #scratch(field: number): void {
    this.reserve(2 * MAX_VARINT);
    this.#tag(field, FIXED64);
    for (let i = 0; i < 8; i++) this.bytes[this.at++] = scratch.getUint8(i);
  }
}

/** Writes a safe integer >= 0 and returns the position behind it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  // hot: twice or more a packet; nearly all values are below 2^14.
  if (value < 0x80) {
    bytes[at] = value;
    return at + 1;
  }
  if (value < 0x4000) {
    bytes[at] = (value & 0x7f) | 0x80;
    bytes[at + 1] = value >>> 7;
    return at + 2;
  }
  return writeLongVarint(bytes, at, value);
}

function writeLongVarint(bytes: Uint8Array, from: number, value: number): number {
  let at = from;
  // What has no place in 64 bits, infinity too, is 0.
  let rest = value < 2 ** 64 ? value : 0;
  // Four bytes at a time: they are an integer, where the division of a double is slow.
  while (rest >= 0x1000_0000) {
    const high = Math.floor(rest / 0x1000_0000);
    const low = rest - high * 0x1000_0000;
    bytes[at] = (low & 0x7f) | 0x80;
    bytes[at + 1] = ((low >>> 7) & 0x7f) | 0x80;
    bytes[at + 2] = ((low >>> 14) & 0x7f) | 0x80;
    bytes[at + 3] = (low >>> 21) | 0x80;
    at += 4;
    rest = high;
  }
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at] = rest;
  return at + 1;
}

function writeBigVarint(bytes: Uint8Array, from: number, value: bigint): number {
  let at = from;
  let rest = value;
  while (rest >= 0x80n) {
    bytes[at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  bytes[at] = Number(rest);
  return at + 1;
}
