/**
 * A cursor over one protobuf message and the messages inside it. It never throws and never reads outside its bytes: a
 * field that does not fit sets `isDamaged`, and from then on there are no further fields.
 *
 * 64-bit numbers are read as two halves (`high` * 2^28 + `low`), since JS numbers hold 53 bits.
 * Encoding: https://protobuf.dev/programming-guides/encoding/
 */

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/** `low` counts up to this. */
export const LOW_RANGE: number = 2 ** 28;

const scratch = new DataView(new ArrayBuffer(8));

export class ProtobufInput {
  bytes: Uint8Array;
  at: number;
  end: number;
  isDamaged = false;
  /** Of the field that `next` found: its number and wire type as they stand in the file (`field * 8 + wire`). */
  tag = 0;
  /** The halves of the last number read. */
  high = 0;
  low = 0;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Starts over on other bytes. */
  reset(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.isDamaged = false;
  }

  /** Reads the tag of the next field; false at the end of the message. */
  next(): boolean {
    if (this.at >= this.end) return false;
    // hot: nearly all tags are one byte.
    const first = this.bytes[this.at]!;
    if (first < 0x80) {
      this.at++;
      this.tag = first;
    } else this.tag = this.uint();
    return !this.isDamaged;
  }

  /** A varint as a number; exact below 2^53. */
  uint(): number {
    const { bytes } = this;
    const first = bytes[this.at]!;
    if (first < 0x80 && this.at < this.end) {
      this.at++;
      this.high = 0;
      this.low = first;
      return first;
    }
    this.#varint();
    return this.high * LOW_RANGE + this.low;
  }

  /** A varint of type int64 or int32 as a number; exact within 2^53. */
  int(): number {
    const value = this.uint();
    return this.high < 0x8_0000_0000 ? value : (this.high - 0x10_0000_0000) * LOW_RANGE + this.low;
  }

  /** The last number read, exactly. */
  get big(): bigint {
    return (BigInt(this.high) << 28n) | BigInt(this.low);
  }

  /** Eight bytes as an unsigned number. */
  fixed64(): void {
    if (!this.#has(8)) return;
    const { bytes, at } = this;
    const low32 =
      (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
    const high32 =
      (bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24)) >>> 0;
    this.low = low32 & 0xfff_ffff;
    this.high = high32 * 16 + (low32 >>> 28);
    this.at = at + 8;
  }

  double(): number {
    if (!this.#has(8)) return 0;
    for (let i = 0; i < 8; i++) scratch.setUint8(i, this.bytes[this.at + i]!);
    this.at += 8;
    return scratch.getFloat64(0, true);
  }

  /** Enters the message whose length comes next and returns the end of the one around it, for `leave`. */
  enter(): number {
    const outer = this.end;
    const length = this.uint();
    if (length > outer - this.at) this.#damage();
    else this.end = this.at + length;
    return outer;
  }

  /** Goes behind the message that `enter` entered, wherever in it the cursor is. */
  leave(outer: number): void {
    if (this.isDamaged) return;
    this.at = this.end;
    this.end = outer;
  }

  /** Passes over the value of the field that `next` found. */
  skip(): void {
    switch (this.tag & 7) {
      case VARINT:
        this.uint();
        return;
      case FIXED64:
        if (this.#has(8)) this.at += 8;
        return;
      case BYTES: {
        const length = this.uint();
        if (this.#has(length)) this.at += length;
        return;
      }
      case FIXED32:
        if (this.#has(4)) this.at += 4;
        return;
      default:
        this.#damage();
    }
  }

  #varint(): void {
    const { bytes, end } = this;
    let { at } = this;
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (at >= end) {
        this.#damage();
        return;
      }
      const byte = bytes[at++]!;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.at = at;
        this.low = low;
        this.high = 0;
        return;
      }
    }
    let high = 0;
    for (let unit = 1; unit < 2 ** 42; unit *= 0x80) {
      if (at >= end) {
        this.#damage();
        return;
      }
      const byte = bytes[at++]!;
      high += (byte & 0x7f) * unit;
      if (byte < 0x80) {
        this.at = at;
        this.low = low;
        this.high = high % 2 ** 36;
        return;
      }
    }
    this.#damage();
  }

  #has(count: number): boolean {
    if (count <= this.end - this.at) return true;
    this.#damage();
    return false;
  }

  #damage(): void {
    this.isDamaged = true;
    this.at = this.end;
    this.high = 0;
    this.low = 0;
  }
}
