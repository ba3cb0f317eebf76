/**
 * Replays the rows of a flight window into a writer, in the order in which they were written, which is one that writers accept.
 * Leaves the window as it is.
 *
 * A track is declared when its first row comes; then the slices that were open before are begun, outermost first. Rows that
 * are older than the wish are passed like those that have left the window. An end whose begin is not known is left out.
 */
import { MetadataName } from '@ttrace/format/vocabulary';
import type { StringRef, TraceWriter, TrackRef } from '@ttrace/format/writers';
import type { FlightNames, LastingTrack } from './names.ts';
import { type FlightPast, type Open, openSlice, type PastAsyncTrack, withoutInnermost } from './past.ts';
import { RowKind, type RowReader } from './rows.ts';

/** A moment that a snapshot is to show. */
export interface FlightMark {
  /** Nanoseconds since the origin. */
  readonly time: number;
  readonly name: string;
  readonly category: string;
  /** A JSON object as text, or ''. */
  readonly args: string;
  /** The window's number of a thread; without one, or with one of something else, the mark stands on the process. */
  readonly track?: TrackRef | undefined;
}

export interface SnapshotOptions {
  /** Leaves out what ended before, in nanoseconds since the origin. Slices that were open then are whole. Default: all. */
  readonly from?: number;
  readonly marks?: readonly FlightMark[];
  /** What to say about the recording, a JSON object as text, instead of what was said before. */
  readonly recording?: string;
}

/** What a snapshot contains. */
export interface SnapshotReport {
  /** Slices, instants and counter samples. */
  readonly events: number;
  /** Time of the oldest and of the newest row, both 0 when there is none: of a slice when it ended or, if it is open, began. */
  readonly oldest: number;
  readonly newest: number;
}

/** So many open slices one in another, all in the file or none. */
interface Run {
  readonly below: Run | undefined;
  readonly isWritten: boolean;
  count: number;
}

interface ReplayedTrack {
  readonly lasting: LastingTrack | undefined;
  readonly async: Pick<PastAsyncTrack, 'pid' | 'label' | 'id'> | undefined;
  /** The writer's number, once there is one. */
  ref: TrackRef | undefined;
  /** Open slices that are not written yet. */
  pending: Open | undefined;
  /** Those below. */
  runs: Run | undefined;
  /** Last value of a counter that is not written yet. */
  value: number | undefined;
}

/**
 * Writes what `row` would read next and what comes after it, `rows` rows in all.
 * @param past what is known of the time before.
 */
export function replay(
  names: FlightNames,
  past: FlightPast,
  row: RowReader,
  rows: number,
  writer: TraceWriter,
  options: SnapshotOptions,
): SnapshotReport {
  return new Replay(names, past, row, writer, options).run(rows, options.marks ?? []);
}

class Replay {
  readonly #names: FlightNames;
  readonly #row: RowReader;
  readonly #writer: TraceWriter;
  readonly #from: number;
  readonly #recording: string | undefined;
  readonly #lasting: (ReplayedTrack | undefined)[] = [];
  readonly #async = new Map<number, ReplayedTrack>();
  /** The writer's, by the window's; -1 = not yet. */
  readonly #strings: Int32Array;
  /** Where the last values of counters before the first row stand. */
  #edge = 0;
  #events = 0;
  #oldest = Infinity;
  #newest = -Infinity;

  constructor(
    names: FlightNames,
    past: FlightPast,
    row: RowReader,
    writer: TraceWriter,
    { from = -Infinity, recording }: SnapshotOptions,
  ) {
    this.#names = names;
    this.#row = row;
    this.#writer = writer;
    this.#from = from;
    this.#recording = recording;
    this.#strings = new Int32Array(names.texts.length).fill(-1);
    past.lasting.forEach((track, number) => {
      if (track === undefined) return;
      const own = this.#lastingTrack(number);
      own.pending = track.open;
      own.value = track.value;
    });
    for (const [number, { pid, label, id, open }] of [...past.tasks, ...past.lanes]) {
      this.#async.set(number, newTrack(undefined, { pid, label, id }, open));
    }
  }

  run(rows: number, marks: readonly FlightMark[]): SnapshotReport {
    this.#edge = Math.max(rows > 0 ? this.#row.nextTime() : this.#row.time, this.#from);
    this.#declareProcesses();
    for (let i = 0; i < rows; i++) {
      this.#row.next();
      this.#replayRow();
    }
    for (const track of this.#lasting) if (track !== undefined) this.#finish(track);
    for (const track of this.#async.values()) this.#finish(track);
    for (const mark of marks) this.#mark(mark);
    const isEmpty = this.#oldest > this.#newest;
    return {
      events: this.#events,
      oldest: isEmpty ? 0 : this.#oldest,
      newest: isEmpty ? 0 : this.#newest,
    };
  }

  #declareProcesses(): void {
    this.#names.tracks.forEach((track, number) => {
      if (track?.kind === 'process') this.#use(this.#lastingTrack(number));
    });
  }

  #replayRow(): void {
    // hot: once a row; bench/flight-window.mjs.
    const row = this.#row;
    if (row.kind === RowKind.declare) {
      const { pid, label } = row;
      this.#async.set(row.track, newTrack(undefined, { pid, label, id: row.text() }, undefined));
      return;
    }
    const track = row.isAsync ? this.#async.get(row.track) : this.#lastingTrack(row.track);
    // Of an async track that was forgotten.
    if (track === undefined) return;
    if (row.kind === RowKind.release) this.#release(track);
    else if (row.time < this.#from) this.#pass(track);
    else {
      if (row.time < this.#oldest) this.#oldest = row.time;
      if (row.time > this.#newest) this.#newest = row.time;
      if (row.kind === RowKind.end) this.#end(track);
      else this.#write(track);
    }
  }

  /** A row before the wish. */
  #pass(track: ReplayedTrack): void {
    const row = this.#row;
    if (row.kind === RowKind.begin) track.pending = openSlice(track.pending, row);
    else if (row.kind === RowKind.counter) track.value = row.value;
    else if (row.kind !== RowKind.end) return;
    else if (track.pending !== undefined) track.pending = withoutInnermost(track.pending);
    else if (this.#popRun(track)) this.#writer.end(track.ref!, row.time, row.text());
  }

  #write(track: ReplayedTrack): void {
    const row = this.#row;
    const writer = this.#writer;
    if (row.kind === RowKind.counter && row.time <= this.#edge) track.value = undefined;
    const ref = this.#use(track);
    if (row.kind === RowKind.dropped) {
      writer.metadata(ref, MetadataName.dropped, `{"dropped":${row.value}}`);
      return;
    }
    this.#events++;
    if (row.kind === RowKind.counter) {
      writer.counter(ref, row.time, row.value);
      return;
    }
    const name = this.#string(this.#names.nameOf[row.label]!);
    const category = this.#string(this.#names.categoryOf[row.label]!);
    if (row.kind === RowKind.slice) {
      const start = row.time - row.duration;
      writer.slice(ref, name, category, start, row.duration, row.task, row.text(), row.flows());
    } else if (row.kind === RowKind.begin) {
      pushRun(track, true, 1);
      writer.begin(ref, name, category, row.time, row.task, row.text(), row.flows());
    } else writer.instant(ref, name, category, row.time, row.task, row.text(), row.flows());
  }

  #end(track: ReplayedTrack): void {
    if (track.pending === undefined && track.runs === undefined) return;
    this.#use(track);
    if (this.#popRun(track)) this.#writer.end(track.ref!, this.#row.time, this.#row.text());
  }

  #release(track: ReplayedTrack): void {
    if (this.#row.time >= this.#from) this.#finish(track);
    if (track.ref !== undefined) this.#writer.release(track.ref);
    if (this.#row.isAsync) this.#async.delete(this.#row.track);
    else this.#lasting[this.#row.track] = undefined;
  }

  /** What is still open, or was not sampled again, after the last row. */
  #finish(track: ReplayedTrack): void {
    if (track.pending !== undefined || track.value !== undefined) this.#use(track);
  }

  /** The writer's number of the track, after all that stands before its next row is written. */
  #use(track: ReplayedTrack): TrackRef {
    const ref = track.ref ?? this.#declare(track);
    if (track.pending !== undefined) this.#beginPending(track, ref);
    if (track.value !== undefined) {
      this.#writer.counter(ref, this.#edge, track.value);
      this.#events++;
      track.value = undefined;
    }
    return ref;
  }

  #declare(track: ReplayedTrack): TrackRef {
    const writer = this.#writer;
    const { lasting } = track;
    let ref: TrackRef;
    if (lasting === undefined) {
      const { pid, label, id } = track.async!;
      const { texts, nameOf, categoryOf } = this.#names;
      const end = id.indexOf('\n');
      const [own, name] = end < 0 ? [id, texts[nameOf[label]!]!] : [id.slice(0, end), id.slice(end + 1)];
      ref = writer.asyncTrack(pid, texts[categoryOf[label]!]!, own, name);
    } else {
      const { kind, pid, tid, name, sortIndex, unit } = lasting;
      if (kind === 'process') ref = writer.process(pid, name, sortIndex);
      else if (kind === 'thread') ref = writer.thread(pid, tid, name, sortIndex);
      else ref = writer.counterTrack(pid, name, unit);
      for (const [fact, args] of lasting.metadata) {
        writer.metadata(ref, fact, fact === MetadataName.recording ? (this.#recording ?? args) : args);
      }
    }
    track.ref = ref;
    return ref;
  }

  #beginPending(track: ReplayedTrack, ref: TrackRef): void {
    const outermostFirst: Open[] = [];
    for (let open = track.pending; open !== undefined; open = open.below) outermostFirst.push(open);
    outermostFirst.reverse();
    track.pending = undefined;
    for (const open of outermostFirst) {
      if (open.kind === 'forgotten') {
        pushRun(track, false, open.count);
        continue;
      }
      const { label, start, task, args, flows } = open;
      const name = this.#string(this.#names.nameOf[label]!);
      const category = this.#string(this.#names.categoryOf[label]!);
      pushRun(track, true, 1);
      this.#writer.begin(ref, name, category, start, task, args, flows);
      this.#events++;
    }
  }

  /** Takes the innermost slice off; whether it is in the file. */
  #popRun(track: ReplayedTrack): boolean {
    const { runs } = track;
    if (runs === undefined) return false;
    if (--runs.count === 0) track.runs = runs.below;
    return runs.isWritten;
  }

  #mark({ time, name, category, args, track: number }: FlightMark): void {
    const { tracks } = this.#names;
    const isThread = number !== undefined && tracks[number]?.kind === 'thread';
    const place = isThread ? number : tracks.findIndex((own) => own?.kind === 'process');
    if (place < 0) return;
    const ref = this.#use(this.#lastingTrack(place));
    this.#writer.instant(ref, this.#writer.string(name), this.#writer.string(category), time, 0, args);
    this.#events++;
  }

  #lastingTrack(number: number): ReplayedTrack {
    let track = this.#lasting[number];
    if (track === undefined) {
      track = newTrack(this.#names.tracks[number], undefined, undefined);
      this.#lasting[number] = track;
    }
    return track;
  }

  #string(own: StringRef): StringRef {
    let ref = this.#strings[own]!;
    if (ref < 0) {
      ref = this.#writer.string(this.#names.texts[own]!);
      this.#strings[own] = ref;
    }
    return ref;
  }
}

function newTrack(
  lasting: ReplayedTrack['lasting'],
  async: ReplayedTrack['async'],
  pending: Open | undefined,
): ReplayedTrack {
  return { lasting, async, ref: undefined, pending, runs: undefined, value: undefined };
}

function pushRun(track: ReplayedTrack, isWritten: boolean, count: number): void {
  const { runs } = track;
  if (runs?.isWritten === isWritten) runs.count += count;
  else track.runs = { below: runs, isWritten, count };
}
