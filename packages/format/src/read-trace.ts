/**
 * Reads a trace of any known format from a stream of bytes: looks at the first bytes, takes gzip away, and pushes the
 * rest into the reader of the format. Damaged input gives the good part with `Trace.error`.
 */

import { CpuProfileReader } from './cpu-profile-reader.ts';
import { Gunzip } from './gunzip.ts';
import { createZlibInflater } from './inflate-zlib.ts';
import { OPEN_BRACKET } from './json-bytes.ts';
import { JsonReader } from './json-reader.ts';
import { isOtlpJson, OtlpReader } from './otlp-reader.ts';
import { PerfettoReader } from './perfetto-reader.ts';
import { createTextReader } from './text-reader.ts';
import type { Trace } from './trace.ts';
import { TraceBuilder } from './trace-builder.ts';
import { TraceFormatError } from './trace-format-error.ts';
import { DEFAULT_LIMITS, type ReadLimits, type TraceReader } from './trace-reader.ts';

/** How to read. */
export interface ReadOptions {
  /** Bounds on memory; the rest are DEFAULT_LIMITS. */
  readonly limits?: Partial<ReadLimits>;
  /** Called after each chunk with the bytes taken from the source so far (compressed ones when it is gzip). */
  readonly onProgress?: (bytesRead: number) => void;
  /**
   * Inflates the zlib data of compressed Perfetto packets; throws when it is damaged. Default: this package's own decoder,
   * which takes three times as long as `inflateSync` of node:zlib.
   */
  readonly inflate?: (bytes: Uint8Array) => Uint8Array;
  /** Name of the file: a V8 CPU profile says neither process nor thread, but Node.js puts both into its name. */
  readonly fileName?: string;
}

/** First byte of a Perfetto trace: field 1 (packet), length-delimited. */
const PERFETTO_PACKET = 0x0a;
/** First byte of the text twin, `#`; neither of the others can begin with it. */
const TEXT_COMMENT = 0x23;
/** A packet's first byte is a line feed too, which JSON may begin with, and an object may be of two formats: this many bytes tell. */
const HEAD_BYTES = 64;
/** How a V8 CPU profile begins: an object with a key that no Chrome trace begins with. */
const CPU_PROFILE =
  /^\uFEFF?\s*\{\s*"(nodes|startTime|endTime|samples|timeDeltas|\$vscode|title|typeId|uid)"\s*:/;

/**
 * Reads a whole trace: Chrome Trace Event JSON, Perfetto protobuf, a V8 CPU profile, OTLP in JSON or the text twin, each also in gzip.
 *
 * Bad content never rejects: the trace holds what is good and `error` says why reading stopped, after which the source is
 * not read on. Rejects only with what the source itself throws.
 */
export async function readTrace(
  source: AsyncIterable<Uint8Array>,
  options: ReadOptions = {},
): Promise<Trace> {
  const input = new CompressedInput(options);
  let taken = 0;
  for await (const chunk of source) {
    taken += chunk.length;
    const isGood = input.push(chunk);
    options.onProgress?.(taken);
    if (!isGood) break;
  }
  return input.finish();
}

/** Takes gzip away when the first two bytes say so. */
class CompressedInput {
  readonly #plain: PlainInput;
  #gunzip: Gunzip | undefined;
  #isKnown = false;
  #isFirstByteGzip = false;
  #error: TraceFormatError | undefined;

  constructor(options: ReadOptions) {
    this.#plain = new PlainInput(options);
  }

  /** Returns false when reading has ended. */
  push(chunk: Uint8Array): boolean {
    if (!this.#isKnown) this.#look(chunk);
    if (this.#gunzip === undefined) {
      if (this.#isKnown) this.#plain.push(chunk);
    } else this.#error ??= this.#gunzip.push(chunk);
    return this.#error === undefined && this.#plain.error === undefined;
  }

  finish(): Trace {
    if (this.#isFirstByteGzip && !this.#isKnown) this.#plain.push(Uint8Array.of(0x1f));
    if (this.#plain.error === undefined && this.#gunzip !== undefined) this.#error ??= this.#gunzip.end();
    return this.#plain.finish(this.#error);
  }

  /** Looks at the first two bytes, which may come one at a time. */
  #look(chunk: Uint8Array): void {
    const [first, second] = this.#isFirstByteGzip ? [0x1f, chunk[0]] : [chunk[0], chunk[1]];
    if (first === undefined || (first === 0x1f && second === undefined)) {
      this.#isFirstByteGzip = first === 0x1f;
      return;
    }
    this.#isKnown = true;
    if (first === 0x1f && second === 0x8b) {
      this.#gunzip = new Gunzip((bytes) => this.#plain.push(bytes));
    }
    if (!this.#isFirstByteGzip) return;
    // The byte that was held back.
    if (this.#gunzip === undefined) this.#plain.push(Uint8Array.of(0x1f));
    else this.#gunzip.push(Uint8Array.of(0x1f));
  }
}

/** Chooses the reader by the first bytes of the uncompressed input. */
class PlainInput {
  error: TraceFormatError | undefined;
  readonly #builder = new TraceBuilder();
  readonly #options: ReadOptions;
  /** Bytes that do not tell the format yet. */
  #head: Uint8Array = new Uint8Array(0);
  #reader: TraceReader | undefined;
  #format: Trace['format'] = 'json';

  constructor(options: ReadOptions) {
    this.#options = options;
  }

  push(chunk: Uint8Array): void {
    if (this.error !== undefined || chunk.length === 0) return;
    let bytes = chunk;
    if (this.#reader === undefined) {
      bytes = new Uint8Array(this.#head.length + chunk.length);
      bytes.set(this.#head);
      bytes.set(chunk, this.#head.length);
      // A bracket tells at once: it opens events.
      if (bytes.length < HEAD_BYTES && bytes[0] !== OPEN_BRACKET) {
        this.#head = bytes;
        return;
      }
      this.#reader = this.#open(bytes);
    }
    this.error = this.#reader.push(bytes);
  }

  /** @param outer why the input itself ended early. */
  finish(outer: TraceFormatError | undefined): Trace {
    if (this.#reader === undefined) {
      this.#reader = this.#open(this.#head);
      this.error = this.#reader.push(this.#head);
    }
    const own = this.error ?? this.#reader.end();
    const error =
      own?.code === 'truncated' && outer !== undefined ? movedTo(outer, own.offset) : (own ?? outer);
    return this.#builder.finish(this.#format, this.#reader.bytesRead, error);
  }

  #open(head: Uint8Array): TraceReader {
    if (head[0] === TEXT_COMMENT) {
      this.#format = 'text';
      return createTextReader(this.#builder, this.#options.limits ?? {});
    }
    const isPerfetto = head[0] === PERFETTO_PACKET && !isJsonAfterSpaces(head);
    const { limits = {}, fileName = '' } = this.#options;
    if (!isPerfetto && CPU_PROFILE.test(new TextDecoder().decode(head.subarray(0, HEAD_BYTES)))) {
      this.#format = 'cpuprofile';
      return new CpuProfileReader(this.#builder, limits, fileName);
    }
    if (!isPerfetto && isOtlpJson(headText(head))) {
      this.#format = 'otlp';
      return new OtlpReader(this.#builder, limits);
    }
    if (!isPerfetto) return new JsonReader(this.#builder, limits);
    this.#format = 'perfetto';
    const maxBytes = limits.maxEventBytes ?? DEFAULT_LIMITS.maxEventBytes;
    const inflate = this.#options.inflate ?? createZlibInflater(maxBytes);
    return new PerfettoReader(this.#builder, limits, { inflate });
  }
}

/** Whether bytes that begin with a line feed are JSON: a bracket, and after it what may stand in one. */
function isJsonAfterSpaces(head: Uint8Array): boolean {
  return /^\s*(\[\s*[{\]]|\{\s*["}])/.test(headText(head));
}

function headText(head: Uint8Array): string {
  return String.fromCharCode(...head.subarray(0, HEAD_BYTES));
}

/** The error of the outer format, at the place where the inner one ends. */
function movedTo(error: TraceFormatError, offset: number): TraceFormatError {
  return new TraceFormatError(error.code, error.message.replace(/ \(at byte \d+\)$/, ''), offset);
}
