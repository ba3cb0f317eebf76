/**
 * A gzip file (RFC 1952), pushed in chunks: headers, checksums and any number of members one after another. A file that
 * is cut off or damaged gives all bytes up to there.
 */

import { crc32 } from './crc32.ts';
import { Inflate } from './inflate.ts';
import { TraceFormatError, type TraceFormatErrorCode } from './trace-format-error.ts';

/** A header with a file name and a comment longer than this is taken for damage. */
const MAX_HEADER_BYTES = 1 << 16;

const FLAG_CHECKSUM = 2;
const FLAG_EXTRA = 4;
const FLAG_NAME = 8;
const FLAG_COMMENT = 16;

export class Gunzip {
  readonly #inflate: Inflate;
  #place: 'header' | 'data' | 'trailer' = 'header';
  #members = 0;
  /** Input that could not be used yet. */
  #rest: Uint8Array = new Uint8Array(0);
  #crc = 0;
  #memberBytes = 0;
  #total = 0;
  #error: TraceFormatError | undefined;

  /** @param sink receives the decompressed bytes, which it must use before it returns. */
  constructor(sink: (bytes: Uint8Array) => void) {
    this.#inflate = new Inflate((bytes) => {
      this.#crc = crc32(bytes, this.#crc);
      this.#memberBytes += bytes.length;
      this.#total += bytes.length;
      sink(bytes);
    });
  }

  /** Takes the next bytes of the file. Returns the error that ended reading; its offset counts decompressed bytes. */
  push(chunk: Uint8Array): TraceFormatError | undefined {
    if (this.#error !== undefined) return this.#error;
    const input = joined(this.#rest, chunk);
    let at = 0;
    for (let next = 0; next >= 0 && this.#error === undefined; ) {
      if (this.#place === 'header') next = this.#header(input, at);
      else if (this.#place === 'trailer') next = this.#trailer(input, at);
      else {
        const outcome = this.#inflate.run(input, at);
        at = this.#inflate.at;
        next = outcome === 'end' ? at : -1;
        if (outcome === 'end') this.#place = 'trailer';
        else if (outcome === 'bad') this.#fail('malformed', 'the compressed data is damaged');
      }
      if (next >= 0) at = next;
    }
    this.#rest = input.slice(at);
    return this.#error;
  }

  /** Says that the file ends here. */
  end(): TraceFormatError | undefined {
    const isBetween = this.#members > 0 && this.#place === 'header' && this.#rest.length === 0;
    if (this.#error === undefined && !isBetween) this.#fail('truncated', 'the gzip file is cut off');
    return this.#error;
  }

  /** Index after the header of a member, or -1 when it is not whole. */
  #header(input: Uint8Array, at: number): number {
    let i = at;
    // Zeros between and after members are padding.
    if (this.#members > 0) while (input[i] === 0) i++;
    if (i >= input.length) {
      this.#rest = input.subarray(i);
      return i > at ? i : -1;
    }
    for (const [k, byte] of [0x1f, 0x8b, 8].entries()) {
      if (i + k < input.length && input[i + k] !== byte) {
        this.#fail('malformed', this.#members > 0 ? 'no gzip after the first member' : 'no gzip header');
        return -1;
      }
    }
    const end = headerEnd(input, i);
    if (end < 0) {
      if (input.length - i > MAX_HEADER_BYTES) this.#fail('limit', 'the gzip header has no end');
      return -1;
    }
    this.#inflate.reset();
    this.#crc = 0;
    this.#memberBytes = 0;
    this.#place = 'data';
    return end;
  }

  #trailer(input: Uint8Array, at: number): number {
    if (input.length - at < 8) return -1;
    const view = new DataView(input.buffer, input.byteOffset + at, 8);
    if (view.getUint32(0, true) !== this.#crc || view.getUint32(4, true) !== this.#memberBytes % 2 ** 32) {
      this.#fail('malformed', 'the gzip checksum does not match');
      return -1;
    }
    this.#members++;
    this.#place = 'header';
    return at + 8;
  }

  #fail(code: TraceFormatErrorCode, message: string): void {
    this.#error = new TraceFormatError(code, message, this.#total);
  }
}

/** Index after the gzip header at `at`, or -1 when it is not whole. */
function headerEnd(input: Uint8Array, at: number): number {
  const flags = input[at + 3];
  let i = at + 10;
  if (flags === undefined || i > input.length) return -1;
  if ((flags & FLAG_EXTRA) !== 0) {
    if (i + 2 > input.length) return -1;
    i += 2 + input[i]! + input[i + 1]! * 256;
  }
  for (const flag of [FLAG_NAME, FLAG_COMMENT]) {
    if ((flags & flag) === 0) continue;
    const zero = input.indexOf(0, i);
    if (zero < 0) return -1;
    i = zero + 1;
  }
  if ((flags & FLAG_CHECKSUM) !== 0) i += 2;
  return i <= input.length ? i : -1;
}

function joined(rest: Uint8Array, chunk: Uint8Array): Uint8Array {
  if (rest.length === 0) return chunk;
  const bytes = new Uint8Array(rest.length + chunk.length);
  bytes.set(rest);
  bytes.set(chunk, rest.length);
  return bytes;
}
