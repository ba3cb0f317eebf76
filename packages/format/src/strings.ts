/**
 * The string table of a trace: each distinct text once, as UTF-8 bytes in one growing buffer, named by a small integer.
 *
 * Bytes instead of JS strings, because ten million distinct names would not fit in a JS heap, and because a reader
 * that finds the bytes of a known name must not build a string. Texts are decoded when asked for, and kept.
 */

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** Bytes of text past which `isFull` holds: what 32-bit offsets and one buffer of every Node can still name. */
const MAX_BYTES = 2 ** 31;

/** Interned texts, 0 = ''. Append-only. */
export class StringTable {
  #bytes: Uint8Array = new Uint8Array(1 << 16);
  #used = 0;
  /** offsets[i]..offsets[i + 1] are the bytes of text i. */
  #offsets: Uint32Array = new Uint32Array(1 << 10);
  #hashes: Uint32Array = new Uint32Array(1 << 10);
  #slots: Int32Array = new Int32Array(1 << 11).fill(-1);
  #count = 0;
  #texts: (string | undefined)[] = [];

  constructor() {
    this.intern('');
  }

  /** How many distinct texts there are. */
  get size(): number {
    return this.#count;
  }

  /** Bytes that the table holds, all buffers together. */
  get byteLength(): number {
    return this.#bytes.length + (this.#offsets.length + this.#hashes.length + this.#slots.length) * 4;
  }

  /** Whether nothing more should be added: 2 GiB of text. Readers that see it use what is there already. */
  get isFull(): boolean {
    return this.#used >= MAX_BYTES;
  }

  /** Id of a text, which is added if it is new. */
  intern(text: string): number {
    const bytes = encoder.encode(text);
    return this.internBytes(bytes, 0, bytes.length);
  }

  /** Id of the UTF-8 text in bytes[start..end), which is copied if it is new. */
  internBytes(bytes: Uint8Array, start: number, end: number): number {
    // hot: once or more per event while reading.
    const hash = hashOf(bytes, start, end);
    const slot = this.#slotOf(hash, bytes, start, end);
    const id = this.#slots[slot]!;
    return id >= 0 ? id : this.#add(bytes, start, end, hash, slot);
  }

  /** Id of the UTF-8 text in bytes[start..end), or -1 when it is not in the table. */
  findBytes(bytes: Uint8Array, start: number, end: number): number {
    return this.#slots[this.#slotOf(hashOf(bytes, start, end), bytes, start, end)]!;
  }

  /** The text of an id; '' for an id that does not exist. */
  text(id: number): string {
    if (id < 0 || id >= this.#count) return '';
    const known = this.#texts[id];
    if (known !== undefined) return known;
    const text = decoder.decode(this.#bytes.subarray(this.#offsets[id]!, this.#offsets[id + 1]!));
    this.#texts[id] = text;
    return text;
  }

  /** The UTF-8 bytes of a text: a view that no one may write to. */
  bytes(id: number): Uint8Array {
    if (id < 0 || id >= this.#count) return new Uint8Array(0);
    return this.#bytes.subarray(this.#offsets[id]!, this.#offsets[id + 1]!);
  }

  /** Byte `at` of the text of an id, without decoding it; only for bytes that there are. */
  byteAt(id: number, at: number): number {
    return this.#bytes[this.#offsets[id]! + at]!;
  }

  /** Whether a text, that is not decoded for it, contains another one. */
  contains(id: number, part: Uint8Array): boolean {
    const own = this.#bytes;
    const last = id < 0 || id >= this.#count ? -1 : this.#offsets[id + 1]! - part.length;
    for (let at = this.#offsets[id]!; at <= last; at++) {
      let same = 0;
      while (same < part.length && own[at + same] === part[same]) same++;
      if (same === part.length) return true;
    }
    return false;
  }

  /** Bytes of the text of an id, without decoding it; 0 for an id that does not exist. */
  byteLengthOf(id: number): number {
    return id < 0 || id >= this.#count ? 0 : this.#offsets[id + 1]! - this.#offsets[id]!;
  }

  /** The id of a text, or -1 when no event used it. */
  find(text: string): number {
    const bytes = encoder.encode(text);
    return this.findBytes(bytes, 0, bytes.length);
  }

  /** The slot that holds a text, or the free one where it belongs. */
  #slotOf(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    // The high bits are mixed in: names that differ in their last digit alone would otherwise cluster.
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const id = slots[slot]!;
      if (id < 0 || (this.#hashes[id] === hash && this.#equals(id, bytes, start, end))) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #equals(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#offsets[id]!;
    const length = end - start;
    if (this.#offsets[id + 1]! - from !== length) return false;
    const own = this.#bytes;
    for (let i = 0; i < length; i++) if (own[from + i] !== bytes[start + i]) return false;
    return true;
  }

  #add(bytes: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const id = this.#count++;
    const length = end - start;
    if (this.#used + length > this.#bytes.length) {
      this.#bytes = grown(this.#bytes, new Uint8Array(Math.max(this.#bytes.length * 2, this.#used + length)));
    }
    if (id + 2 > this.#offsets.length) {
      this.#offsets = grown(this.#offsets, new Uint32Array(this.#offsets.length * 2));
      this.#hashes = grown(this.#hashes, new Uint32Array(this.#hashes.length * 2));
    }
    const own = this.#bytes;
    for (let i = 0; i < length; i++) own[this.#used + i] = bytes[start + i]!;
    this.#used += length;
    this.#offsets[id + 1] = this.#used;
    this.#hashes[id] = hash;
    this.#slots[slot] = id;
    if (this.#count * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    for (let id = 0; id < this.#count; id++) {
      const hash = this.#hashes[id]!;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (slots[slot]! >= 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
  }
}

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

function grown<T extends Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}
