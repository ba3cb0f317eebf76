/**
 * A streaming decoder of deflate data (RFC 1951) that gives every byte it can decode and knows exactly where the data ends.
 *
 * Why not DecompressionStream: on Node 24 and 26 it refuses gzip files of several members without saying where the first
 * one ended, and a truncated file may lose output that was queued when the error came (on Node 24: 6 kB of 420 kB).
 * node:zlib is not for this package, which runs in browsers too. It is three times as fast; callers on Node may put it in
 * front of `readTrace`.
 */

import { HuffmanCode } from './huffman-code.ts';

const WINDOW_BYTES = 1 << 15;
const OUT_BYTES = WINDOW_BYTES + (1 << 18);
const END_OF_BLOCK = 256;
/** Longest match. */
const MAX_COPY = 258;

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115,
];
LENGTH_BASE.push(131, 163, 195, 227, 258);
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = Array.from({ length: 30 }, (_, i) =>
  i < 4 ? i + 1 : ((2 + (i & 1)) << ((i >> 1) - 1)) + 1,
);
const DISTANCE_EXTRA = Array.from({ length: 30 }, (_, i) => (i < 4 ? 0 : (i >> 1) - 1));
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const [FIXED_LITERALS, FIXED_DISTANCES] = fixedCodes();

/** What `Inflate.run` came to: it needs more input, the data ended, or the data is bad. */
export type InflateOutcome = 'more' | 'end' | 'bad';

type State = 'block' | 'stored' | 'codes';

export class Inflate {
  /** Next byte of the input to take. Whole bytes that were taken in vain are given back at the end. */
  at = 0;
  readonly #sink: (bytes: Uint8Array) => void;
  readonly #out = new Uint8Array(OUT_BYTES);
  /** Bytes [flushed, to) of `out` are new. */
  #flushed = 0;
  #to = 0;
  /** How far back a match may reach: bytes of this stream in `out`. */
  #reach = 0;
  #input: Uint8Array = new Uint8Array(0);
  #hold = 0;
  #bits = 0;
  #state: State = 'block';
  #isLast = false;
  #stored = 0;
  #literals: HuffmanCode = FIXED_LITERALS;
  #distances: HuffmanCode = FIXED_DISTANCES;
  readonly #ownLiterals = new HuffmanCode();
  readonly #ownDistances = new HuffmanCode();
  readonly #codeLengths = new HuffmanCode();
  readonly #lengths = new Uint8Array(320);

  /** @param sink receives decoded bytes, which it must use before it returns. */
  constructor(sink: (bytes: Uint8Array) => void) {
    this.#sink = sink;
  }

  /** Begins a new stream. */
  reset(): void {
    this.#hold = 0;
    this.#bits = 0;
    this.#state = 'block';
    this.#isLast = false;
    this.#reach = 0;
    // Also forgets what a sink that threw did not take.
    this.#to = 0;
    this.#flushed = 0;
  }

  /**
   * Decodes input from `at`. All input from `at` on that is left after 'more' must stand at the beginning of the next one.
   */
  run(input: Uint8Array, at: number): InflateOutcome {
    this.#input = input;
    this.at = at;
    let outcome: InflateOutcome | undefined;
    while (outcome === undefined) {
      if (this.#state === 'block') outcome = this.#block();
      else if (this.#state === 'stored') outcome = this.#copyStored();
      else outcome = this.#decode();
    }
    if (outcome === 'end') {
      this.at -= this.#bits >> 3;
      this.#hold = 0;
      this.#bits = 0;
    }
    this.#flush();
    return outcome;
  }

  #block(): InflateOutcome | undefined {
    if (this.#isLast) return 'end';
    const { at } = this;
    const hold = this.#hold;
    const bits = this.#bits;
    const outcome = this.#header();
    if (outcome === 'more') {
      this.at = at;
      this.#hold = hold;
      this.#bits = bits;
      this.#isLast = false;
    }
    return outcome;
  }

  #header(): InflateOutcome | undefined {
    const head = this.#take(3);
    if (head < 0) return 'more';
    this.#isLast = (head & 1) === 1;
    const kind = head >> 1;
    if (kind === 0) {
      this.#take(this.#bits & 7);
      const length = this.#take(16);
      const check = this.#take(16);
      if (length < 0 || check < 0) return 'more';
      if (length !== (check ^ 0xffff)) return 'bad';
      this.#stored = length;
      this.#state = 'stored';
      return undefined;
    }
    if (kind === 3) return 'bad';
    this.#state = 'codes';
    this.#literals = kind === 1 ? FIXED_LITERALS : this.#ownLiterals;
    this.#distances = kind === 1 ? FIXED_DISTANCES : this.#ownDistances;
    if (kind === 1) return undefined;
    const outcome = this.#codes();
    if (outcome !== undefined) this.#state = 'block';
    return outcome;
  }

  /** Reads the codes of a dynamic block. */
  #codes(): InflateOutcome | undefined {
    const counts = this.#take(14);
    if (counts < 0) return 'more';
    const literals = (counts & 31) + 257;
    const distances = ((counts >> 5) & 31) + 1;
    if (literals > 286 || distances > 30) return 'bad';
    const lengths = this.#lengths.fill(0);
    for (let i = 0; i < (counts >> 10) + 4; i++) {
      const length = this.#take(3);
      if (length < 0) return 'more';
      lengths[CODE_ORDER[i]!] = length;
    }
    if (!this.#codeLengths.build(lengths.subarray(0, 19))) return 'bad';
    lengths.fill(0);
    for (let i = 0; i < literals + distances; ) {
      const symbol = this.#symbol(this.#codeLengths);
      if (symbol < 0) return symbol === -2 ? 'more' : 'bad';
      if (symbol < 16) {
        lengths[i++] = symbol;
        continue;
      }
      const extra = this.#take(symbol === 16 ? 2 : symbol === 17 ? 3 : 7);
      if (extra < 0) return 'more';
      const repeat = extra + (symbol === 18 ? 11 : 3);
      if ((symbol === 16 && i === 0) || i + repeat > literals + distances) return 'bad';
      lengths.fill(symbol === 16 ? lengths[i - 1]! : 0, i, i + repeat);
      i += repeat;
    }
    const isGood =
      lengths[256] !== 0 &&
      this.#ownLiterals.build(lengths.subarray(0, literals)) &&
      this.#ownDistances.build(lengths.subarray(literals, literals + distances));
    return isGood ? undefined : 'bad';
  }

  #copyStored(): InflateOutcome | undefined {
    // Whole bytes that wait among the bits come first.
    while (this.#stored > 0) {
      if (this.#to >= OUT_BYTES - MAX_COPY) this.#flush();
      if (this.#bits > 0) {
        this.#out[this.#to++] = this.#take(8);
        this.#stored--;
        this.#reach++;
        continue;
      }
      const count = Math.min(this.#stored, this.#input.length - this.at, OUT_BYTES - this.#to);
      if (count === 0) return 'more';
      this.#out.set(this.#input.subarray(this.at, this.at + count), this.#to);
      this.at += count;
      this.#to += count;
      this.#reach += count;
      this.#stored -= count;
    }
    this.#state = 'block';
    return undefined;
  }

  /** Decodes symbols until the block or the input ends. */
  #decode(): InflateOutcome | undefined {
    for (;;) {
      if (this.#to >= OUT_BYTES - MAX_COPY) this.#flush();
      const outcome = this.#fill();
      if (outcome !== 'full') return outcome;
    }
  }

  // hot: once a match or literal. State in locals; a symbol that the input ends in is taken back. `hold` has 30 bits at
  // most, so that it stays a small integer.
  /** Decodes until `out` is full at the latest. */
  #fill(): InflateOutcome | 'full' | undefined {
    const input = this.#input;
    const out = this.#out;
    const literals = this.#literals;
    const { table, mask } = literals;
    const start = this.#to;
    let to = start;
    let { at } = this;
    let hold = this.#hold;
    let bits = this.#bits;
    let outcome: InflateOutcome | 'full' | undefined = 'full';
    while (to < OUT_BYTES - MAX_COPY) {
      for (; bits <= 22 && at < input.length; bits += 8) hold |= input[at++]! << bits;
      const entry = table[hold & mask]! || literals.decodeLong(hold, bits);
      const length = entry & 15;
      if (entry < 0 || length > bits) {
        outcome = entry === -1 ? 'bad' : 'more';
        break;
      }
      if (entry >> 4 > END_OF_BLOCK) {
        this.at = at;
        this.#hold = hold >>> length;
        this.#bits = bits - length;
        const copied = this.#match((entry >> 4) - END_OF_BLOCK - 1, to, this.#reach + to - start);
        if (copied < 0) {
          outcome = copied === -2 ? 'more' : 'bad';
          break;
        }
        to += copied;
        ({ at } = this);
        hold = this.#hold;
        bits = this.#bits;
        continue;
      }
      hold >>>= length;
      bits -= length;
      if (entry >> 4 === END_OF_BLOCK) {
        this.#state = 'block';
        outcome = undefined;
        break;
      }
      out[to++] = entry >> 4;
    }
    this.at = at;
    this.#hold = hold;
    this.#bits = bits;
    this.#to = to;
    this.#reach += to - start;
    return outcome;
  }

  /** Copies a match that may reach `reach` bytes back to `to`; returns its length, -1 when it is bad, -2 when the input ends in it. */
  #match(kind: number, to: number, reach: number): number {
    if (kind >= LENGTH_BASE.length) return -1;
    const more = this.#take(LENGTH_EXTRA[kind]!);
    if (more < 0) return -2;
    const symbol = this.#symbol(this.#distances);
    if (symbol < 0) return symbol;
    if (symbol >= DISTANCE_BASE.length) return -1;
    const far = this.#take(DISTANCE_EXTRA[symbol]!);
    if (far < 0) return -2;
    const length = LENGTH_BASE[kind]! + more;
    const distance = DISTANCE_BASE[symbol]! + far;
    if (distance > reach) return -1;
    const out = this.#out;
    // Short or overlapping: a loop; a call of copyWithin costs as much as thirty bytes.
    if (length < 32 || distance < length) {
      for (let i = to, from = to - distance; i < to + length; ) out[i++] = out[from++]!;
    } else out.copyWithin(to, to - distance, to - distance + length);
    return length;
  }

  #symbol(code: HuffmanCode): number {
    this.#refill();
    let entry = code.table[this.#hold & code.mask]!;
    if (entry === 0) entry = code.decodeLong(this.#hold, this.#bits);
    if (entry < 0) return entry;
    if ((entry & 15) > this.#bits) return -2;
    this.#hold >>>= entry & 15;
    this.#bits -= entry & 15;
    return entry >> 4;
  }

  /** Takes up to 16 bits; -1 when the input ends. */
  #take(count: number): number {
    if (this.#bits < count) {
      this.#refill();
      if (this.#bits < count) return -1;
    }
    const value = this.#hold & ((1 << count) - 1);
    this.#hold >>>= count;
    this.#bits -= count;
    return value;
  }

  #refill(): void {
    const input = this.#input;
    while (this.#bits <= 22 && this.at < input.length) {
      this.#hold |= input[this.at++]! << this.#bits;
      this.#bits += 8;
    }
  }

  /** Hands on what is new and keeps the window. */
  #flush(): void {
    if (this.#to > this.#flushed) this.#sink(this.#out.subarray(this.#flushed, this.#to));
    if (this.#to > OUT_BYTES / 2) {
      this.#out.copyWithin(0, this.#to - WINDOW_BYTES, this.#to);
      this.#to = WINDOW_BYTES;
    }
    this.#flushed = this.#to;
    this.#reach = Math.min(this.#reach, this.#to);
  }
}

function fixedCodes(): [HuffmanCode, HuffmanCode] {
  const lengths = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
  const literals = new HuffmanCode();
  literals.build(lengths);
  const distances = new HuffmanCode();
  distances.build(new Uint8Array(32).fill(5));
  return [literals, distances];
}
