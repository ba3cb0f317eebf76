/**
 * Builds a Trace from events in any order, as any reader finds them. Owns: growing columns, the table of tracks, pairing
 * begins with ends (sorting a track first where its file was out of order), the origin of time.
 *
 * Times that go in are nanoseconds since the origin, which `relative` computes; the first call fixes the origin.
 */
import { StringTable } from './strings.ts';
import { type ClockSnapshot, EventKind, type Process, type Trace, type Track } from './trace.ts';
import type { TraceFormatError } from './trace-format-error.ts';
import { OTHER_NAME } from './vocabulary.ts';

/** Kinds that exist only while building: they become slices in `finish`. */
const BEGIN = 6;
const END = 7;

/** Bounds of the tables beside the columns, whose entries are JS objects. */
export interface BuilderLimits {
  /** Most tracks, and most processes; past it new ones share one track called `(other)`. Default 4 million. */
  readonly maxTracks?: number;
  /** Most flows; past it `flow` returns 0. Default 8 million: a Map of strings ends at 16 million entries. */
  readonly maxFlows?: number;
}

export class TraceBuilder {
  readonly strings: StringTable = new StringTable();
  readonly tracks: Track[] = [];
  readonly processes: Process[] = [];
  readonly metadata: Map<string, string> = new Map();
  readonly skipped: Map<string, number> = new Map();
  clock: ClockSnapshot | undefined;

  #length = 0;
  #capacity = 0;
  #kind = new Uint8Array(0);
  #start = new Float64Array(0);
  #value = new Float64Array(0);
  #name = new Uint32Array(0);
  #category = new Uint32Array(0);
  #track = new Uint32Array(0);
  #args = new Uint32Array(0);

  readonly #maxTracks: number;
  readonly #maxFlows: number;
  /** The track that stands for all past the limit; -1 = none yet. */
  #otherTrack = -1;
  #originMicros = Number.NaN;
  #trackIds = new Map<string, number>();
  #threadIds = new Map<number, Map<number, number>>();
  #processIds = new Map<number, Process>();
  #flowIds = new Map<string, number>();
  /** Whether there are begins or ends to pair. */
  #hasPairs = false;

  constructor({ maxTracks = 4 << 20, maxFlows = 8 << 20 }: BuilderLimits = {}) {
    this.#maxTracks = maxTracks;
    this.#maxFlows = maxFlows;
  }

  /** Rows so far; a begin and its end count as two until `finish`. */
  get length(): number {
    return this.#length;
  }

  /** Nanoseconds since the origin of an absolute time given as whole microseconds and nanoseconds (may exceed 999). */
  relative(micros: number, nanos: number): number {
    if (Number.isNaN(this.#originMicros)) this.#originMicros = micros;
    return (micros - this.#originMicros) * 1000 + nanos;
  }

  process(pid: number): Process {
    let process = this.#processIds.get(pid);
    if (process === undefined) {
      process = { pid, name: '', sortIndex: 0 };
      if (this.processes.length >= this.#maxTracks) return process;
      this.#processIds.set(pid, process);
      this.processes.push(process);
    }
    return process;
  }

  /** The track of a process itself, for events that belong to no thread. */
  processTrack(pid: number): number {
    return this.#find(`p ${pid}`, 'process', pid, 0, '', '', '');
  }

  threadTrack(pid: number, tid: number): number {
    // hot: once per event while reading JSON; two integer maps are faster than one string key.
    const known = this.#threadIds.get(pid)?.get(tid);
    if (known !== undefined) return known;
    if (this.tracks.length >= this.#maxTracks) return this.#other();
    const threads = this.#threadIds.get(pid) ?? new Map<number, number>();
    this.#threadIds.set(pid, threads);
    const track = this.#add('thread', pid, tid, '', '', '');
    threads.set(tid, track);
    return track;
  }

  asyncTrack(pid: number, category: string, id: string, name: string): number {
    return this.#find(`a ${pid} ${category} ${id}`, 'async', pid, 0, id, category, name);
  }

  counterTrack(pid: number, name: string, id: string): number {
    return this.#find(`c ${pid} ${name} ${id}`, 'counter', pid, 0, id, '', name);
  }

  /** The number of a flow that a file calls `key`; 0 past the limit. */
  flow(key: string): number {
    let flow = this.#flowIds.get(key);
    if (flow === undefined) {
      if (this.#flowIds.size >= this.#maxFlows) return 0;
      flow = this.#flowIds.size + 1;
      this.#flowIds.set(key, flow);
    }
    return flow;
  }

  slice(track: number, name: number, category: number, start: number, duration: number, args: number): void {
    this.#push(EventKind.slice, track, name, category, start, Math.max(0, duration), args);
  }

  /** A slice that never ended, on a track whose begins and ends it has no part in. */
  unfinished(track: number, name: number, category: number, start: number, args: number): void {
    this.#push(EventKind.slice, track, name, category, start, -1, args);
  }

  begin(track: number, name: number, category: number, start: number, args: number): void {
    this.#hasPairs = true;
    this.#push(BEGIN, track, name, category, start, -1, args);
  }

  /** @param args are added to those of the begin; of an argument that both have the end's value counts. */
  end(track: number, time: number, args: number): void {
    this.#hasPairs = true;
    this.#push(END, track, 0, 0, time, 0, args);
  }

  instant(track: number, name: number, category: number, time: number, args: number): void {
    this.#push(EventKind.instant, track, name, category, time, 0, args);
  }

  counter(track: number, name: number, time: number, value: number): void {
    this.#push(EventKind.counter, track, name, 0, time, value, 0);
  }

  flowEvent(
    kind: 3 | 4 | 5,
    track: number,
    name: number,
    category: number,
    time: number,
    flow: number,
  ): void {
    this.#push(kind, track, name, category, time, flow, 0);
  }

  /** String id of the arguments of a row that was added; rows move in `finish`. */
  argsAt(row: number): number {
    return this.#args[row] ?? 0;
  }

  /** Replaces the arguments of a row that was added. */
  setArgs(row: number, args: number): void {
    if (row < this.#length) this.#args[row] = args;
  }

  /** Counts something that has no place in the columns. Reasons are few: at most 1000 are told apart. */
  skip(reason: string): void {
    const known = this.skipped.get(reason);
    const key = known === undefined && this.skipped.size >= 1000 ? 'other' : reason;
    this.skipped.set(key, (this.skipped.get(key) ?? 0) + 1);
  }

  finish(format: Trace['format'], bytesRead: number, error?: TraceFormatError): Trace {
    this.#pair();
    const n = this.#length;
    // Without events the moment of the recording is known all the same.
    const origin = Number.isNaN(this.#originMicros)
      ? (this.clock?.monotonicNanos ?? 0n)
      : BigInt(Math.trunc(this.#originMicros)) * 1000n;
    return {
      format,
      length: n,
      columns: {
        kind: this.#kind.subarray(0, n),
        start: this.#start.subarray(0, n),
        value: this.#value.subarray(0, n),
        name: this.#name.subarray(0, n),
        category: this.#category.subarray(0, n),
        track: this.#track.subarray(0, n),
        args: this.#args.subarray(0, n),
      },
      strings: this.strings,
      tracks: this.tracks,
      processes: this.processes,
      origin,
      clock: this.clock,
      metadata: this.metadata,
      skipped: this.skipped,
      error,
      bytesRead,
    };
  }

  #find(
    key: string,
    kind: Track['kind'],
    pid: number,
    tid: number,
    id: string,
    category: string,
    name: string,
  ): number {
    let track = this.#trackIds.get(key);
    if (track === undefined) {
      if (this.tracks.length >= this.#maxTracks) return this.#other();
      track = this.#add(kind, pid, tid, id, category, name);
      this.#trackIds.set(key, track);
    }
    return track;
  }

  #other(): number {
    this.skip('track past the limit');
    if (this.#otherTrack < 0) this.#otherTrack = this.#add('async', 0, 0, '', '', OTHER_NAME);
    return this.#otherTrack;
  }

  #add(kind: Track['kind'], pid: number, tid: number, id: string, category: string, name: string): number {
    this.process(pid);
    this.tracks.push({ kind, name, pid, tid, id, category, unit: '', sortIndex: 0, dropped: 0 });
    return this.tracks.length - 1;
  }

  #push(
    kind: number,
    track: number,
    name: number,
    category: number,
    start: number,
    value: number,
    args: number,
  ): void {
    const row = this.#length++;
    if (row === this.#capacity) this.#grow();
    this.#kind[row] = kind;
    this.#start[row] = start;
    this.#value[row] = value;
    this.#name[row] = name;
    this.#category[row] = category;
    this.#track[row] = track;
    this.#args[row] = args;
  }

  #grow(): void {
    // One column at a time, so that at most one of them exists twice. Fresh pages cost nothing until they are written.
    const capacity = Math.max(1 << 12, this.#capacity * 2);
    const copy = <T extends { set(from: T): void }>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.#kind = copy(new Uint8Array(capacity), this.#kind);
    this.#start = copy(new Float64Array(capacity), this.#start);
    this.#value = copy(new Float64Array(capacity), this.#value);
    this.#name = copy(new Uint32Array(capacity), this.#name);
    this.#category = copy(new Uint32Array(capacity), this.#category);
    this.#track = copy(new Uint32Array(capacity), this.#track);
    this.#args = copy(new Uint32Array(capacity), this.#args);
    this.#capacity = capacity;
  }

  /** Turns begins and ends into slices, and takes the rows of ends out. */
  #pair(): void {
    if (!this.#hasPairs) return;
    // Rows by track, in one array: a list for each of 4 million tracks took 1.8 GB more.
    const ends = new Uint32Array(this.tracks.length + 1);
    for (let row = 0; row < this.#length; row++) {
      if (this.#kind[row]! >= BEGIN) ends[this.#track[row]! + 1]!++;
    }
    for (let track = 1; track < ends.length; track++) ends[track]! += ends[track - 1]!;
    const rows = new Uint32Array(ends[this.tracks.length]!);
    for (let row = 0; row < this.#length; row++) {
      if (this.#kind[row]! >= BEGIN) rows[ends[this.#track[row]!]!++] = row;
    }
    // `ends` has moved on by one track: it now says where each one ends.
    for (let track = 0, from = 0; track < this.tracks.length; from = ends[track++]!) {
      if (ends[track]! > from) this.#pairTrack(rows.subarray(from, ends[track]!));
    }
    this.#hasPairs = false;
    this.#compact();
  }

  #pairTrack(rows: Uint32Array): void {
    const start = this.#start;
    // Ties keep the file's order: compare rows too.
    const isSorted = rows.every((row, i) => i === 0 || start[row]! >= start[rows[i - 1]!]!);
    if (!isSorted) rows.sort((a, b) => start[a]! - start[b]! || a - b);
    const open: number[] = [];
    for (const row of rows) {
      if (this.#kind[row] === BEGIN) {
        open.push(row);
        continue;
      }
      const begin = open.pop();
      if (begin === undefined) this.skip('end without begin');
      else {
        this.#value[begin] = this.#start[row]! - this.#start[begin]!;
        this.#args[begin] = this.#joinedArgs(this.#args[begin]!, this.#args[row]!);
      }
    }
  }

  #joinedArgs(first: number, second: number): number {
    if (first === 0 || second === 0 || first === second) return first === 0 ? second : first;
    const one = this.strings.text(first);
    const two = this.strings.text(second);
    if (one.length <= 2 || two.length <= 2) return one.length <= 2 ? second : first;
    return this.strings.intern(`${one.slice(0, -1)},${two.slice(1)}`);
  }

  #compact(): void {
    let to = 0;
    for (let row = 0; row < this.#length; row++) {
      const kind = this.#kind[row]!;
      if (kind === END) continue;
      this.#kind[to] = kind === BEGIN ? EventKind.slice : kind;
      this.#start[to] = this.#start[row]!;
      this.#value[to] = this.#value[row]!;
      this.#name[to] = this.#name[row]!;
      this.#category[to] = this.#category[row]!;
      this.#track[to] = this.#track[row]!;
      this.#args[to] = this.#args[row]!;
      to++;
    }
    this.#length = to;
  }
}
