/**
 * Cuts a trace by time into parts that can be read alone and that `createTraceMerger` joins into the same events again.
 *
 * Each event is in one part, that in which it begins; an arrow's end is where the slice begins that it is tied to. A cut
 * lies between two moments, so what begins together stays together. Arrows that lead from part to part are facts of the parts
 * (part-facts.ts). 24 bytes a row beside the trace.
 */
import { createHash } from 'node:crypto';
import { enclosingSlices } from '@ttrace/analysis';
import {
  dropEmptyTracks,
  EventKind,
  pickRows,
  sortParentsFirst,
  type Trace,
  timeRange,
} from '@ttrace/format';
import { type ArrowEnd, partFacts, withPartFacts } from './part-facts.ts';

/** A trace laid out for cutting. Places are positions in the order in which events begin. */
export interface TraceParts {
  /** How many events there are: the place behind the last one. */
  readonly length: number;
  /** About how much the events from one place up to another take in a file, in units of its own. */
  weight(from: number, to: number): number;
  /** Where to cut so that the events from `from` on weigh at most `most`; at least one moment further on. */
  cut(from: number, most: number): number;
  /** The events from one place up to another. @param number from 1 on; only the first has what no event needs. */
  part(from: number, to: number, number: number): Trace;
}

/** Lays a trace out for cutting. */
export function splitTrace(trace: Trace): TraceParts {
  return new Parts(trace);
}

/** What an event takes in a file beside its texts, in bytes; about the same in JSON and text. */
const EVENT_WEIGHT = 90;

class Parts implements TraceParts {
  readonly #trace: Trace;
  /** Rows in the order in which they begin, and when that is, by row. */
  readonly #rows: Uint32Array;
  readonly #begins: Float64Array;
  /** Weight of all before a place. */
  readonly #before: Float64Array;
  readonly #arrows: ArrowSpans;
  readonly #key: string;

  constructor(trace: Trace) {
    this.#trace = trace;
    const enclosing = enclosingSlices(trace);
    this.#begins = beginsOf(trace, enclosing);
    this.#rows = Uint32Array.from({ length: trace.length }, (_, row) => row);
    sortParentsFirst(this.#rows, this.#begins, this.#begins);
    this.#before = weights(trace, this.#rows);
    this.#arrows = new ArrowSpans(trace, this.#rows, enclosing);
    this.#key = keyOf(trace);
  }

  get length(): number {
    return this.#rows.length;
  }

  weight(from: number, to: number): number {
    return this.#before[to]! - this.#before[from]!;
  }

  cut(from: number, most: number): number {
    const limit = this.#before[from]! + most;
    let low = from;
    let high = this.length;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#before[middle]! <= limit) low = middle;
      else high = middle - 1;
    }
    let to = low;
    while (to > from && !this.#isBetweenMoments(to)) to--;
    if (to > from) return to;
    to = Math.max(low, from + 1);
    while (!this.#isBetweenMoments(to)) to++;
    return to;
  }

  part(from: number, to: number, number: number): Trace {
    const trace = this.#trace;
    const { kind, value, track } = trace.columns;
    const outer = partFacts(trace);
    const ends: ArrowEnd[] = number === 1 ? [...(outer?.ends ?? [])] : [];
    const needed: number[] = [];
    const inFileOrder = this.#rows.slice(from, to).sort();
    const rows = inFileOrder.filter((row) => {
      if (kind[row]! < EventKind.flowOut || this.#arrows.isWithin(value[row]!, from, to)) return true;
      ends.push(arrowEnd(trace, row, `${this.#key}.${value[row]}`));
      needed.push(track[row]!);
      return false;
    });
    const facts = { recording: outer?.recording ?? this.#key, ends };
    const metadata = withPartFacts(trace, facts, number);
    const picked = { ...pickRows(trace, rows), metadata, error: undefined };
    return number === 1 ? picked : { ...dropEmptyTracks(picked, needed), skipped: new Map() };
  }

  #isBetweenMoments(place: number): boolean {
    if (place >= this.length) return true;
    return this.#begins[this.#rows[place]!] !== this.#begins[this.#rows[place - 1]!];
  }
}

/** When each row begins, in whole nanoseconds: an arrow's end with its slice, what has no time with the first event. */
function beginsOf(trace: Trace, enclosing: Int32Array): Float64Array {
  const { kind, start } = trace.columns;
  const first = timeRange(trace).start;
  const begins = new Float64Array(trace.length);
  for (let row = 0; row < trace.length; row++) {
    const isTied = kind[row]! >= EventKind.flowOut && enclosing[row]! >= 0;
    const time = Math.floor(start[isTied ? enclosing[row]! : row]!);
    begins[row] = Number.isFinite(time) ? time : first;
  }
  return begins;
}

function weights({ columns, strings }: Trace, rows: Uint32Array): Float64Array {
  const { name, category, args } = columns;
  const before = new Float64Array(rows.length + 1);
  for (let place = 0; place < rows.length; place++) {
    const row = rows[place]!;
    const texts =
      strings.byteLengthOf(name[row]!) +
      strings.byteLengthOf(category[row]!) +
      strings.byteLengthOf(args[row]!);
    before[place + 1] = before[place]! + EVENT_WEIGHT + texts;
  }
  return before;
}

/** Behind all places. */
const NOWHERE = 2 ** 32 - 1;

/**
 * From which place to which each arrow's ends lie. Numbers of arrows are dense where a reader gave them. An arrow with an end
 * that no slice encloses lies within no part: writing it would add an instant for that end, which the trace does not have.
 */
class ArrowSpans {
  readonly #indexes = new Map<number, number>();
  readonly #isDense: boolean;
  readonly #first: Uint32Array;
  readonly #last: Uint32Array;

  constructor({ columns, length }: Trace, rows: Uint32Array, enclosing: Int32Array) {
    const { kind, value } = columns;
    let highest = 0;
    let ends = 0;
    for (let row = 0; row < length; row++) {
      if (kind[row]! < EventKind.flowOut) continue;
      ends++;
      if (!Number.isSafeInteger(value[row]) || value[row]! < 0) highest = Infinity;
      else highest = Math.max(highest, value[row]!);
    }
    this.#isDense = highest <= 2 * ends + 16;
    const size = this.#isDense ? highest + 1 : ends;
    this.#first = new Uint32Array(size).fill(NOWHERE);
    this.#last = new Uint32Array(size);
    for (let place = 0; place < rows.length; place++) {
      const row = rows[place]!;
      if (kind[row]! < EventKind.flowOut) continue;
      const index = this.#indexOf(value[row]!);
      if (this.#first[index]! > place) this.#first[index] = place;
      this.#last[index] = Math.max(this.#last[index]!, enclosing[row]! < 0 ? NOWHERE : place);
    }
  }

  /** Whether all ends of an arrow are between two places. */
  isWithin(arrow: number, from: number, to: number): boolean {
    const index = this.#indexOf(arrow);
    return this.#first[index]! >= from && this.#last[index]! < to;
  }

  #indexOf(arrow: number): number {
    if (this.#isDense) return arrow;
    const known = this.#indexes.get(arrow) ?? this.#indexes.size;
    this.#indexes.set(arrow, known);
    return known;
  }
}

function arrowEnd({ columns, tracks, strings, origin }: Trace, row: number, arrow: string): ArrowEnd {
  const { kind, pid, tid, id, category, name } = tracks[columns.track[row]!]!;
  const start = columns.start[row]!;
  const micros = Math.floor(start / 1000);
  return {
    kind: columns.kind[row] as ArrowEnd['kind'],
    arrow,
    track: { kind, pid, tid, id, category, name },
    name: strings.text(columns.name[row]!),
    category: strings.text(columns.category[row]!),
    micros: micros + Number(origin / 1000n),
    nanos: start - micros * 1000 + Number(origin % 1000n),
  };
}

/** A short text that no other trace has: of the times of all events. */
function keyOf({ columns, origin }: Trace): string {
  const { buffer, byteOffset, byteLength } = columns.start;
  const hash = createHash('sha256').update(String(origin));
  hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex').slice(0, 16);
}
