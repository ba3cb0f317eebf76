/** A trace in the format of a profile viewer: its text in pieces, and what of the trace has no place in it. */

export interface ProfileFile {
  /** Pieces of some kilobytes. To be read once. */
  readonly text: Iterable<string>;
  /** Nouns with their numbers, such as `12 counter samples`. */
  readonly omitted: readonly string[];
}

const PIECE = 1 << 16;

/** Joins short texts to pieces. */
export function* inPieces(texts: Iterable<string>): Generator<string, void, undefined> {
  let piece = '';
  for (const text of texts) {
    piece += text;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

/** A JSON array of values that are JSON text already. */
export function* jsonArray(values: Iterable<string | number>): Generator<string, void, undefined> {
  let separator = '[';
  for (const value of values) {
    yield `${separator}${value}`;
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}
