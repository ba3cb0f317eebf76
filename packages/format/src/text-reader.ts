/**
 * Reads the text twin of a trace (grammar: text-writer.ts) back into a TraceBuilder, so that goldens round-trip and tests
 * can write traces by hand.
 *
 * Strict: the first bad line ends reading with an error that names the line; the lines before it are kept. An `error`
 * line is not bad text: it is handed on, because the file that this is the twin of ended there.
 */

import { BadLine, TextLine } from './text-line.ts';
import { TEXT_KINDS, TEXT_MAGIC } from './text-writer.ts';
import type { Trace, Track } from './trace.ts';
import { TraceBuilder } from './trace-builder.ts';
import { TraceFormatError, type TraceFormatErrorCode } from './trace-format-error.ts';
import { DEFAULT_LIMITS, type ReadLimits, type TraceReader } from './trace-reader.ts';

const LINE_FEED = 10;
const CODES: readonly string[] = ['truncated', 'malformed', 'unknown-format', 'limit'];

/** Makes a reader of the text form. `end()` returns the error that the text itself states, if it states one. */
export function createTextReader(builder: TraceBuilder, limits: Partial<ReadLimits> = {}): TraceReader {
  return new TextReader(builder, { ...DEFAULT_LIMITS, ...limits });
}

/** Reads a whole text into a trace. Damaged text gives the part before it and `Trace.error`. */
export function readTextTrace(text: string): Trace {
  const builder = new TraceBuilder();
  const reader = createTextReader(builder);
  const bytes = new TextEncoder().encode(text);
  const error = reader.push(bytes) ?? reader.end();
  return builder.finish('text', reader.bytesRead, error);
}

class TextReader implements TraceReader {
  bytesRead = 0;
  readonly #parser: LineParser;
  readonly #limits: ReadLimits;
  readonly #builder: TraceBuilder;
  readonly #decoder = new TextDecoder();
  /** Parts of the line that has no end yet. */
  #rest: Uint8Array[] = [];
  #restBytes = 0;
  #lineNumber = 0;
  #offset = 0;
  #error: TraceFormatError | undefined;

  constructor(builder: TraceBuilder, limits: ReadLimits) {
    this.#builder = builder;
    this.#limits = limits;
    this.#parser = new LineParser(builder);
  }

  push(chunk: Uint8Array): TraceFormatError | undefined {
    if (this.#error !== undefined) return this.#error;
    this.bytesRead += chunk.length;
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      this.#take(chunk.subarray(start, end));
      if (this.#error !== undefined) return this.#error;
      start = end + 1;
    }
    if (start < chunk.length) {
      this.#rest.push(chunk.slice(start));
      this.#restBytes += chunk.length - start;
      if (this.#restBytes > this.#limits.maxEventBytes) {
        this.#fail(
          'limit',
          `line ${this.#lineNumber + 1} is longer than ${this.#limits.maxEventBytes} bytes`,
        );
      }
    }
    return this.#error;
  }

  end(): TraceFormatError | undefined {
    if (this.#error === undefined && this.#restBytes > 0) this.#take(new Uint8Array(0));
    if (this.#error === undefined && this.#lineNumber === 0) {
      this.#fail('truncated', `the text is empty: expected ${JSON.stringify(TEXT_MAGIC)}`);
    }
    return this.#error ?? this.#parser.stated;
  }

  #take(last: Uint8Array): void {
    const bytes = this.#restBytes === 0 ? last : joined(this.#rest, last, this.#restBytes + last.length);
    this.#rest = [];
    this.#restBytes = 0;
    this.#lineNumber++;
    const text = this.#decoder.decode(bytes).replace(/\r$/, '');
    if (this.#lineNumber === 1 && text !== TEXT_MAGIC) {
      this.#fail('unknown-format', `line 1 must be ${JSON.stringify(TEXT_MAGIC)}`);
      return;
    }
    try {
      this.#parser.parse(text);
    } catch (cause) {
      if (!(cause instanceof BadLine)) throw cause;
      this.#fail('malformed', `line ${this.#lineNumber}: ${cause.message}`);
      return;
    }
    if (this.#builder.length > this.#limits.maxEvents) {
      this.#fail('limit', `line ${this.#lineNumber}: more than ${this.#limits.maxEvents} events`);
    }
    this.#offset += bytes.length + 1;
  }

  #fail(code: TraceFormatErrorCode, message: string): void {
    this.#error = new TraceFormatError(code, message, this.#offset);
  }
}

/** Takes one line at a time apart, from left to right. */
class LineParser {
  /** The error that an `error` line states. */
  stated: TraceFormatError | undefined;
  readonly #builder: TraceBuilder;
  readonly #labels = new Map<string, number>();
  readonly #line = new TextLine();

  constructor(builder: TraceBuilder) {
    this.#builder = builder;
  }

  parse(line: string): void {
    this.#line.set(line);
    if (this.#line.isAtEnd() || this.#line.next() === '#') return;
    const head = this.#line.bare('an event or a header');
    const kind = TEXT_KINDS.indexOf(head);
    if (kind >= 0) this.#event(kind);
    else this.#header(head);
    if (!this.#line.isAtEnd()) throw new BadLine(`unexpected ${this.#line.shown()} after ${head}`);
  }

  #event(kind: number): void {
    const builder = this.#builder;
    const label = this.#line.bare('a track');
    const track = this.#labels.get(label);
    if (track === undefined) throw new BadLine(`track ${label} is not declared`);
    const time = this.#line.seconds('a time');
    if (kind === 2) {
      const value = this.#line.number('a value');
      builder.counter(track, this.#interned(), time, value);
      return;
    }
    if (kind >= 3) {
      const flow = this.#line.number('the number of a flow');
      const category = builder.strings.intern(this.#line.word('a category'));
      builder.flowEvent(kind as 3 | 4 | 5, track, this.#interned(), category, time, flow);
      return;
    }
    const duration = kind === 0 ? this.#line.duration() : 0;
    const category = builder.strings.intern(this.#line.word('a category'));
    const name = this.#interned();
    const args = this.#arguments();
    if (kind === 1) builder.instant(track, name, category, time, args);
    else if (duration === -1) builder.begin(track, name, category, time, args);
    else builder.slice(track, name, category, time, duration, args);
  }

  #header(head: string): void {
    const builder = this.#builder;
    if (head === 'origin') {
      const origin = this.#line.integer('an origin');
      builder.relative(Number(origin / 1000n), 0);
    } else if (head === 'clock') {
      const monotonicNanos = this.#line.integer('monotonic nanoseconds');
      builder.clock = { monotonicNanos, wallMillis: this.#line.number('wall milliseconds') };
    } else if (head === 'meta') {
      const name = this.#line.word('a name');
      builder.metadata.set(name, this.#line.json('JSON'));
    } else if (head === 'process') {
      const process = builder.process(this.#line.number('a pid'));
      process.name = this.#line.string('a name');
      this.#properties((key, value) => {
        if (key === 'sort') process.sortIndex = Number(value);
        return key === 'sort';
      });
    } else if (head === 'track') this.#track();
    else if (head === 'skipped') {
      const count = this.#line.number('a count');
      builder.skipped.set(this.#line.string('a reason'), count);
    } else if (head === 'error') {
      const code = this.#line.bare('a code');
      if (!CODES.includes(code)) throw new BadLine(`${code} is no code of an error: ${CODES.join(', ')}`);
      const offset = this.#line.number('an offset');
      this.stated = new TraceFormatError(
        code as TraceFormatErrorCode,
        this.#line.string('a message'),
        offset,
      );
    } else throw new BadLine(`${JSON.stringify(head)} is neither an event nor a header`);
  }

  #track(): void {
    const label = this.#line.bare('the label of a track');
    const kind = this.#line.bare('the kind of a track');
    const index = this.#declared(label, kind);
    const track: Track = this.#builder.tracks[index]!;
    track.name = this.#line.string('a name');
    this.#labels.set(label, index);
    this.#properties((key, value) => {
      if (key === 'sort') track.sortIndex = Number(value);
      else if (key === 'dropped') track.dropped = Number(value);
      else if (key === 'unit') track.unit = value;
      else return false;
      return true;
    });
  }

  /** Index of a track, by what stands between its label and its name. */
  #declared(label: string, kind: string): number {
    const builder = this.#builder;
    const ids = /^(-?\d+)(?:\/(-?\d+))?$/.exec(label);
    if (kind === 'thread' && ids?.[2] !== undefined)
      return builder.threadTrack(Number(ids[1]), Number(ids[2]));
    if (kind === 'process' && ids !== null && ids[2] === undefined)
      return builder.processTrack(Number(ids[1]));
    if (kind === 'async') {
      const pid = this.#line.number('a pid');
      const category = this.#line.word('a category');
      const id = this.#line.string('an id');
      return builder.asyncTrack(pid, category, id, this.#line.ahead());
    }
    if (kind === 'counter') {
      const pid = this.#line.number('a pid');
      const id = this.#line.string('an id');
      return builder.counterTrack(pid, this.#line.ahead(), id);
    }
    throw new BadLine(
      `a track is "PID/TID thread", "PID process", "aN async" or "cN counter", not "${label} ${kind}"`,
    );
  }

  #properties(take: (key: string, value: string) => boolean): void {
    for (;;) {
      if (this.#line.isAtEnd()) return;
      const key = this.#line.key();
      const value =
        this.#line.next() === '"' ? this.#line.string('a value') : String(this.#line.number('a value'));
      if (!take(key, value)) throw new BadLine(`${key} has no place here`);
    }
  }

  #interned(): number {
    return this.#builder.strings.intern(this.#line.string('a name'));
  }

  /** String id of the arguments, 0 for none. */
  #arguments(): number {
    if (this.#line.isAtEnd()) return 0;
    if (this.#line.next() !== '{') throw new BadLine(`expected {…} as arguments, got ${this.#line.shown()}`);
    return this.#builder.strings.intern(this.#line.json('arguments'));
  }
}

function joined(parts: readonly Uint8Array[], last: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of [...parts, last]) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
