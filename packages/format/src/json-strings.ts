/**
 * Strings of a JSON trace on their way into the string table: escapes resolved, and never more distinct ones than the
 * limit. Past it a new name becomes OTHER_NAME and new arguments are left out and counted.
 */

import { decode, decodeString } from './json-bytes.ts';
import type { Range } from './json-event.ts';
import { StringTable } from './strings.ts';
import type { TraceBuilder } from './trace-builder.ts';
import { OTHER_NAME } from './vocabulary.ts';

/** Names with escapes whose text is remembered; Windows paths come with every event. */
const MAX_ESCAPED = 100_000;

const encoder = new TextEncoder();

export class JsonStrings {
  readonly #builder: TraceBuilder;
  readonly #table: StringTable;
  readonly #max: number;
  /** Strings with escapes as they stand in the file, and the ids of their texts. */
  #escaped = new StringTable();
  #escapedIds: number[] = [0];

  constructor(builder: TraceBuilder, maxStrings: number) {
    this.#builder = builder;
    this.#table = builder.strings;
    this.#max = maxStrings;
  }

  /** String id of a name or category, 0 when the event has none. */
  range(bytes: Uint8Array, range: Range): number {
    // hot: twice an event.
    if (range.end === 0) return 0;
    return range.isPlain ? this.#bounded(bytes, range.start, range.end) : this.#resolved(bytes, range);
  }

  /** String id of a text. */
  intern(text: string): number {
    const bytes = encoder.encode(text);
    return this.#bounded(bytes, 0, bytes.length);
  }

  /** String id of arguments, 0 past the limit. */
  args(bytes: Uint8Array, start: number, end: number): number {
    if (!this.#isFull()) return this.#table.internBytes(bytes, start, end);
    const id = this.#table.findBytes(bytes, start, end);
    if (id >= 0) return id;
    this.#builder.skip('arguments past the limit of strings');
    return 0;
  }

  /** The text of a string or other value, not interned; '' when the event has none. */
  text(bytes: Uint8Array, range: Range): string {
    if (range.end === 0) return '';
    const { start, end } = range;
    return range.isPlain ? decode(bytes, start, end) : decodeString(bytes, start, end);
  }

  #isFull(): boolean {
    return this.#table.size >= this.#max || this.#table.isFull;
  }

  #bounded(bytes: Uint8Array, start: number, end: number): number {
    if (!this.#isFull()) return this.#table.internBytes(bytes, start, end);
    const id = this.#table.findBytes(bytes, start, end);
    return id >= 0 ? id : this.#table.intern(OTHER_NAME);
  }

  #resolved(bytes: Uint8Array, { start, end }: Range): number {
    if (this.#escaped.size > MAX_ESCAPED) {
      this.#escaped = new StringTable();
      this.#escapedIds = [0];
    }
    const raw = this.#escaped.internBytes(bytes, start, end);
    const known = this.#escapedIds[raw];
    if (known !== undefined) return known;
    const id = this.intern(decodeString(bytes, start, end));
    this.#escapedIds[raw] = id;
    return id;
  }
}
