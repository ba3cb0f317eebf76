/** Which rows have a category: of those that few have without a pass over all. */
import type { Trace } from '@ttrace/format';

const NO_ROWS = new Uint32Array(0);

/** Rows of each category, by its string id, in file order. */
export class CategoryRows {
  readonly #column: Uint32Array;
  readonly #counts: Uint32Array;
  /** Of categories that no more than a quarter of all rows have. */
  readonly #rare: Map<number, Uint32Array> = new Map();

  constructor({ columns, length, strings }: Trace) {
    const { category } = columns;
    this.#column = category;
    this.#counts = new Uint32Array(strings.size);
    for (let row = 0; row < length; row++) this.#counts[category[row]!]!++;
    const places: (Uint32Array | undefined)[] = [];
    for (const [id, count] of this.#counts.entries()) {
      if (count === 0 || count > length / 4) continue;
      places[id] = new Uint32Array(count);
      this.#rare.set(id, places[id]);
    }
    const next = new Uint32Array(this.#counts.length);
    for (let row = 0; row < length; row++) {
      const id = category[row]!;
      const rows = places[id];
      if (rows !== undefined) rows[next[id]!++] = row;
    }
  }

  /** undefined for a category that many rows have. */
  rareRowsOf(id: number): Uint32Array | undefined {
    return id < 0 || this.#counts[id] === 0 ? NO_ROWS : this.#rare.get(id);
  }

  /** The same for any. Of one that many rows have they are looked for anew each time. */
  rowsOf(id: number): Uint32Array {
    const rare = this.rareRowsOf(id);
    if (rare !== undefined) return rare;
    const rows = new Uint32Array(this.#counts[id]!);
    for (let row = 0, at = 0; at < rows.length; row++) if (this.#column[row] === id) rows[at++] = row;
    return rows;
  }
}
