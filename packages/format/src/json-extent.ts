/**
 * Finds where one JSON element ends when it arrives in pieces, without looking at any byte twice and without keeping one.
 * It only counts brackets outside strings: whether the element is good JSON is for JsonBytes, once it is whole.
 */
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  isSpace,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from './json-bytes.ts';

export class JsonExtent {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isBare = false;

  /** Forgets the last element; the next byte is the first one of a new element. */
  reset(): void {
    this.#depth = 0;
    this.#isInString = false;
    this.#isEscaped = false;
    this.#isBare = false;
  }

  /** Goes on at bytes[from..end). Returns the index after the element, or -1 when it goes on past `end`. */
  scan(bytes: Uint8Array, from: number, end: number): number {
    let depth = this.#depth;
    let isInString = this.#isInString;
    let i = from;
    // hot for long values: what changes with a byte is in locals.
    for (; i < end; i++) {
      const byte = bytes[i]!;
      if (isInString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) {
          isInString = false;
          if (depth === 0) return i + 1;
        }
      } else if (this.#isBare) {
        // A number or a word ends before what follows it.
        if (isSpace(byte) || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET) return i;
      } else if (byte === QUOTE) isInString = true;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        depth--;
        if (depth <= 0) return i + 1;
      } else if (depth === 0) this.#isBare = true;
    }
    this.#depth = depth;
    this.#isInString = isInString;
    return -1;
  }
}
