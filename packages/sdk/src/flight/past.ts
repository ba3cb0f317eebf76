/**
 * What a flight window must know of the time before its oldest row: slices that were open then, async tracks that were declared
 * and not released, and the last value of each counter. Rows are passed to it when they leave the window.
 *
 * Its memory is bounded. Past the bound the oldest tasks are forgotten, which are those that somebody never ended; without any,
 * what would have been added. Lanes are never forgotten for a task, for they come into use again. The end of a forgotten slice
 * is known to end none of the others.
 */
import type { Flow } from '@ttrace/format/writers';
import { RowKind, type RowReader } from './rows.ts';

/** A slice whose end has not left the window. */
export interface OpenSlice {
  readonly kind: 'slice';
  readonly below: Open | undefined;
  readonly label: number;
  readonly start: number;
  readonly task: number;
  readonly args: string;
  readonly flows: readonly Flow[] | undefined;
}

/** So many open slices of which nothing else is known. */
export interface ForgottenSlices {
  readonly kind: 'forgotten';
  readonly below: Open | undefined;
  readonly count: number;
}

/** The innermost open slice of a track; a list that is never changed, so that snapshots can share it. */
export type Open = OpenSlice | ForgottenSlices;

export interface PastTrack {
  open: Open | undefined;
  /** Last value of a counter. */
  value: number | undefined;
}

export interface PastAsyncTrack extends PastTrack {
  readonly pid: number;
  readonly label: number;
  /** As it stands in the row. */
  readonly id: string;
  bytes: number;
}

/** What the objects take in V8, about. */
const SLICE_BYTES = 120;
const TRACK_BYTES = 180;

export class FlightPast {
  /** By number; holes are tracks of which there is nothing to know. */
  readonly lasting: (PastTrack | undefined)[] = [];
  /** Tracks of one operation each, by number, the oldest first. */
  readonly tasks: Map<number, PastAsyncTrack> = new Map();
  /** Other async tracks, by number. */
  readonly lanes: Map<number, PastAsyncTrack> = new Map();
  bytes = 0;
  /** Tracks and slices that found no room. */
  forgotten = 0;
  readonly #maxBytes: number;
  readonly #isTask: (label: number) => boolean;

  /** @param isTask whether tracks of such a label have one operation each, and are released after. */
  constructor(maxBytes: number, isTask: (label: number) => boolean) {
    this.#maxBytes = maxBytes;
    this.#isTask = isTask;
  }

  /** Takes note of the row that `row` has just read. */
  pass(row: RowReader): void {
    // hot: once a row, and most are slices of a thread.
    if (row.isAsync) this.#passAsync(row);
    else if (row.kind === RowKind.begin) this.#push(this.#lasting(row.track), row);
    else if (row.kind === RowKind.end) this.#pop(this.#lasting(row.track));
    else if (row.kind === RowKind.counter) this.#lasting(row.track).value = row.value;
    else if (row.kind === RowKind.release) this.#releaseLasting(row.track);
  }

  #passAsync(row: RowReader): void {
    if (row.kind === RowKind.declare) {
      this.#declare(row);
      return;
    }
    const track = this.tasks.get(row.track) ?? this.lanes.get(row.track);
    if (track === undefined) return;
    if (row.kind === RowKind.begin) this.#push(track, row);
    else if (row.kind === RowKind.end) this.#pop(track);
    else if (row.kind === RowKind.release) {
      if (!this.tasks.delete(row.track)) this.lanes.delete(row.track);
      this.bytes -= track.bytes;
    }
  }

  #releaseLasting(number: number): void {
    const track = this.lasting[number];
    while (track?.open !== undefined) this.#pop(track);
    this.lasting[number] = undefined;
  }

  #lasting(number: number): PastTrack {
    let track = this.lasting[number];
    if (track === undefined) {
      track = { open: undefined, value: undefined };
      this.lasting[number] = track;
    }
    return track;
  }

  #declare(row: RowReader): void {
    const id = row.text();
    const bytes = TRACK_BYTES + 2 * id.length;
    if (!this.#makeRoom(bytes, undefined)) {
      this.forgotten++;
      return;
    }
    const { pid, label } = row;
    const kin = this.#isTask(label) ? this.tasks : this.lanes;
    kin.set(row.track, { pid, label, id, bytes, open: undefined, value: undefined });
    this.bytes += bytes;
  }

  #push(track: PastTrack | PastAsyncTrack, row: RowReader): void {
    const slice = openSlice(track.open, row);
    const bytes = bytesOf(slice);
    if (this.#makeRoom(bytes, track)) {
      track.open = slice;
      this.#count(track, bytes);
      return;
    }
    this.forgotten++;
    const { open } = track;
    track.open =
      open?.kind === 'forgotten'
        ? { kind: 'forgotten', below: open.below, count: open.count + 1 }
        : { kind: 'forgotten', below: open, count: 1 };
  }

  #pop(track: PastTrack | PastAsyncTrack): void {
    if (track.open === undefined) return;
    if (track.open.kind === 'slice') this.#count(track, -bytesOf(track.open));
    track.open = withoutInnermost(track.open);
  }

  #count(track: PastTrack | PastAsyncTrack, bytes: number): void {
    this.bytes += bytes;
    if ('bytes' in track) track.bytes += bytes;
  }

  /** Forgets the oldest tasks until there is room. */
  #makeRoom(bytes: number, keep: PastTrack | undefined): boolean {
    while (this.bytes + bytes > this.#maxBytes) {
      const [oldest] = this.tasks;
      if (oldest === undefined || oldest[1] === keep) return false;
      this.tasks.delete(oldest[0]);
      this.bytes -= oldest[1].bytes;
      this.forgotten++;
    }
    return true;
  }
}

/** The slice that a begin has opened. */
export function openSlice(below: Open | undefined, row: RowReader): OpenSlice {
  const { label, time, task } = row;
  return { kind: 'slice', below, label, start: time, task, args: row.text(), flows: row.flows() };
}

/** What is open after an end. */
export function withoutInnermost(open: Open): Open | undefined {
  return open.kind === 'forgotten' && open.count > 1
    ? { kind: 'forgotten', below: open.below, count: open.count - 1 }
    : open.below;
}

function bytesOf({ args, flows }: OpenSlice): number {
  return SLICE_BYTES + 2 * args.length + 80 * (flows?.length ?? 0);
}
