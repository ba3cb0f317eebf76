/**
 * Composes JSON text as UTF-8 bytes, for readers that turn another format's arguments into the text which a Trace keeps.
 * Strings go over byte for byte but for what JSON wants escaped, so that no JS string is made on the way.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HEX = '0123456789abcdef';

export class JsonOutput {
  bytes: Uint8Array = new Uint8Array(1 << 12);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  /** One ASCII character, such as a bracket. */
  punctuation(code: number): void {
    if (this.length === this.bytes.length) this.#grow(1);
    this.bytes[this.length++] = code;
  }

  /** Text that is ASCII and needs no escapes: numbers, `true`, `null`. */
  ascii(text: string): void {
    this.#grow(text.length);
    for (let i = 0; i < text.length; i++) this.bytes[this.length++] = text.charCodeAt(i);
  }

  /** Bytes as they are. */
  raw(from: Uint8Array, start: number, end: number): void {
    this.#grow(end - start);
    for (let i = start; i < end; i++) this.bytes[this.length++] = from[i]!;
  }

  /** UTF-8 text as a JSON string. */
  quoted(from: Uint8Array, start: number, end: number): void {
    this.#grow((end - start) * 6 + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = QUOTE;
    for (let i = start; i < end; i++) {
      const code = from[i]!;
      if (code === QUOTE || code === BACKSLASH) bytes[at++] = BACKSLASH;
      if (code >= 0x20) bytes[at++] = code;
      else at = escapeControl(bytes, at, code);
    }
    bytes[at++] = QUOTE;
    this.length = at;
  }

  #grow(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, needed));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

/** Writes the short form where JSON has one, as JSON.stringify does. */
function escapeControl(bytes: Uint8Array, from: number, code: number): number {
  let at = from;
  bytes[at++] = BACKSLASH;
  const short = 'btn fr'.charAt(code - 8);
  if (code >= 8 && short !== '' && short !== ' ') {
    bytes[at++] = short.charCodeAt(0);
    return at;
  }
  bytes[at++] = 0x75;
  bytes[at++] = 0x30;
  bytes[at++] = 0x30;
  bytes[at++] = HEX.charCodeAt(code >> 4);
  bytes[at++] = HEX.charCodeAt(code & 15);
  return at;
}
