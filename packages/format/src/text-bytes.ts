/** Texts that are kept for a while, as UTF-8 bytes in one growing buffer: strings would fill the heap and every collection of it. */

const encoder = new TextEncoder();

export class TextBytes {
  #bytes = new Uint8Array(1 << 16);
  #used = 0;

  /** Keeps a text; returns where it begins. The next one begins where it ends. */
  add(text: string): number {
    const at = this.#used;
    const most = at + text.length * 3;
    if (most > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, most));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    this.#used += encoder.encodeInto(text, this.#bytes.subarray(at)).written;
    return at;
  }

  /** Where the next text will begin. */
  get end(): number {
    return this.#used;
  }

  /** The bytes of texts, valid until the next `add`. */
  slice(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(from, to);
  }
}
