/**
 * Chrome Trace Event JSON of any producer, pushed in chunks, into a TraceBuilder: the array form, the object form and one
 * event after another without brackets. Here: where events lie in a file, chunk borders, what is damaged. JsonEvent takes
 * an event apart, JsonEventRows gives it its meaning.
 *
 * Events are read where they lie in one buffer of one piece of input; an event that goes on past the buffer is kept and
 * looked at again when JsonExtent has seen its end, so that no byte is scanned more than three times.
 */

import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  compactJson,
  decode,
  decodeString,
  isSpace,
  JsonBytes,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from './json-bytes.ts';
import { JsonEvent } from './json-event.ts';
import { JsonEventRows } from './json-event-rows.ts';
import { JsonExtent } from './json-extent.ts';
import { nameThreadLanes, nameTimingRows } from './thread-name.ts';
import type { TraceBuilder } from './trace-builder.ts';
import { TraceFormatError, type TraceFormatErrorCode } from './trace-format-error.ts';
import { DEFAULT_LIMITS, type ReadLimits, type TraceReader } from './trace-reader.ts';

/** Input is copied and read in pieces of this size: they stay in the processor's second cache. */
const PIECE_BYTES = 1 << 18;
/** Longest value beside the events that is kept. */
const MAX_FACT_BYTES = 1 << 20;
const MAX_FACTS = 1000;
const MAX_KEY_BYTES = 1 << 12;

/** Where in the file the reader is. */
type Place =
  /** Before the first byte that is no space. */
  | 'start'
  /** Among events: in an array, or one after another without brackets. */
  | 'events'
  /** In the object form, before a key or its end. */
  | 'object'
  /** In an event, or in a value beside the events, that has not ended yet. */
  | 'event'
  | 'fact'
  /** After the end of the array or the object. */
  | 'done';

/** Reads Chrome Trace Event JSON. */
export class JsonReader implements TraceReader {
  bytesRead = 0;
  readonly #builder: TraceBuilder;
  readonly #limits: ReadLimits;
  readonly #json: JsonBytes;
  readonly #event: JsonEvent;
  readonly #rows: JsonEventRows;
  readonly #extent = new JsonExtent();
  #error: TraceFormatError | undefined;
  #isClosed = false;

  /** Bytes [0, used) are input; [at, used) is not read yet; a 0 follows. */
  #buffer = new Uint8Array(PIECE_BYTES * 2);
  #used = 0;
  #at = 0;
  /** Up to where the extent of an unfinished event or value is known. */
  #scanned = 0;
  /** Bytes of the input before the buffer's first. */
  #before = 0;

  #place: Place = 'start';
  /** What encloses the events. */
  #form: 'array' | 'object' | 'lines' = 'array';
  #hasEvents = false;
  #key = '';
  /** Whether the value at hand is too long to keep. */
  #isDropping = false;
  /** Keys and values of the outer object so far: it turns out to be an event itself when events come one after another. */
  #facts: Map<string, string> = new Map();

  constructor(builder: TraceBuilder, limits: Partial<ReadLimits> = {}) {
    this.#builder = builder;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#json = new JsonBytes(this.#limits.maxDepth);
    this.#event = new JsonEvent(this.#json);
    this.#rows = new JsonEventRows(builder, this.#limits);
  }

  push(chunk: Uint8Array): TraceFormatError | undefined {
    if (this.#error !== undefined || this.#isClosed) return this.#error;
    this.bytesRead += chunk.length;
    try {
      for (let from = 0; from < chunk.length && this.#error === undefined; from += PIECE_BYTES) {
        this.#append(chunk.subarray(from, from + PIECE_BYTES));
        this.#advance();
      }
    } catch (cause) {
      this.#outOfMemory(cause);
    }
    return this.#error;
  }

  end(): TraceFormatError | undefined {
    if (this.#error !== undefined || this.#isClosed) return this.#error;
    const at = this.#before + this.#at;
    if (this.#place === 'event') {
      // Bad bytes may have come after the part that was looked at.
      if (this.#read() !== 'bad') this.#fail('truncated', 'the file ends inside an event', at);
    } else if (this.#place === 'start') this.#fail('truncated', 'the file is empty', at);
    else if (this.#place === 'fact' || this.#place === 'object') {
      this.#fail('truncated', `the file ends inside ${this.#key === '' ? 'an object' : this.#key}`, at);
    } else if (this.#place === 'events' && this.#form === 'object') {
      this.#fail('truncated', 'the file ends inside traceEvents', at);
    }
    this.#close();
    return this.#error;
  }

  #append(piece: Uint8Array): void {
    const kept = this.#used - this.#at;
    if (this.#at > 0) {
      this.#buffer.copyWithin(0, this.#at, this.#used);
      this.#before += this.#at;
      this.#scanned -= this.#at;
      this.#at = 0;
    }
    if (kept + piece.length + 1 > this.#buffer.length) {
      const larger = new Uint8Array((kept + piece.length) * 2);
      larger.set(this.#buffer.subarray(0, kept));
      this.#buffer = larger;
    }
    this.#buffer.set(piece, kept);
    this.#used = kept + piece.length;
    this.#buffer[this.#used] = 0;
    this.#json.limit = this.#used;
  }

  /** Reads as far as the buffer goes. */
  #advance(): void {
    for (let isMoving = true; isMoving && this.#error === undefined; ) {
      switch (this.#place) {
        case 'start':
          isMoving = this.#start();
          break;
        case 'events':
          isMoving = this.#events();
          break;
        case 'object':
          isMoving = this.#member();
          break;
        case 'event':
        case 'fact':
          isMoving = this.#element();
          break;
        default:
          isMoving = this.#afterEnd();
      }
    }
  }

  #start(): boolean {
    const byte = this.#next();
    if (this.#at === this.#used) return false;
    // A byte order mark, which may come in pieces.
    if (byte === (this.#before + this.#at < 3 ? [0xef, 0xbb, 0xbf][this.#before + this.#at] : -1)) this.#at++;
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      this.#at++;
      this.#place = byte === OPEN_BRACKET ? 'events' : 'object';
      this.#form = byte === OPEN_BRACKET ? 'array' : 'object';
      this.#hasEvents = byte === OPEN_BRACKET;
    } else this.#fail('unknown-format', `expected [ or {, got ${this.#shown(this.#at)}`);
    return true;
  }

  #events(): boolean {
    // hot
    for (;;) {
      const byte = this.#next();
      if (byte === OPEN_BRACE) {
        const outcome = this.#read();
        if (outcome === 'whole') continue;
        if (outcome === 'part') this.#wait('event');
        return true;
      }
      if (this.#at >= this.#used) return false;
      if (byte === COMMA) this.#at++;
      else if (byte === CLOSE_BRACKET && this.#form !== 'lines') {
        this.#at++;
        this.#place = this.#form === 'object' ? 'object' : 'done';
        return true;
      } else {
        // No event, but perhaps JSON: `null`, a number, an array.
        this.#wait('event');
        return true;
      }
    }
  }

  /** Reads the event or other element at hand, if it is whole. */
  #read(): 'whole' | 'part' | 'bad' {
    // hot
    const bytes = this.#buffer;
    const isEvent = bytes[this.#at] === OPEN_BRACE;
    const end = isEvent ? this.#event.read(bytes, this.#at) : this.#json.value(bytes, this.#at);
    if (end < 0) return this.#isBad() ? 'bad' : 'part';
    if (isEvent) this.#rows.add(bytes, this.#event);
    else this.#builder.skip('element that is no event');
    this.#at = end;
    if (this.#builder.length <= this.#limits.maxEvents) return 'whole';
    this.#fail('limit', `more than ${this.#limits.maxEvents} events`);
    return 'bad';
  }

  /** Whether scanning ended at a bad byte, not at the end of what there is; if so, reading ends. */
  #isBad(): boolean {
    const { badAt, isTooDeep } = this.#json;
    if (isTooDeep) this.#fail('limit', `nested more than ${this.#limits.maxDepth} deep`);
    else if (badAt < this.#used) {
      const far = badAt - this.#at;
      this.#fail('malformed', `no JSON: unexpected ${this.#shown(badAt)} ${far} bytes into an element`);
    } else return false;
    return true;
  }

  /** Waits for the end of the element at hand. */
  #wait(place: 'event' | 'fact'): void {
    this.#place = place;
    this.#scanned = this.#at;
    this.#isDropping = false;
    this.#extent.reset();
  }

  #element(): boolean {
    const end = this.#extent.scan(this.#buffer, this.#scanned, this.#used);
    const length = (end < 0 ? this.#used : end) - this.#at;
    const isFact = this.#place === 'fact';
    if (isFact && length > (this.#key === 'stackFrames' ? this.#limits.maxEventBytes : MAX_FACT_BYTES)) {
      this.#isDropping = true;
    }
    if (end >= 0) {
      if (isFact) this.#fact(end);
      else if (this.#read() === 'whole') this.#place = 'events';
      else if (this.#error === undefined) this.#fail('malformed', 'no JSON: brackets do not match');
      return true;
    }
    this.#scanned = this.#used;
    if (this.#isDropping) this.#at = this.#used;
    else if (!isFact && length > this.#limits.maxEventBytes && this.#read() !== 'bad') {
      this.#fail('limit', `an event is longer than ${this.#limits.maxEventBytes} bytes`);
    }
    return false;
  }

  /** Takes a key of the outer object, or its end. */
  #member(): boolean {
    let byte = this.#next();
    while (byte === COMMA) {
      this.#at++;
      byte = this.#next();
    }
    if (this.#at === this.#used) return false;
    if (byte === CLOSE_BRACE) {
      this.#at++;
      this.#objectEnd();
      return true;
    }
    const bytes = this.#buffer;
    const keyEnd = byte === QUOTE ? this.#json.string(bytes, this.#at) : this.#json.bad(this.#at);
    let i = keyEnd;
    if (i >= 0) {
      while (isSpace(bytes[i]!)) i++;
      i = bytes[i] === COLON ? i + 1 : this.#json.bad(i);
      while (isSpace(bytes[i]!)) i++;
    }
    if (i < 0 || i >= this.#used) {
      if (i < 0 && this.#isBad()) return true;
      if (this.#used - this.#at > MAX_KEY_BYTES)
        this.#fail('limit', `a key is longer than ${MAX_KEY_BYTES} bytes`);
      return false;
    }
    this.#key = decodeString(bytes, this.#at + 1, keyEnd - 1);
    this.#at = i;
    if (this.#key === 'traceEvents' && bytes[i] === OPEN_BRACKET) {
      this.#at++;
      this.#place = 'events';
      this.#hasEvents = true;
    } else this.#wait('fact');
    return true;
  }

  /** Keeps a value that stands beside the events. */
  #fact(end: number): void {
    const start = this.#at;
    this.#place = 'object';
    if (!this.#isDropping) {
      const isWhole = this.#json.value(this.#buffer, start) === end;
      if (!isWhole) {
        if (!this.#isBad()) this.#fail('malformed', `no JSON: the value of ${this.#key}`);
        return;
      }
      const text = compacted(this.#buffer, start, end);
      if (this.#key === 'stackFrames') this.#rows.setStackFrames(text);
      else if (this.#facts.size < MAX_FACTS) this.#facts.set(this.#key, text);
      else this.#builder.skip('key past the limit');
    } else this.#builder.skip(`long value of ${this.#key}`);
    this.#at = end;
    this.#key = '';
  }

  #objectEnd(): void {
    if (this.#hasEvents) {
      this.#place = 'done';
      return;
    }
    if (!this.#facts.has('ph')) {
      this.#fail('unknown-format', 'a JSON object without traceEvents', 0);
      return;
    }
    // It was the first of many events, one after another.
    this.#form = 'lines';
    this.#place = 'events';
    const members = [...this.#facts].map(([key, value]) => `${JSON.stringify(key)}:${value}`);
    this.#facts.clear();
    const bytes = new TextEncoder().encode(`{${members.join(',')}}\0`);
    this.#json.limit = bytes.length - 1;
    if (this.#event.read(bytes, 0) > 0) this.#rows.add(bytes, this.#event);
    this.#json.limit = this.#used;
  }

  #afterEnd(): boolean {
    const byte = this.#next();
    if (this.#at === this.#used) return false;
    // Some programs close the array with a comma or a semicolon.
    if (byte === COMMA || byte === 0x3b) this.#at++;
    else this.#fail('malformed', `unexpected ${this.#shown(this.#at)} after the end`);
    return true;
  }

  /** Skips spaces; returns the byte at hand, 0 at the end of the buffer. */
  #next(): number {
    const bytes = this.#buffer;
    let i = this.#at;
    let byte = bytes[i]!;
    while (isSpace(byte)) byte = bytes[++i]!;
    this.#at = i;
    return byte;
  }

  #shown(at: number): string {
    return JSON.stringify(decode(this.#buffer, at, Math.min(at + 10, this.#used)));
  }

  #fail(code: TraceFormatErrorCode, message: string, offset: number = this.#before + this.#at): void {
    this.#error = new TraceFormatError(code, message, offset);
    this.#close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const [key, text] of this.#facts) this.#builder.metadata.set(key, text);
    this.#rows.finish();
    nameThreadLanes(this.#builder.tracks);
    nameTimingRows(this.#builder.tracks);
    this.#buffer = new Uint8Array(0);
  }

  /** An allocation that the machine refuses is a limit like the others. */
  #outOfMemory(cause: unknown): void {
    if (!(cause instanceof RangeError)) throw cause;
    this.#fail('limit', `out of memory: ${cause.message}`);
  }
}

function compacted(bytes: Uint8Array, start: number, end: number): string {
  const out = new Uint8Array((end - start) * 6);
  return decode(out, 0, compactJson(bytes, start, end, out));
}
