/**
 * One line of the text twin as a row of tokens, taken from left to right: bare words, JSON strings, numbers, seconds,
 * and JSON up to the end of the line. What the tokens mean is text-reader.ts's business.
 */

/** Says what was expected and what was there. The reader adds the line's number and its place. */
export class BadLine extends Error {}

/** A cursor over one line. Every method that takes a token throws BadLine when it is not there. */
export class TextLine {
  #text = '';
  #at = 0;

  /** Starts with another line. */
  set(text: string): void {
    this.#text = text;
    this.#at = 0;
  }

  /** Whether nothing but space is left. */
  isAtEnd(): boolean {
    this.skipSpace();
    return this.#at >= this.#text.length;
  }

  /** The next character, left where it is. */
  next(): string {
    this.skipSpace();
    return this.#text[this.#at] ?? '';
  }

  /** The name before an equals sign, which is taken too. */
  key(): string {
    const key = /^[a-z]+(?==)/.exec(this.#text.slice(this.#at))?.[0];
    if (key === undefined) throw new BadLine(`expected name=value, got ${this.shown()}`);
    this.#at += key.length + 1;
    return key;
  }

  /** The string that comes next, left where it is. */
  ahead(): string {
    const at = this.#at;
    const text = this.string('a name');
    this.#at = at;
    return text;
  }

  /** JSON up to the end of the line. */
  json(what: string): string {
    this.skipSpace();
    const text = this.#text.slice(this.#at);
    try {
      JSON.parse(text);
    } catch {
      throw new BadLine(`expected ${what} as JSON, got ${this.shown()}`);
    }
    this.#at = this.#text.length;
    return text;
  }

  /** A bare word or a string; `-` is the empty text. */
  word(what: string): string {
    this.skipSpace();
    if (this.#text[this.#at] === '"') return this.string(what);
    const bare = this.bare(what);
    return bare === '-' ? '' : bare;
  }

  /** A JSON string. */
  string(what: string): string {
    this.skipSpace();
    const start = this.#at;
    let end = start + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1;
    try {
      const value: unknown = JSON.parse(this.#text.slice(start, end + 1));
      if (typeof value === 'string') {
        this.#at = end + 1;
        return value;
      }
    } catch {
      // Said below.
    }
    throw new BadLine(`expected ${what} in quotes, got ${this.shown()}`);
  }

  /** What stands up to the next space. */
  bare(what: string): string {
    this.skipSpace();
    let end = this.#text.indexOf(' ', this.#at);
    if (end < 0) end = this.#text.length;
    if (end === this.#at) throw new BadLine(`expected ${what}, got the end of the line`);
    const text = this.#text.slice(this.#at, end);
    this.#at = end;
    return text;
  }

  /** A number, `nan`, `inf` or `-inf`. */
  number(what: string): number {
    const text = this.bare(what);
    if (text === 'nan') return Number.NaN;
    if (text === 'inf' || text === '-inf') return text === 'inf' ? Infinity : -Infinity;
    if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text)) throw new BadLine(`expected ${what}, got ${text}`);
    return Number(text);
  }

  /** An integer of any size. */
  integer(what: string): bigint {
    const text = this.bare(what);
    if (!/^-?\d+$/.test(text)) throw new BadLine(`expected ${what} as an integer, got ${text}`);
    return BigInt(text);
  }

  /** Seconds, or `open` = -1. */
  duration(): number {
    this.skipSpace();
    if (!this.#text.startsWith('open ', this.#at)) return this.seconds('a duration');
    this.#at += 4;
    return -1;
  }

  /** Seconds with nine decimals or more, as nanoseconds. */
  seconds(what: string): number {
    const text = this.bare(what);
    if (/^[+-]?(nan|inf)$/.test(text)) {
      return text.endsWith('nan') ? Number.NaN : text[0] === '-' ? -Infinity : Infinity;
    }
    const parts = /^([+-]?)(\d+)\.(\d{9})(\d*)$/.exec(text);
    if (parts === null) throw new BadLine(`expected ${what} like 0.000001500 (seconds), got ${text}`);
    const nanos = Number(parts[2]) * 1e9 + Number(parts[3]) + (parts[4] === '' ? 0 : Number(`0.${parts[4]}`));
    return parts[1] === '-' ? -nanos : nanos;
  }

  /** Goes on to the next token. */
  skipSpace(): void {
    while (this.#text[this.#at] === ' ') this.#at++;
  }

  /** What stands here, cut short. */
  shown(): string {
    const rest = this.#text.slice(this.#at);
    if (rest === '') return 'the end of the line';
    return JSON.stringify(rest.length > 40 ? `${rest.slice(0, 40)}…` : rest);
  }
}
