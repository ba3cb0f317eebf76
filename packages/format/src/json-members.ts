/**
 * The members of one JSON object that arrives in pieces: of arrays that are asked for element by element, of everything else as a whole.
 * So a file of any size needs no more memory than what is made of it.
 */
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  decode,
  isSpace,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from './json-bytes.ts';
import { JsonExtent } from './json-extent.ts';
import { TraceFormatError, type TraceFormatErrorCode } from './trace-format-error.ts';

/** What is done with the members. */
export interface MemberHandler {
  /** Whether an array of this key is taken element by element. */
  readonly isStreamed: (key: string) => boolean;
  readonly element: (key: string, value: unknown) => void;
  readonly value: (key: string, value: unknown) => void;
}

type Place = 'start' | 'key' | 'colon' | 'value' | 'elements' | 'done';

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

export class JsonMembers {
  error: TraceFormatError | undefined;
  readonly #handler: MemberHandler;
  readonly #maxBytes: number;
  readonly #extent = new JsonExtent();
  /** Bytes [at, used) are not read yet; of those up to `scanned` the extent is known. */
  #buffer = new Uint8Array(1 << 16);
  #at = 0;
  #used = 0;
  #scanned = -1;
  /** Bytes of the input before the buffer's first. */
  #before = 0;
  #place: Place = 'start';
  #key = '';
  /** Whether a comma or the first byte came: an element may follow. */
  #isOpen = true;

  /** @param maxBytes of one element or value. */
  constructor(handler: MemberHandler, maxBytes: number) {
    this.#handler = handler;
    this.#maxBytes = maxBytes;
  }

  push(chunk: Uint8Array): TraceFormatError | undefined {
    if (this.error !== undefined) return this.error;
    this.#append(chunk);
    while (this.error === undefined && this.#step());
    return this.error;
  }

  /** Says that nothing more comes. Returns why the object is not whole, or undefined. */
  end(): TraceFormatError | undefined {
    if (this.error === undefined && this.#place !== 'done') {
      const where = this.#place === 'elements' || this.#place === 'value' ? this.#key : 'the profile';
      this.#fail('truncated', `the file ends inside ${where}`);
    }
    this.#buffer = new Uint8Array(0);
    return this.error;
  }

  #append(chunk: Uint8Array): void {
    const kept = this.#used - this.#at;
    this.#buffer.copyWithin(0, this.#at, this.#used);
    this.#before += this.#at;
    if (this.#scanned >= 0) this.#scanned -= this.#at;
    this.#at = 0;
    if (kept + chunk.length > this.#buffer.length) {
      const larger = new Uint8Array((kept + chunk.length) * 2);
      larger.set(this.#buffer.subarray(0, kept));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, kept);
    this.#used = kept + chunk.length;
  }

  /** Returns false when more bytes are needed. */
  #step(): boolean {
    if (this.#scanned < 0) while (this.#at < this.#used && isSpace(this.#buffer[this.#at]!)) this.#at++;
    if (this.#at === this.#used) return false;
    const byte = this.#buffer[this.#at]!;
    switch (this.#place) {
      case 'start':
        if (byte === BYTE_ORDER_MARK[this.#before + this.#at]) return this.#skip('start');
        return byte === OPEN_BRACE ? this.#skip('key') : this.#unexpected();
      case 'key':
        if (byte === CLOSE_BRACE) return this.#skip('done');
        if (byte === COMMA) return this.#skip('key');
        return byte === QUOTE ? this.#take((key) => this.#named(key)) : this.#unexpected();
      case 'colon':
        return byte === COLON ? this.#skip('value') : this.#unexpected();
      case 'value':
        if (byte === OPEN_BRACKET && this.#scanned < 0 && this.#handler.isStreamed(this.#key)) {
          this.#isOpen = true;
          return this.#skip('elements');
        }
        return this.#take((value) => {
          this.#handler.value(this.#key, value);
          this.#place = 'key';
        });
      case 'elements':
        return this.#element(byte);
      default:
        return this.#unexpected();
    }
  }

  #element(byte: number): boolean {
    if (this.#scanned < 0) {
      if (byte === CLOSE_BRACKET) return this.#skip('key');
      if (byte === COMMA && !this.#isOpen) {
        this.#isOpen = true;
        return this.#skip('elements');
      }
      if (!this.#isOpen || byte === COMMA || byte === CLOSE_BRACE) return this.#unexpected();
      // hot: once a sample. Most are whole numbers, of which no text need be made.
      if (this.#wholeNumber()) return true;
    }
    return this.#take((value) => {
      this.#handler.element(this.#key, value);
      this.#isOpen = false;
    });
  }

  #wholeNumber(): boolean {
    const buffer = this.#buffer;
    let at = this.#at;
    let value = 0;
    const isNegative = buffer[at] === 0x2d;
    if (isNegative) at++;
    const first = at;
    for (; at < this.#used && buffer[at]! >= 0x30 && buffer[at]! <= 0x39; at++) {
      value = value * 10 + buffer[at]! - 0x30;
    }
    const next = buffer[at];
    if (at === this.#used || at === first || at - first > 15 || (next !== COMMA && next !== CLOSE_BRACKET))
      return false;
    this.#handler.element(this.#key, isNegative ? -value : value);
    this.#isOpen = false;
    this.#at = at;
    return true;
  }

  #named(key: unknown): void {
    this.#key = String(key);
    this.#place = 'colon';
  }

  #skip(place: Place): boolean {
    this.#at++;
    this.#place = place;
    return true;
  }

  /** Takes the value at hand, if it is whole. */
  #take(use: (value: unknown) => void): boolean {
    if (this.#scanned < 0) {
      this.#extent.reset();
      this.#scanned = this.#at;
    }
    const end = this.#extent.scan(this.#buffer, this.#scanned, this.#used);
    if (end < 0) {
      this.#scanned = this.#used;
      if (this.#used - this.#at > this.#maxBytes) {
        this.#fail('limit', `a value is longer than ${this.#maxBytes} bytes`);
      }
      return false;
    }
    let value: unknown;
    try {
      value = JSON.parse(decode(this.#buffer, this.#at, end));
    } catch {
      return this.#unexpected();
    }
    use(value);
    this.#at = end;
    this.#scanned = -1;
    return true;
  }

  #unexpected(): boolean {
    const text = decode(this.#buffer, this.#at, Math.min(this.#at + 10, this.#used));
    this.#fail('malformed', `no JSON: unexpected ${JSON.stringify(text)}`);
    return false;
  }

  #fail(code: TraceFormatErrorCode, message: string): void {
    this.error = new TraceFormatError(code, message, this.#before + this.#at);
  }
}
