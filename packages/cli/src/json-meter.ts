/**
 * Measures Chrome JSON, and OTLP in JSON: finds where each event begins and ends by counting braces outside of strings, and asks JSON.parse only
 * for the phase and the category. Commas and white space after an event count as its own.
 */
import { type Meter, REST, type Tally } from './tally.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

const PHASES: Readonly<Record<string, string>> = {
  X: 'slice',
  B: 'slice begin',
  E: 'slice end',
  b: 'slice begin',
  e: 'slice end',
  S: 'slice begin',
  F: 'slice end',
  T: 'instant',
  p: 'instant',
  n: 'instant',
  i: 'instant',
  I: 'instant',
  C: 'counter',
  s: 'flow',
  t: 'flow',
  f: 'flow',
  M: 'metadata',
};

/** How deep `spans` stands in OTLP: in a request, what a resource sent, what a scope sent. */
const SPANS_DEPTH = 5;

export class JsonMeter implements Meter {
  readonly #tally: Tally;
  readonly #decoder = new TextDecoder();
  /** The bytes of an event that the last chunk cut. */
  #carry: Uint8Array = new Uint8Array(0);
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  /** Depth of the array that holds the events; -1 until it is found, and after its end. */
  #eventDepth = -1;
  /** The last string outside of events: the key before an array. */
  #key = '';
  #kind = REST;
  #gap = 0;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  push(chunk: Uint8Array): void {
    const bytes = joined(this.#carry, chunk);
    let start = this.#carry.length > 0 ? 0 : -1;
    for (let at = this.#carry.length; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (start < 0) this.#gap++;
      if (this.#inString) {
        this.#inText(byte, start < 0);
        continue;
      }
      if (byte === QUOTE) {
        this.#inString = true;
        if (start < 0) this.#key = '';
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (byte === OPEN_BRACE && this.#depth === this.#eventDepth) {
          this.#gap--;
          this.#closeGap();
          start = at;
        } else if (start < 0) this.#opened(byte);
        this.#depth++;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        this.#depth--;
        if (start >= 0 && this.#depth === this.#eventDepth) {
          this.#event(bytes.subarray(start, at + 1));
          start = -1;
        } else if (this.#depth < this.#eventDepth) this.#closed();
      }
    }
    this.#carry = start < 0 ? new Uint8Array(0) : bytes.slice(start);
  }

  #inText(byte: number, isOutside: boolean): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#inString = false;
    if (isOutside && this.#inString && this.#key.length < 32) this.#key += String.fromCharCode(byte);
  }

  /** Something that is no event opens: the array of events is the root, or stands under `traceEvents` in it, or under OTLP's `spans`. */
  #opened(byte: number): void {
    if (byte !== OPEN_BRACKET) return;
    const isEvents = this.#depth === 0 || (this.#depth === 1 && this.#key === 'traceEvents');
    if (isEvents || (this.#depth === SPANS_DEPTH && this.#key === 'spans'))
      this.#eventDepth = this.#depth + 1;
  }

  #closed(): void {
    this.#gap--;
    this.#closeGap();
    this.#eventDepth = -1;
    this.#kind = REST;
  }

  /** Gives the bytes since the last event to it. */
  #closeGap(): void {
    if (this.#gap > 0) this.#tally.add(this.#kind, this.#gap, 0);
    this.#gap = 0;
  }

  #event(bytes: Uint8Array): void {
    this.#kind = kindOf(this.#decoder.decode(bytes));
    this.#tally.add(this.#kind, bytes.length, 1);
  }
}

function kindOf(text: string): string {
  try {
    const event: unknown = JSON.parse(text);
    const { ph, cat, spanId } = event as { ph?: unknown; cat?: unknown; spanId?: unknown };
    if (ph === undefined && spanId !== undefined) return 'span';
    const kind = PHASES[String(ph)] ?? `other phase ${String(ph)}`;
    return typeof cat === 'string' && cat !== '' && cat !== kind ? `${kind} ${cat}` : kind;
  } catch {
    return 'unreadable event';
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
