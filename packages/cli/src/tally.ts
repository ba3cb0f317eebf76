/** Adding up bytes by kind of event: what the meters of the formats fill and `ttrace footprint` prints. */

/** What one kind of event takes. */
export interface FootprintRow {
  /** Kind and category, such as `slice region`; `(rest of the file)` for what is no event. */
  readonly event: string;
  readonly bytes: number;
  readonly count: number;
}

/** Takes the bytes of one format apart. Fed in chunks of any size. */
export interface Meter {
  push(chunk: Uint8Array): void;
}

/** Adds up bytes by kind. */
export class Tally {
  readonly #rows = new Map<string, { bytes: number; count: number }>();

  /** @param count 0 for bytes that belong to an event already counted, or to none. */
  add(event: string, bytes: number, count: number): void {
    const row = this.#rows.get(event);
    if (row === undefined) this.#rows.set(event, { bytes, count });
    else {
      row.bytes += bytes;
      row.count += count;
    }
  }

  get bytes(): number {
    let sum = 0;
    for (const row of this.#rows.values()) sum += row.bytes;
    return sum;
  }

  /** The most bytes first. */
  rows(): FootprintRow[] {
    return [...this.#rows]
      .map(([event, row]) => ({ event, ...row }))
      .sort((a, b) => b.bytes - a.bytes || (a.event < b.event ? -1 : 1));
  }
}

/** What is no event: brackets, white space, what a tool adds around the events. */
export const REST = '(rest of the file)';
