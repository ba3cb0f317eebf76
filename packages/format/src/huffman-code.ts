/** One Huffman code of a deflate block (RFC 1951, 3.2.2): a table for short codes, canonical decoding for the long ones. */

/** Codes up to this length are looked up at once; longer ones are rare. */
const TABLE_BITS = 10;
const MAX_BITS = 15;

export class HuffmanCode {
  /** By the next bits of input: symbol << 4 | length; 0 = a longer code or none. */
  readonly table: Uint16Array = new Uint16Array(1 << TABLE_BITS);
  readonly mask: number = (1 << TABLE_BITS) - 1;
  readonly #counts = new Uint16Array(MAX_BITS + 1);
  readonly #symbols = new Uint16Array(288);

  /** Makes the code whose symbol i has lengths[i] bits. Returns false when no code has these lengths. */
  build(lengths: Uint8Array): boolean {
    const counts = this.#counts.fill(0);
    for (const length of lengths) counts[length]!++;
    let left = 1;
    for (let length = 1; length <= MAX_BITS; length++) {
      left = left * 2 - counts[length]!;
      if (left < 0) return false;
    }
    const used = lengths.length - counts[0]!;
    counts[0] = 0;
    const next = new Uint16Array(MAX_BITS + 2);
    const codes = new Uint16Array(MAX_BITS + 2);
    for (let length = 1; length <= MAX_BITS; length++) {
      next[length + 1] = next[length]! + counts[length]!;
      codes[length + 1] = (codes[length]! + counts[length]!) << 1;
    }
    this.table.fill(0);
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      const length = lengths[symbol]!;
      if (length === 0) continue;
      this.#symbols[next[length]!++] = symbol;
      this.#enter(symbol, length, codes[length]!++);
    }
    // A code with holes is allowed for a single symbol only, or none.
    return left === 0 || used <= 1;
  }

  /** Decodes a code longer than the table's from the low bits: symbol << 4 | length, or -1 for no code, or -2 for too few bits. */
  decodeLong(hold: number, bits: number): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= MAX_BITS; length++) {
      if (length > bits) return -2;
      code |= (hold >>> (length - 1)) & 1;
      const count = this.#counts[length]!;
      if (code - count < first) return (this.#symbols[index + code - first]! << 4) | length;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return -1;
  }

  #enter(symbol: number, length: number, code: number): void {
    if (length > TABLE_BITS) return;
    let reversed = 0;
    for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
    for (let at = reversed; at < this.table.length; at += 1 << length)
      this.table[at] = (symbol << 4) | length;
  }
}
