/**
 * Takes one Chrome trace event apart: where its fields stand, and its numbers. What the fields mean is for
 * JsonEventRows. One object serves a whole file; an event is nothing but this object's fields until the next one.
 *
 * Strings are ranges [start, end) into the buffer, quotes left out; an end of 0 means that the field is missing.
 * Keys may come in any order; of a key given twice the last one counts. Commas may be missing or doubled.
 */

import { parseDecimalTime } from './decimal-time.ts';
import {
  BACKSLASH,
  CLOSE_BRACE,
  COLON,
  COMMA,
  decode,
  decodeString,
  isSpace,
  type JsonBytes,
  QUOTE,
} from './json-bytes.ts';

const MINUS = 0x2d;
const DOT = 0x2e;
const SPACE = 0x20;
const ZERO = 0x30;

/** Digits that a time may have before its point to be summed up exactly in a double. */
const EXACT_DIGITS = 15;

const FIELDS = [
  ...['', 'ph', 'ts', 'dur', 'name', 'cat', 'pid', 'tid', 'args', 'id', 'id2', 'scope', 'bp', 's', 'sf'],
  ...['stack', 'bind_id', 'flow_in', 'flow_out'],
] as const;

const encoder = new TextEncoder();

/** A string or other value of an event, as a range of the buffer. */
export interface Range {
  start: number;
  /** 0: the event has no such field. */
  end: number;
  /** Whether the range is the text itself: a string without escapes. */
  isPlain: boolean;
  /** Whether it stands in quotes. */
  isString: boolean;
}

const range = (): Range => ({ start: 0, end: 0, isPlain: true, isString: true });

export class JsonEvent {
  /** First letter of `ph`; 0 = none. */
  phase = 0;
  hasTime = false;
  micros = 0;
  nanos = 0;
  /** Nanoseconds; -1 = none. */
  duration = -1;
  /** -1: none, or no integer and in `pidText` instead. */
  pid = -1;
  tid = -1;
  readonly pidText: Range = range();
  readonly tidText: Range = range();
  readonly name: Range = range();
  readonly category: Range = range();
  readonly id: Range = range();
  readonly id2: Range = range();
  readonly idScope: Range = range();
  readonly stack: Range = range();
  readonly stackFrame: Range = range();
  readonly bindId: Range = range();
  argsStart = 0;
  argsEnd = 0;
  /** Whether the arguments are valid JSON without spaces as they stand. */
  areArgsClean = true;
  /** First letter of the scope of an instant; 0 = none. */
  scope = 0;
  hasFlowIn = false;
  hasFlowOut = false;

  readonly #json: JsonBytes;
  readonly #text: Range = range();
  #timeMicros = 0;
  #timeNanos = 0;
  #isTime = false;
  #integer = 0;

  constructor(json: JsonBytes) {
    this.#json = json;
  }

  /** Reads the event whose brace opens at `at`. Returns the index after it, or -1 with the place in `JsonBytes.badAt`. */
  read(bytes: Uint8Array, at: number): number {
    // hot: once an event, 15 ns a field; bench/read.mjs.
    this.#reset();
    let i = at + 1;
    for (;;) {
      let byte = bytes[i]!;
      while (byte === COMMA || isSpace(byte)) byte = bytes[++i]!;
      if (byte !== QUOTE) return byte === CLOSE_BRACE ? i + 1 : this.#json.bad(i);
      const key = i + 1;
      i = key;
      // Keys are short: this loop is shorter than a call. Escapes and control characters go the long way.
      byte = bytes[i]!;
      while (byte !== QUOTE && byte !== BACKSLASH && byte >= SPACE) byte = bytes[++i]!;
      let field = 0;
      if (byte === QUOTE) field = fieldOf(bytes, key, i - key);
      else {
        i = this.#json.string(bytes, key - 1) - 1;
        if (i < 0) return -1;
        const decoded = encoder.encode(decodeString(bytes, key, i));
        field = fieldOf(decoded, 0, decoded.length);
      }
      i++;
      while (isSpace(bytes[i]!)) i++;
      if (bytes[i] !== COLON) return this.#json.bad(i);
      i++;
      while (isSpace(bytes[i]!)) i++;
      i = this.#field(field, bytes, i);
      if (i < 0) return -1;
    }
  }

  #reset(): void {
    this.phase = 0;
    this.hasTime = false;
    this.duration = -1;
    this.pid = -1;
    this.tid = -1;
    this.pidText.end = 0;
    this.tidText.end = 0;
    this.name.end = 0;
    this.category.end = 0;
    this.id.end = 0;
    this.id2.end = 0;
    this.idScope.end = 0;
    this.stack.end = 0;
    this.stackFrame.end = 0;
    this.bindId.end = 0;
    this.argsStart = 0;
    this.argsEnd = 0;
    this.scope = 0;
    this.hasFlowIn = false;
    this.hasFlowOut = false;
  }

  /** Takes the value that begins at `at`; returns the index after it, or -1. */
  #field(field: number, bytes: Uint8Array, at: number): number {
    switch (field) {
      case 1:
      case 13:
        return this.#letter(field, bytes, at);
      case 2:
      case 3:
        return this.#time(field, bytes, at);
      case 4:
        return this.#textOf(bytes, at, this.name);
      case 5:
        return this.#textOf(bytes, at, this.category);
      case 6: {
        const end = this.#number(bytes, at, this.pidText);
        this.pid = this.#integer;
        return end;
      }
      case 7: {
        const end = this.#number(bytes, at, this.tidText);
        this.tid = this.#integer;
        return end;
      }
      case 8: {
        const end = this.#json.value(bytes, at);
        this.argsStart = at;
        this.argsEnd = end;
        this.areArgsClean = this.#json.isClean;
        return end;
      }
      default:
        return this.#rareField(field, bytes, at);
    }
  }

  #rareField(field: number, bytes: Uint8Array, at: number): number {
    switch (field) {
      case 9:
        return this.#textOf(bytes, at, this.id);
      case 10:
        return this.#textOf(bytes, at, this.id2);
      case 11:
        return this.#textOf(bytes, at, this.idScope);
      case 14:
        return this.#textOf(bytes, at, this.stackFrame);
      case 15:
        return this.#textOf(bytes, at, this.stack);
      case 16:
        return this.#textOf(bytes, at, this.bindId);
      case 17:
        // `true`, or a number or text that is not empty.
        this.hasFlowIn = isTrue(bytes[at]!);
        return this.#json.value(bytes, at);
      case 18:
        this.hasFlowOut = isTrue(bytes[at]!);
        return this.#json.value(bytes, at);
      default:
        return this.#json.value(bytes, at);
    }
  }

  #textOf(bytes: Uint8Array, at: number, into: Range): number {
    if (bytes[at] === QUOTE) {
      const end = this.#json.string(bytes, at);
      into.start = at + 1;
      into.end = end - 1;
      into.isPlain = this.#json.isPlain;
      into.isString = true;
      return end;
    }
    const end = this.#json.value(bytes, at);
    into.start = at;
    into.end = end;
    into.isPlain = true;
    into.isString = false;
    return end;
  }

  #letter(field: number, bytes: Uint8Array, at: number): number {
    let end = at + 3;
    const byte = bytes[at + 1]!;
    const isShort =
      bytes[at] === QUOTE && bytes[at + 2] === QUOTE && byte > SPACE && byte !== QUOTE && byte !== BACKSLASH;
    if (!isShort) end = this.#json.value(bytes, at);
    const letter = bytes[at] === QUOTE && end > at + 2 ? bytes[at + 1]! : 0;
    if (field === 1) this.phase = letter;
    else this.scope = letter;
    return end;
  }

  /** A thread's or process's number: an integer as a rule, else left as text with -1 as its number. */
  #number(bytes: Uint8Array, at: number, into: Range): number {
    let value = 0;
    let i = at;
    let digit = bytes[i]! - 0x30;
    while (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digit = bytes[++i]! - 0x30;
    }
    const next = bytes[i];
    // JSON has no leading zeros: the general way says so, wherever the chunk ends.
    const isPlain = i - at === 1 || (i > at && i - at <= EXACT_DIGITS && bytes[at] !== ZERO);
    if (isPlain && (next === COMMA || next === CLOSE_BRACE)) {
      into.end = 0;
      this.#integer = value;
      return i;
    }
    const end = this.#textOf(bytes, at, into);
    if (end < 0) return -1;
    const number = Number(decode(bytes, into.start, into.end) || 'x');
    this.#integer = Number.isSafeInteger(number) ? number : -1;
    if (Number.isSafeInteger(number)) into.end = 0;
    return end;
  }

  #time(field: number, bytes: Uint8Array, at: number): number {
    const end = this.#decimal(bytes, at);
    if (end < 0) return -1;
    if (field === 2) {
      this.hasTime = this.#isTime;
      this.micros = this.#timeMicros;
      this.nanos = this.#timeNanos;
    } else this.duration = this.#isTime ? Math.max(0, this.#timeMicros * 1000 + this.#timeNanos) : -1;
    return end;
  }

  /** Parses `-123.4567` into whole microseconds and nanoseconds, rounded. */
  #decimal(bytes: Uint8Array, at: number): number {
    // hot: twice an event.
    let i = at;
    const isNegative = bytes[i] === MINUS;
    if (isNegative) i++;
    const first = i;
    let micros = 0;
    let digit = bytes[i]! - 0x30;
    while (digit >= 0 && digit <= 9) {
      micros = micros * 10 + digit;
      digit = bytes[++i]! - 0x30;
    }
    const count = i - first;
    let nanos = 0;
    if (bytes[i] === DOT) {
      let place = 100;
      const fraction = i + 1;
      for (digit = bytes[++i]! - 0x30; digit >= 0 && digit <= 9; digit = bytes[++i]! - 0x30) {
        if (place >= 1) nanos += digit * place;
        else if (place > 0.05 && digit >= 5) nanos++;
        place /= 10;
      }
      if (i === fraction) return this.#slowDecimal(bytes, at);
    }
    const next = bytes[i];
    const isPlain = count === 1 || (count > 0 && count <= EXACT_DIGITS && bytes[first] !== ZERO);
    if (!isPlain || (next !== COMMA && next !== CLOSE_BRACE)) {
      return this.#slowDecimal(bytes, at);
    }
    this.#isTime = true;
    this.#timeMicros = isNegative ? 0 - micros : micros;
    this.#timeNanos = isNegative ? 0 - nanos : nanos;
    return i;
  }

  /** A time in quotes, with an exponent, very long, with a space behind it, or no time at all. */
  #slowDecimal(bytes: Uint8Array, at: number): number {
    const end = this.#textOf(bytes, at, this.#text);
    if (end < 0) return -1;
    const { start, end: textEnd } = this.#text;
    const time = textEnd - start < 1000 ? parseDecimalTime(decode(bytes, start, textEnd)) : undefined;
    this.#isTime = time !== undefined;
    if (time !== undefined) {
      this.#timeMicros = time.micros;
      this.#timeNanos = time.nanos;
    }
    return end;
  }
}

function isTrue(firstByte: number): boolean {
  // Not `false`, `null` or 0.
  return firstByte !== 0x66 && firstByte !== 0x6e && firstByte !== 0x30;
}

/** Number of the field whose key is bytes[at..at + length); 0 = none that matters. */
function fieldOf(bytes: Uint8Array, at: number, length: number): number {
  // hot: nine times an event. Length and first byte leave one or two candidates; `isKey` makes sure.
  const first = bytes[at]!;
  let field = 0;
  if (length === 2) {
    // ph ts id bp sf
    if (first === 0x70) field = 1;
    else if (first === 0x74) field = 2;
    else if (first === 0x69) field = 9;
    else field = first === 0x62 ? 12 : 14;
  } else if (length === 3) {
    // dur cat pid tid id2
    if (first === 0x70) field = 6;
    else if (first === 0x74) field = 7;
    else if (first === 0x64) field = 3;
    else field = first === 0x63 ? 5 : 10;
  } else if (length === 4) field = first === 0x6e ? 4 : 8;
  else if (length === 1) field = 13;
  else if (length === 5) field = bytes[at + 1] === 0x63 ? 11 : 15;
  else if (length === 7) field = first === 0x62 ? 16 : 17;
  else if (length === 8) field = 18;
  const key = FIELDS[field]!;
  for (let k = 0; k < key.length; k++) if (bytes[at + k] !== key.charCodeAt(k)) return 0;
  return key.length === length ? field : 0;
}
