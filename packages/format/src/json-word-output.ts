/**
 * The buffer of JsonWriter, filled four bytes at a time where it can be: every event starts on a multiple of four, made so by
 * spaces, and so does every part of one that is copied as words.
 *
 * It hands its bytes on between events only. Knows numbers and times, but no event.
 */
import { FRACTION, SPACES, textWords, ZEROS } from './json-words.ts';
import type { ByteSink } from './trace-writer.ts';

const BUFFER_BYTES = 1 << 20;
const [QUOTE, BACKSLASH, SPACE, DELETE] = [0x22, 0x5c, 0x20, 0x7f] as const;

const encoder = new TextEncoder();

export class JsonWordOutput {
  words: Int32Array = new Int32Array(BUFFER_BYTES / 4);
  bytes: Uint8Array = new Uint8Array(this.words.buffer);
  /** Next free byte; a multiple of four between events. */
  at = 0;
  readonly #sink: ByteSink;
  readonly #originMicros: number;
  readonly #originNanos: number;
  /** The digits of a timestamp above 10 ms, as words: they change a hundred times a second at most. */
  #high = -1;
  #highWords: Int32Array = new Int32Array(0);

  constructor(sink: ByteSink, origin: bigint) {
    this.#sink = sink;
    this.#originMicros = Number(origin / 1000n);
    this.#originNanos = Number(origin % 1000n);
  }

  /** Hands all bytes on. Only between events. */
  flush(): void {
    if (this.at === 0) return;
    const end = this.at;
    this.at = 0;
    this.#sink(this.bytes.subarray(0, end));
  }

  /** Makes room for `count` bytes of an event that begins here. */
  begin(count: number): void {
    // hot
    if (this.at + count + 4 <= this.bytes.length) return;
    this.flush();
    this.reserve(count);
  }

  /** Ends an event. */
  end(): void {
    this.pad();
    if (this.at > BUFFER_BYTES / 2) this.flush();
  }

  /** Makes room for `count` more bytes, the bytes of an unfinished event kept. */
  reserve(count: number): void {
    if (this.at + count + 4 <= this.bytes.length) return;
    const words = new Int32Array(Math.ceil((this.at + count + 4) / 4 / 1024) * 2048);
    const bytes = new Uint8Array(words.buffer);
    bytes.set(this.bytes.subarray(0, this.at));
    this.words = words;
    this.bytes = bytes;
  }

  /** Fills up to a multiple of four with spaces. */
  pad(): void {
    while ((this.at & 3) !== 0) this.bytes[this.at++] = SPACE;
  }

  /** Copies words, from a multiple of four on. */
  copy(source: Int32Array): void {
    // hot
    this.reserve(source.length * 4);
    const { words } = this;
    let w = this.at >> 2;
    for (let i = 0; i < source.length; i++) words[w++] = source[i]!;
    this.at = w << 2;
  }

  text(text: string): void {
    // Three bytes a UTF-16 unit at most.
    this.reserve(text.length * 3);
    const { bytes } = this;
    let { at } = this;
    // Unit by unit: a third of the time of encodeInto for the short ASCII texts that these are.
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 127 || i > 512) {
        this.at = at + encoder.encodeInto(text.slice(i), bytes.subarray(at)).written;
        return;
      }
      bytes[at++] = unit;
    }
    this.at = at;
  }

  /** A text as a JSON string: `text(JSON.stringify(text))`, at a third of the cost where nothing needs an escape. */
  quoted(text: string): void {
    this.reserve(text.length * 3 + 2);
    const { bytes } = this;
    let { at } = this;
    bytes[at++] = QUOTE;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < SPACE || unit >= DELETE || unit === QUOTE || unit === BACKSLASH) {
        this.text(JSON.stringify(text));
        return;
      }
      bytes[at++] = unit;
    }
    bytes[at] = QUOTE;
    this.at = at + 1;
  }

  raw(source: Uint8Array): void {
    this.reserve(source.length);
    const { bytes } = this;
    let { at } = this;
    for (let i = 0; i < source.length; i++) bytes[at++] = source[i]!;
    this.at = at;
  }

  /** Writes nanoseconds as a timestamp at word `w`, where there is room; returns the next word. */
  time(w: number, nanos: number): number {
    // hot
    const shifted = nanos + this.#originNanos;
    const relative = Math.floor(shifted / 1000);
    const micros = relative + this.#originMicros;
    const high = Math.floor(micros / 10_000);
    const { words } = this;
    let at = w;
    if (high > 0) {
      if (high !== this.#high) this.#cacheHigh(high);
      const digits = this.#highWords;
      for (let i = 0; i < digits.length; i++) words[at++] = digits[i]!;
      words[at++] = ZEROS[micros - high * 10_000]!;
    } else words[at++] = SPACES[micros]!;
    words[at++] = FRACTION[shifted - relative * 1000]!;
    return at;
  }

  /** Writes nanoseconds as a duration at word `w`, where there is room; returns the next word. */
  duration(w: number, nanos: number): number {
    // hot
    const micros = Math.floor(nanos / 1000);
    const at = this.integer(w, micros);
    this.words[at] = FRACTION[nanos - micros * 1000]!;
    return at + 1;
  }

  /** Writes a positive integer at word `w`, spaces first, where there is room; returns the next word. */
  integer(w: number, value: number): number {
    // hot
    if (value < 10_000) {
      this.words[w] = SPACES[value]!;
      return w + 1;
    }
    const high = Math.floor(value / 10_000);
    const next = this.integer(w, high);
    this.words[next] = ZEROS[value - high * 10_000]!;
    return next + 1;
  }

  #cacheHigh(high: number): void {
    const digits = String(high);
    this.#high = high;
    this.#highWords = textWords(digits.padStart(Math.ceil(digits.length / 4) * 4, ' '));
  }
}
