/**
 * OTLP in JSON, pushed in chunks, into a TraceBuilder: requests to export traces, one or one after another, as the file exporter of the
 * OpenTelemetry Collector writes them. Here: where spans lie in a file, chunk borders, what is damaged. What a span means is for
 * otlp-span-fields.ts, where it lies in the trace for OtlpRows, which puts it there when the last one is read: parents follow children.
 *
 * Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
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
import { JsonExtent } from './json-extent.ts';
import { OtlpRows } from './otlp-rows.ts';
import type { TraceBuilder } from './trace-builder.ts';
import { TraceFormatError, type TraceFormatErrorCode } from './trace-format-error.ts';
import { DEFAULT_LIMITS, type ReadLimits, type TraceReader } from './trace-reader.ts';

/** Input is copied and read in pieces of this size. */
const PIECE_BYTES = 1 << 18;
const MAX_KEY_BYTES = 1 << 12;

/** Names of the lists on the way to spans, by the depth of the object that has them. */
const LISTS: readonly (readonly string[])[] = [
  ['resourceSpans', 'resource_spans'],
  ['scopeSpans', 'scope_spans', 'instrumentationLibrarySpans'],
  ['spans'],
];
const SPANS = LISTS.length - 1;
const setResourceSchema = (rows: OtlpRows, text: string): void => rows.setResourceSchema(text);
const setScope = (rows: OtlpRows, text: string): void => rows.setScope(text);
const setScopeSchema = (rows: OtlpRows, text: string): void => rows.setScopeSchema(text);
/** What beside lists says something of spans, by the depth of the object that has it. */
const DESCRIPTIONS: readonly ReadonlyMap<string, (rows: OtlpRows, text: string) => void>[] = [
  new Map(),
  new Map([
    ['resource', (rows, text) => rows.setResource(text)],
    ['schemaUrl', setResourceSchema],
    ['schema_url', setResourceSchema],
  ]),
  new Map([
    ['scope', setScope],
    ['instrumentationLibrary', setScope],
    ['schemaUrl', setScopeSchema],
    ['schema_url', setScopeSchema],
  ]),
];
/** What requests of other signals begin with. */
const OTHER_SIGNAL = /^resource_?(Logs|Metrics|Profiles)$/i;

/** Where in the file the reader is. */
type Place =
  /** Before a request, or after the last one. */
  | 'between'
  /** In an object of the current depth, before a key or its end. */
  | 'object'
  /** In the list of an object of the current depth. */
  | 'list'
  /** In a value that has not ended yet: of a key, or an element of a list. */
  | 'member'
  | 'element';

/** Whether a file begins as OTLP in JSON does, of any signal. */
export function isOtlpJson(head: string): boolean {
  return /^(\xef\xbb\xbf)?\s*\{\s*"resource_?(spans|logs|metrics|profiles)"/i.test(head);
}

/** Reads OTLP in JSON. */
export class OtlpReader implements TraceReader {
  bytesRead = 0;
  readonly #limits: ReadLimits;
  readonly #json: JsonBytes;
  readonly #extent = new JsonExtent();
  readonly #rows: OtlpRows;
  #error: TraceFormatError | undefined;
  #isClosed = false;

  /** Bytes [0, used) are input; [at, used) is not read yet; a 0 follows. */
  #buffer = new Uint8Array(PIECE_BYTES * 2);
  #used = 0;
  #at = 0;
  /** Up to where the extent of an unfinished value is known. */
  #scanned = 0;
  /** Bytes of the input before the buffer's first. */
  #before = 0;

  #place: Place = 'between';
  /** How deep the object is: 0 a request, 1 what one resource sent, 2 what one scope sent. */
  #depth = 0;
  #key = '';
  /** Whether the value at hand is of no use, and not kept while it arrives. */
  #isDropping = false;
  #otherSignal = '';

  constructor(builder: TraceBuilder, limits: Partial<ReadLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#json = new JsonBytes(this.#limits.maxDepth);
    this.#rows = new OtlpRows(builder, this.#limits);
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
    if (this.#isClosed) return this.#error;
    const at = this.#before + this.#at;
    if (this.#place === 'element' || this.#place === 'member') {
      // Bad bytes may have come after the part that was looked at.
      const what = this.#place === 'element' ? 'a span' : `the value of ${this.#key}`;
      if (this.#value() !== 'bad') this.#fail('truncated', `the file ends inside ${what}`, at);
    } else if (this.#place !== 'between') {
      this.#fail('truncated', `the file ends inside a request, in ${this.#shownPlace()}`, at);
    } else if (this.#rows.length === 0 && this.#otherSignal !== '') {
      this.#fail('unknown-format', `OTLP of ${this.#otherSignal}: only traces have spans`, 0);
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
        case 'between':
          isMoving = this.#between();
          break;
        case 'object':
          isMoving = this.#object();
          break;
        case 'list':
          isMoving = this.#list();
          break;
        default:
          isMoving = this.#waiting();
      }
    }
  }

  #between(): boolean {
    const byte = this.#next();
    if (this.#at === this.#used) return false;
    const offset = this.#before + this.#at;
    if (byte === OPEN_BRACE) {
      this.#at++;
      this.#depth = 0;
      this.#place = 'object';
    } else if (byte === COMMA || byte === [0xef, 0xbb, 0xbf][offset]) this.#at++;
    else this.#fail('malformed', `expected a request, which begins with {, got ${this.#shown(this.#at)}`);
    return true;
  }

  /** Takes a key of the object at hand, or its end. */
  #object(): boolean {
    const byte = this.#nextMember();
    if (this.#at === this.#used) return false;
    const bytes = this.#buffer;
    if (byte === CLOSE_BRACE) {
      this.#at++;
      this.#place = this.#depth === 0 ? 'between' : 'list';
      if (this.#depth > 0) this.#depth--;
      return true;
    }
    const keyEnd = byte === QUOTE ? this.#json.string(bytes, this.#at) : this.#json.bad(this.#at);
    let i = keyEnd;
    if (i >= 0) {
      while (isSpace(bytes[i]!)) i++;
      i = bytes[i] === COLON ? i + 1 : this.#json.bad(i);
      while (i >= 0 && isSpace(bytes[i]!)) i++;
    }
    if (i < 0 || i >= this.#used) {
      if (i < 0 && this.#isBad()) return true;
      if (this.#used - this.#at > MAX_KEY_BYTES)
        this.#fail('limit', `a key is longer than ${MAX_KEY_BYTES} bytes`);
      return false;
    }
    this.#key = decodeString(bytes, this.#at + 1, keyEnd - 1);
    this.#at = i;
    if (LISTS[this.#depth]!.includes(this.#key) && bytes[i] === OPEN_BRACKET) {
      this.#at++;
      this.#place = 'list';
    } else this.#wait('member');
    return true;
  }

  #list(): boolean {
    // hot: once a span.
    for (;;) {
      const byte = this.#nextMember();
      if (this.#at === this.#used) return false;
      if (byte === CLOSE_BRACKET) {
        this.#at++;
        this.#place = 'object';
        return true;
      }
      if (byte === OPEN_BRACE && this.#depth < SPANS) {
        this.#at++;
        this.#depth++;
        this.#place = 'object';
        if (this.#depth === 1) this.#rows.beginResource();
        else this.#rows.beginScope();
        return true;
      }
      const outcome = byte === OPEN_BRACE ? this.#value() : 'part';
      if (outcome === 'whole') continue;
      if (outcome === 'part') this.#wait('element');
      return true;
    }
  }

  /** Waits for the end of the value at hand. */
  #wait(place: 'member' | 'element'): void {
    this.#place = place;
    this.#scanned = this.#at;
    this.#isDropping = place === 'member' && !this.#isWanted();
    this.#extent.reset();
  }

  /** Whether the value of the key at hand says something about what follows. */
  #isWanted(): boolean {
    if (this.#depth === 0 && OTHER_SIGNAL.test(this.#key)) {
      this.#otherSignal = this.#key.replace(/^resource_?/i, '').toLowerCase();
    }
    return DESCRIPTIONS[this.#depth]!.has(this.#key);
  }

  #waiting(): boolean {
    const end = this.#extent.scan(this.#buffer, this.#scanned, this.#used);
    const length = (end < 0 ? this.#used : end) - this.#at;
    if (end >= 0) {
      const place = this.#place;
      if (this.#isDropping) {
        this.#at = end;
        this.#place = 'object';
      } else if (this.#value() === 'whole') this.#place = place === 'element' ? 'list' : 'object';
      else if (this.#error === undefined) this.#fail('malformed', 'no JSON: brackets do not match');
      return true;
    }
    this.#scanned = this.#used;
    if (this.#isDropping) {
      this.#at = this.#used;
      return false;
    }
    if (length > this.#limits.maxEventBytes && this.#value() !== 'bad')
      this.#fail('limit', `a span is longer than ${this.#limits.maxEventBytes} bytes`);
    return false;
  }

  /** Reads the value at hand, if it is whole. */
  #value(): 'whole' | 'part' | 'bad' {
    const end = this.#json.value(this.#buffer, this.#at);
    if (end < 0) return this.#isBad() ? 'bad' : 'part';
    // A number or word at the end of what there is may go on.
    if (end >= this.#used && !this.#isBracketed()) return 'part';
    const text = this.#json.isClean ? decode(this.#buffer, this.#at, end) : this.#compacted(end);
    if (this.#place === 'member') DESCRIPTIONS[this.#depth]!.get(this.#key)?.(this.#rows, text);
    else this.#rows.add(text);
    this.#at = end;
    if (this.#rows.length <= this.#limits.maxEvents) return 'whole';
    this.#fail('limit', `more than ${this.#limits.maxEvents} spans and events`);
    return 'bad';
  }

  #isBracketed(): boolean {
    const first = this.#buffer[this.#at];
    return first === OPEN_BRACE || first === OPEN_BRACKET || first === QUOTE;
  }

  #compacted(end: number): string {
    const out = new Uint8Array((end - this.#at) * 6);
    return decode(out, 0, compactJson(this.#buffer, this.#at, end, out));
  }

  /** Whether scanning ended at a bad byte, not at the end of what there is; if so, reading ends. */
  #isBad(): boolean {
    const { badAt, isTooDeep } = this.#json;
    if (isTooDeep) this.#fail('limit', `nested more than ${this.#limits.maxDepth} deep`);
    else if (badAt < this.#used) this.#fail('malformed', `no JSON: unexpected ${this.#shown(badAt)}`);
    else return false;
    return true;
  }

  /** Skips spaces; returns the byte at hand, 0 at the end of the buffer. */
  #next(): number {
    const bytes = this.#buffer;
    let i = this.#at;
    while (isSpace(bytes[i]!)) i++;
    this.#at = i;
    return bytes[i]!;
  }

  #nextMember(): number {
    let byte = this.#next();
    while (byte === COMMA) {
      this.#at++;
      byte = this.#next();
    }
    return byte;
  }

  #shown(at: number): string {
    return JSON.stringify(decode(this.#buffer, at, Math.min(at + 10, this.#used)));
  }

  #shownPlace(): string {
    return this.#place === 'list' ? LISTS[this.#depth]![0]! : 'an object';
  }

  #fail(code: TraceFormatErrorCode, message: string, offset: number = this.#before + this.#at): void {
    this.#error = new TraceFormatError(code, message, offset);
    this.#close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#rows.finish();
    this.#buffer = new Uint8Array(0);
  }

  /** An allocation that the machine refuses is a limit like the others. */
  #outOfMemory(cause: unknown): void {
    if (!(cause instanceof RangeError)) throw cause;
    this.#fail('limit', `out of memory: ${cause.message}`);
  }
}
