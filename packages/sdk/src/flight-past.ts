/**
 * What a flight window must know of the time before its oldest row: slices that were open then, async tracks that were declared
 * and not released, and the last value of each counter. Rows are passed to it when they leave the window.
 *
 * Its memory is bounded. Past the bound it forgets async tracks that have had no row for long, with their slices, and of
 * other tracks the slices that would have been added: their ends then are known to end nothing that is known.
 */
import type { Flow } from '@ttrace/format';
import { RowKind, type RowReader } from './flight-rows.ts';

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
  readonly id: string;
  bytes: number;
  wasUsed: boolean;
}

/** What the objects take in V8, about. */
const SLICE_BYTES = 120;
const TRACK_BYTES = 180;

export class FlightPast {
  /** By number; holes are tracks of which there is nothing to know. */
  readonly lasting: (PastTrack | undefined)[] = [];
  /** By number, the longest unused first. */
  readonly async: Map<number, PastAsyncTrack> = new Map();
  bytes = 0;
  /** Tracks and slices that found no room. */
  forgotten = 0;
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes note of the row that `row` has just read. */
  pass(row: RowReader): void {
    // hot: once a row, and most are slices of a thread.
    if (row.isAsync) this.#passAsync(row);
    else if (row.kind === RowKind.begin) this.#push(this.#lasting(row.track), row);
    else if (row.kind === RowKind.end) this.#pop(this.#lasting(row.track));
    else if (row.kind === RowKind.counter) this.#lasting(row.track).value = row.value;
  }

  #passAsync(row: RowReader): void {
    if (row.kind === RowKind.declare) {
      this.#declare(row);
      return;
    }
    const track = this.async.get(row.track);
    if (track === undefined) return;
    track.wasUsed = true;
    if (row.kind === RowKind.begin) this.#push(track, row);
    else if (row.kind === RowKind.end) this.#pop(track);
    else if (row.kind === RowKind.release) {
      this.async.delete(row.track);
      this.bytes -= track.bytes;
    }
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
    this.async.set(row.track, {
      pid,
      label,
      id,
      bytes,
      open: undefined,
      value: undefined,
      wasUsed: true,
    });
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

  /** Forgets async tracks until there is room; one that was used since it was looked at gets a second chance. */
  #makeRoom(bytes: number, keep: PastTrack | undefined): boolean {
    let tries = 2 * this.async.size;
    while (this.bytes + bytes > this.#maxBytes) {
      const [first] = this.async;
      if (first === undefined || tries-- === 0) return false;
      const [number, track] = first;
      this.async.delete(number);
      if (track === keep || track.wasUsed) {
        track.wasUsed = false;
        this.async.set(number, track);
      } else {
        this.bytes -= track.bytes;
        this.forgotten++;
      }
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
