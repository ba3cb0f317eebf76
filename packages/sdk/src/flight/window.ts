/**
 * The last seconds of a recording in memory, for the flight recorder: a TraceWriter that keeps what is written as rows of bytes
 * in one ring, and drops the oldest. A snapshot replays them into a real writer.
 *
 * Invariants: rows, texts and what is remembered of the time before them never take more than `maxBytes`; a slice is there, whole,
 * as long as its end is. Strings, threads and counters lie beside (names.ts) and grow with the program, not with time.
 * Knows no threads and does no I/O. One file, because all of it is one ring: whoever writes a row, drops one or reads them must agree
 * on where the others are.
 */
import { Category, MetadataName } from '@ttrace/format/vocabulary';
import type { Flow, StringRef, TraceWriter, TrackRef } from '@ttrace/format/writers';
import { FlightNames } from './names.ts';
import { FlightPast } from './past.ts';
import { replay, type SnapshotOptions, type SnapshotReport } from './replay.ts';
import {
  FLOW_ROOM,
  PLAIN_ROOM,
  RowFlag,
  RowKind,
  RowReader,
  textBytes,
  writeFloat,
  writeFlows,
  writeNumber,
  writeText,
} from './rows.ts';

export interface FlightWindowOptions {
  /** Rows younger than this stay, unless `maxBytes` is used up. Older ones may stay, at most for twice as long. */
  readonly minAgeNanos: number;
  /** Bytes that rows may take, with what is remembered of the time before; at least 4096. Wins over `minAgeNanos`. */
  readonly maxBytes: number;
}

/** What a window uses and what it has lost. */
export interface FlightWindowUse {
  /** Bytes that are filled. Names and threads, which lie beside, are not in it. */
  readonly bytes: number;
  /** Bytes that are allocated: at most `maxBytes`. */
  readonly allocated: number;
  readonly rows: number;
  /** Rows that have left the window. */
  readonly droppedRows: number;
  /** Rows whose arguments and flows were left out: they would have taken more than a quarter of the window. */
  readonly cutRows: number;
  /** Slices and tracks from before the window for which there was no memory: their ends and rows are left out of snapshots. */
  readonly forgotten: number;
}

export interface FlightWindow extends TraceWriter {
  /**
   * Writes what the window holds. Does not finish the writer, whose origin must be that of the recording. The window stays as it
   * is and goes on; not to be called while a row is written.
   */
  snapshot(writer: TraceWriter, options?: SnapshotOptions): SnapshotReport;
  readonly use: FlightWindowUse;
}

/** Numbers of async tracks begin here, for they are never used again; those of other tracks are below. */
const FIRST_ASYNC = 2 ** 22;
/** Characters of an async track's id; the recorder's have ten. A row must find room in the smallest window. */
const MAX_ID = 200;
const FIRST_BYTES = 64 << 10;
/** Share of the bytes for what is remembered of the time before the window: enough for 4000 open tasks of 10 MiB. */
const PAST_SHARE = 1 / 8;
/** Rows leave in batches of this many bytes, at most. */
const BATCH_BYTES = 4096;

/** Indexes of `#times`. A field of its own for each would be boxed anew at each store. */
const LAST = 0;
const NEWEST = 1;
/** When the oldest row is due. */
const DUE = 2;

export function createFlightWindow(options: FlightWindowOptions): FlightWindow {
  return new RingWindow(options);
}

class RingWindow implements FlightWindow {
  readonly #minAge: number;
  readonly #maxRing: number;
  readonly #names = new FlightNames();
  readonly #past: FlightPast;
  #bytes: Uint8Array;
  /** Where the next row goes, and the first byte that it may not use. */
  #at = 0;
  #limit: number;
  /** Reads the rows that leave: it stands before the oldest one. */
  readonly #tail: RowReader;
  #rows = 0;
  #droppedRows = 0;
  #cutRows = 0;
  #asyncCount = 0;
  readonly #times = Float64Array.of(0, 0, Infinity);

  constructor({ minAgeNanos, maxBytes }: FlightWindowOptions) {
    const bytes = Math.max(4096, Math.floor(maxBytes));
    const pastBytes = Math.floor(bytes * PAST_SHARE);
    this.#minAge = Math.max(0, minAgeNanos);
    this.#maxRing = bytes - pastBytes;
    const task = this.#names.string(Category.task);
    this.#past = new FlightPast(pastBytes, (label) => this.#names.categoryOf[label] === task);
    this.#bytes = new Uint8Array(Math.min(FIRST_BYTES, this.#maxRing));
    this.#limit = this.#bytes.length;
    this.#tail = new RowReader(this.#bytes, 0, -1);
  }

  get use(): FlightWindowUse {
    const { at, wrap } = this.#tail;
    const filled = wrap < 0 ? this.#at - at : wrap - at + this.#at;
    return {
      bytes: filled + this.#past.bytes,
      allocated: this.#bytes.length + this.#past.bytes,
      rows: this.#rows,
      droppedRows: this.#droppedRows,
      cutRows: this.#cutRows,
      forgotten: this.#past.forgotten,
    };
  }

  process(pid: number, name: string, sortIndex?: number): TrackRef {
    return this.#lasting('process', pid, 0, name, sortIndex, undefined);
  }

  thread(pid: number, tid: number, name: string, sortIndex?: number): TrackRef {
    return this.#lasting('thread', pid, tid, name, sortIndex, undefined);
  }

  counterTrack(pid: number, name: string, unit?: string): TrackRef {
    return this.#lasting('counter', pid, 0, name, undefined, unit);
  }

  asyncTrack(pid: number, category: string, id: string, name: string): TrackRef {
    const names = this.#names;
    // A name of its own, as that of a worker's event loop, is not kept for good.
    const isKnown = names.knows(name);
    const label = names.label(isKnown ? names.string(name) : 0, names.string(category));
    const text = isKnown ? id.slice(0, MAX_ID) : `${id.slice(0, MAX_ID)}\n${name.slice(0, MAX_ID)}`;
    const length = textBytes(text);
    this.#reserve(PLAIN_ROOM + length);
    let at = this.#at;
    this.#bytes[at] = RowKind.declare | RowFlag.async;
    at = writeNumber(this.#bytes, at + 1, pid);
    at = writeNumber(this.#bytes, at, label);
    at = writeNumber(this.#bytes, at, length);
    this.#at = writeText(this.#bytes, at, text, length);
    this.#rows++;
    return FIRST_ASYNC + ++this.#asyncCount;
  }

  string(text: string): StringRef {
    return this.#names.string(text);
  }

  slice(
    track: TrackRef,
    name: StringRef,
    category: StringRef,
    start: number,
    duration: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void {
    // hot: one call a region. Budget: 35 ns; bench/flight-window.mjs.
    const end = start + duration;
    if (track >= FIRST_ASYNC || flows !== undefined || (args !== undefined && args !== '')) {
      this.#row(RowKind.slice, track, this.#label(name, category), end, duration, task, args, flows);
      return;
    }
    if (this.#at + PLAIN_ROOM > this.#limit) this.#makeRoom(PLAIN_ROOM);
    const bytes = this.#bytes;
    const times = this.#times;
    const from = this.#at;
    const delta = end - times[LAST]!;
    times[LAST] = end;
    let head: number = task === 0 ? RowKind.slice : RowKind.slice | RowFlag.task;
    let at: number;
    if (delta >= 0) at = writeNumber(bytes, from + 1, delta);
    else {
      head |= RowFlag.backward;
      at = writeNumber(bytes, from + 1, -delta);
    }
    bytes[from] = head;
    at = writeNumber(bytes, at, duration);
    at = writeNumber(bytes, at, track);
    at = writeNumber(bytes, at, this.#label(name, category));
    if (task !== 0) at = writeNumber(bytes, at, task);
    this.#at = at;
    this.#rows++;
    if (end > times[NEWEST]!) this.#advance(end);
  }

  begin(
    track: TrackRef,
    name: StringRef,
    category: StringRef,
    start: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void {
    this.#row(RowKind.begin, track, this.#label(name, category), start, 0, task, args, flows);
  }

  end(track: TrackRef, time: number, args?: string): void {
    this.#row(RowKind.end, track, 0, time, 0, 0, args, undefined);
  }

  instant(
    track: TrackRef,
    name: StringRef,
    category: StringRef,
    time: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void {
    this.#row(RowKind.instant, track, this.#label(name, category), time, 0, task, args, flows);
  }

  counter(track: TrackRef, time: number, value: number): void {
    this.#reserve(PLAIN_ROOM);
    const isFloat = !(Number.isSafeInteger(value) && value >= 0) || Object.is(value, -0);
    const at = this.#head(RowKind.counter | (isFloat ? RowFlag.float : 0), time, 0, track);
    this.#at = isFloat ? writeFloat(this.#bytes, at, value) : writeNumber(this.#bytes, at, value);
    this.#rows++;
    if (time > this.#times[NEWEST]!) this.#advance(time);
  }

  release(track: TrackRef): void {
    this.#reserve(PLAIN_ROOM);
    const isAsync = track >= FIRST_ASYNC;
    this.#bytes[this.#at] = RowKind.release | (isAsync ? RowFlag.async : 0);
    const number = isAsync ? this.#asyncCount - (track - FIRST_ASYNC) : track;
    this.#at = writeNumber(this.#bytes, this.#at + 1, number);
    this.#rows++;
  }

  metadata(track: TrackRef, name: string, args: string): void {
    if (name === MetadataName.dropped) this.#dropped(track, args);
    else this.#names.tracks[track]?.metadata.set(name, args);
  }

  flush(): void {}

  finish(): void {}

  snapshot(writer: TraceWriter, options: SnapshotOptions = {}): SnapshotReport {
    return replay(this.#names, this.#past, this.#tail.copy(), this.#rows, writer, options);
  }

  /** Not a fact about the thread for ever: it belongs to its time. */
  #dropped(track: TrackRef, args: string): void {
    const { dropped } = JSON.parse(args) as { dropped: number };
    this.#reserve(PLAIN_ROOM);
    const at = this.#head(RowKind.dropped, this.#times[LAST]!, 0, track);
    this.#at = writeNumber(this.#bytes, at, dropped);
    this.#rows++;
  }

  #lasting(
    kind: 'process' | 'thread' | 'counter',
    pid: number,
    tid: number,
    name: string,
    sortIndex: number | undefined,
    unit: string | undefined,
  ): TrackRef {
    return this.#names.keep({ kind, pid, tid, name, sortIndex, unit, metadata: new Map() });
  }

  #label(name: StringRef, category: StringRef): number {
    const names = this.#names;
    return names.categoryByName[name] === category ? names.labelByName[name]! : names.label(name, category);
  }

  /** Any row but the plain ones. An end has no label, and only a slice has a duration. */
  #row(
    kind: number,
    track: TrackRef,
    label: number,
    time: number,
    duration: number,
    task: number,
    args: string | undefined,
    flows: readonly Flow[] | undefined,
  ): void {
    let text = args === undefined || args === '{}' ? '' : args;
    let arrows = flows === undefined || flows.length === 0 ? undefined : flows;
    let length = text === '' ? 0 : textBytes(text);
    let room = PLAIN_ROOM + length + (arrows === undefined ? 0 : (arrows.length + 1) * FLOW_ROOM);
    if (room > this.#maxRing / 4) {
      this.#cutRows++;
      [text, length, arrows, room] = ['', 0, undefined, PLAIN_ROOM];
    }
    this.#reserve(room);
    let head = kind;
    if (task !== 0) head |= RowFlag.task;
    if (text !== '') head |= RowFlag.args;
    if (arrows !== undefined) head |= RowFlag.flows;
    let at = this.#head(head, time, duration, track);
    const bytes = this.#bytes;
    if (kind !== RowKind.end) at = writeNumber(bytes, at, label);
    if (task !== 0) at = writeNumber(bytes, at, task);
    if (text !== '') at = writeText(bytes, writeNumber(bytes, at, length), text, length);
    if (arrows !== undefined) at = writeFlows(bytes, at, arrows);
    this.#at = at;
    this.#rows++;
    if (time > this.#times[NEWEST]!) this.#advance(time);
  }

  /** Writes what all rows with a time begin with; returns the position behind it. */
  #head(head: number, time: number, duration: number, track: TrackRef): number {
    const bytes = this.#bytes;
    const from = this.#at;
    const delta = time - this.#times[LAST]!;
    const isAsync = track >= FIRST_ASYNC;
    this.#times[LAST] = time;
    bytes[from] = head | (delta < 0 ? RowFlag.backward : 0) | (isAsync ? RowFlag.async : 0);
    let at = writeNumber(bytes, from + 1, Math.abs(delta));
    if ((head & 7) === RowKind.slice) at = writeNumber(bytes, at, duration);
    return writeNumber(bytes, at, isAsync ? this.#asyncCount - (track - FIRST_ASYNC) : track);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes > this.#limit) this.#makeRoom(bytes);
  }

  /** Room for one row, wherever in the ring; its rows never wrap. */
  #makeRoom(bytes: number): void {
    const tail = this.#tail;
    while (this.#at + bytes > this.#limit) {
      if (this.#rows === 0 && this.#bytes.length >= bytes) this.#restart();
      else if (tail.wrap < 0 && tail.at > bytes) {
        // What lies before the oldest row is free.
        tail.wrap = this.#at;
        this.#at = 0;
        this.#limit = tail.at;
      } else if (this.#mayGrow()) this.#resize();
      else this.#dropBatch(bytes);
    }
  }

  #mayGrow(): boolean {
    if (this.#bytes.length >= this.#maxRing) return false;
    return this.#rows === 0 || this.#tail.nextTime() >= this.#times[NEWEST]! - this.#minAge;
  }

  /** Moves the rows into a buffer of twice the size. */
  #resize(): void {
    const old = this.#bytes;
    const tail = this.#tail;
    // The last step is a doubling as well, for both buffers are there for a moment.
    let size = this.#maxRing;
    while (size / 2 > old.length) size = Math.ceil(size / 2);
    const bytes = new Uint8Array(size);
    const upper = old.subarray(tail.at, tail.wrap < 0 ? this.#at : tail.wrap);
    bytes.set(upper);
    if (tail.wrap >= 0) bytes.set(old.subarray(0, this.#at), upper.length);
    this.#at = tail.wrap < 0 ? upper.length : upper.length + this.#at;
    this.#limit = size;
    this.#bytes = bytes;
    tail.bytes = bytes;
    tail.at = 0;
    tail.wrap = -1;
  }

  /** Drops rows for that many bytes and some more, so that it is not soon called again; only if it must, young ones. */
  #dropBatch(bytes: number): void {
    const wanted = bytes + Math.min(BATCH_BYTES, this.#bytes.length >> 5);
    const tail = this.#tail;
    const from = tail.at;
    do this.#dropRow();
    while (this.#rows > 0 && tail.at > from && tail.at - from < wanted);
    this.#tailMoved();
  }

  #dropRow(): void {
    const tail = this.#tail;
    tail.next();
    this.#past.pass(tail);
    if (tail.kind === RowKind.release && !tail.isAsync) this.#names.forget(tail.track);
    this.#rows--;
    this.#droppedRows++;
  }

  #tailMoved(): void {
    const tail = this.#tail;
    if (this.#rows === 0) this.#restart();
    this.#limit = tail.wrap < 0 ? this.#bytes.length : tail.at;
    this.#times[DUE] = this.#rows === 0 ? Infinity : tail.nextTime() + 2 * this.#minAge;
  }

  /** There is no row: the next one goes to the beginning. */
  #restart(): void {
    this.#tail.at = 0;
    this.#tail.wrap = -1;
    this.#at = 0;
    this.#limit = this.#bytes.length;
  }

  #advance(time: number): void {
    const times = this.#times;
    times[NEWEST] = time;
    if (time > times[DUE]!) this.#dropOld();
    else if (times[DUE] === Infinity) this.#tailMoved();
  }

  /** Drops what is older than twice the least age. */
  #dropOld(): void {
    const oldest = this.#times[NEWEST]! - 2 * this.#minAge;
    while (this.#rows > 0 && this.#tail.nextTime() < oldest) this.#dropRow();
    this.#tailMoved();
  }
}
