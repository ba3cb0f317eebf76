/**
 * The grammar of JSON over bytes: skips and checks one value without building it, and writes a value without its spaces.
 *
 * Works on a buffer whose byte at `limit` is 0, so that the loops need no check of bounds: whatever stops at or after
 * `limit` is not bad but incomplete, and the caller tells the two apart by `badAt`.
 */

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACKET = 0x5d;
export const COMMA = 0x2c;
export const COLON = 0x3a;
const MINUS = 0x2d;
const DOT = 0x2e;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();
const LITERALS = ['true', 'false', 'null', 'NaN', 'Infinity', '-Infinity'].map((word) =>
  encoder.encode(word),
);
const NULL = encoder.encode('null');

/** Whether a byte is one of JSON's spaces. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Skips values. One object serves a whole file: results beside the end stand in its fields. */
export class JsonBytes {
  /** End of the good bytes; the byte there is 0. */
  limit = 0;
  /** Where scanning stopped, after a -1. At `limit` or after it: the input is incomplete. */
  badAt = 0;
  /** Whether the last -1 came from too deep nesting. */
  isTooDeep = false;
  /** Whether the last string is its own text: no escape, no control character. */
  isPlain = true;
  /** Whether the last value can be kept as it is: valid JSON without spaces outside strings. */
  isClean = true;
  /** 1 for an object, 0 for an array, by depth. */
  readonly #nesting: Uint8Array;

  constructor(maxDepth: number) {
    this.#nesting = new Uint8Array(maxDepth + 1);
  }

  /** Index after the string that opens at `at`, or -1. */
  string(bytes: Uint8Array, at: number): number {
    // hot: twice an event and more.
    this.isPlain = true;
    for (let i = at + 1; ; i++) {
      const byte = bytes[i]!;
      if (byte === QUOTE) return i + 1;
      if (byte === BACKSLASH) {
        this.isPlain = false;
        i = this.#escape(bytes, i);
        if (i < 0) return -1;
      } else if (byte < 0x20) {
        if (i >= this.limit) return this.bad(i);
        this.isPlain = false;
        this.isClean = false;
      }
    }
  }

  /** Index after the value that begins at `at` (no space before it), or -1. */
  value(bytes: Uint8Array, at: number): number {
    const nesting = this.#nesting;
    this.isClean = true;
    let depth = 0;
    let i = at;
    for (;;) {
      const byte = bytes[i]!;
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (depth + 1 >= nesting.length) {
          this.isTooDeep = true;
          return this.bad(i);
        }
        nesting[++depth] = byte === OPEN_BRACE ? 1 : 0;
        i = this.#space(bytes, i + 1);
        if (bytes[i] !== byte + 2) {
          if (byte === OPEN_BRACE) i = this.#key(bytes, i);
          if (i < 0) return -1;
          continue;
        }
        i++;
        depth--;
      } else {
        i = this.#scalar(bytes, i, byte);
        if (i < 0) return -1;
      }
      // After a value: close what ends here, or go on to the next one.
      for (; ; depth--, i++) {
        if (depth === 0) return i;
        i = this.#space(bytes, i);
        if (bytes[i] === COMMA) {
          i = this.#space(bytes, i + 1);
          if (nesting[depth] === 1) i = this.#key(bytes, i);
          if (i < 0) return -1;
          break;
        }
        if (bytes[i] !== (nesting[depth] === 1 ? CLOSE_BRACE : CLOSE_BRACKET)) return this.bad(i);
      }
    }
  }

  /** Remembers where scanning stopped; returns -1. */
  bad(at: number): -1 {
    this.badAt = at;
    return -1;
  }

  /** Index of the value that follows the key at `at`, or -1. */
  #key(bytes: Uint8Array, at: number): number {
    if (bytes[at] !== QUOTE) return this.bad(at);
    const after = this.string(bytes, at);
    if (after < 0) return -1;
    const colon = this.#space(bytes, after);
    return bytes[colon] === COLON ? this.#space(bytes, colon + 1) : this.bad(colon);
  }

  #space(bytes: Uint8Array, at: number): number {
    let i = at;
    while (isSpace(bytes[i]!)) i++;
    if (i > at) this.isClean = false;
    return i;
  }

  #scalar(bytes: Uint8Array, at: number, byte: number): number {
    if (byte === QUOTE) return this.string(bytes, at);
    if (isDigit(byte) || (byte === MINUS && bytes[at + 1] !== LITERALS[4]![0]))
      return this.#number(bytes, at);
    for (const word of LITERALS) {
      if (word[0] !== byte) continue;
      for (let k = 1; k < word.length; k++) if (bytes[at + k] !== word[k]) return this.bad(at + k);
      // Python and Go programs write NaN and Infinity, which JSON has not: they become null.
      if (word !== LITERALS[0] && word !== LITERALS[1] && word !== LITERALS[2]) this.isClean = false;
      return at + word.length;
    }
    return this.bad(at);
  }

  #number(bytes: Uint8Array, at: number): number {
    let i = bytes[at] === MINUS ? at + 1 : at;
    if (bytes[i] === 0x30) i++;
    else i = this.#digits(bytes, i);
    if (i >= 0 && bytes[i] === DOT) i = this.#digits(bytes, i + 1);
    if (i >= 0 && (bytes[i]! | 0x20) === 0x65) {
      const sign = bytes[i + 1];
      i = this.#digits(bytes, sign === MINUS || sign === 0x2b ? i + 2 : i + 1);
    }
    return i;
  }

  #digits(bytes: Uint8Array, at: number): number {
    let i = at;
    while (isDigit(bytes[i]!)) i++;
    return i > at ? i : this.bad(i);
  }

  /** Index of the last byte of the escape that begins at `at`, or -1. */
  #escape(bytes: Uint8Array, at: number): number {
    const kind = bytes[at + 1]!;
    if (at + 1 >= this.limit) return this.bad(at + 1);
    if (kind !== 0x75) return '"\\/bfnrt'.includes(String.fromCharCode(kind)) ? at + 1 : this.bad(at + 1);
    for (let k = 2; k < 6; k++) {
      const byte = bytes[at + k]!;
      const letter = byte | 0x20;
      if (!isDigit(byte) && (letter < 0x61 || letter > 0x66)) return this.bad(at + k);
    }
    return at + 5;
  }
}

/** The text of bytes[start..end). Bytes that are not UTF-8 become U+FFFD. */
export function decode(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end));
}

/** The text of the string whose inside is bytes[start..end), escapes resolved, control characters kept. */
export function decodeString(bytes: Uint8Array, start: number, end: number): string {
  const raw = decode(bytes, start, end);
  return JSON.parse(`"${raw.replace(/[^ -\uffff]/g, (c) => JSON.stringify(c).slice(1, -1))}"`) as string;
}

/**
 * Writes the checked value bytes[start..end) without spaces outside strings, as valid JSON, into `out` from 0; returns
 * how many bytes. `out` must have six times the room.
 */
export function compactJson(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let to = 0;
  let inString = false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === QUOTE) inString = !inString;
    if (inString && byte === BACKSLASH) {
      out[to++] = byte;
      out[to++] = bytes[++i]!;
    } else if (inString && byte < 0x20) {
      to += encoder.encodeInto(`\\u${byte.toString(16).padStart(4, '0')}`, out.subarray(to)).written;
    } else if (!inString && (byte === 0x4e || byte === 0x49)) {
      // NaN, Infinity, -Infinity
      if (bytes[i - 1] === MINUS && byte === 0x49) to--;
      out.set(NULL, to);
      to += NULL.length;
      i += byte === 0x4e ? 2 : 7;
    } else if (inString || !isSpace(byte)) out[to++] = byte;
  }
  return to;
}
