/**
 * Replays a trace in memory into any writer, track by track, each track in order of time and parents before children.
 *
 * What the columns allow and the formats do not is mended here, and only here: slices of one track that overlap without one
 * containing the other go to a track of their own; an unfinished slice inside a finished one ends with it; an arrow's end
 * is tied to the slice that encloses it, or to an instant where there is none.
 */

import { rowsInOrder, type TrackRows } from './row-order.ts';
import { EventKind, type Trace, type Track } from './trace.ts';
import type { Flow, StringRef, TraceWriter, TrackRef } from './trace-writer.ts';
import { Argument, MetadataName } from './vocabulary.ts';

export interface WriteTraceOptions {
  /** Nanoseconds added to every time, for no time of a writer may be negative. Default 0. */
  readonly shift?: number;
  /** Gives threads of different processes that share a tid different ones, for readers that tell threads apart by tid alone. */
  readonly uniqueThreadIds?: boolean;
}

/** Rows between two pauses of `writeTraceSteps`: some milliseconds. */
const STEP_ROWS = 50_000;

/** Writes the whole trace and finishes the writer. The writer's origin should be that of the trace. */
export function writeTrace(trace: Trace, writer: TraceWriter, options: WriteTraceOptions = {}): void {
  for (const _ of writeTraceSteps(trace, writer, options));
}

/** The same in steps of some milliseconds, for servers that must answer others in between. Yields rows written so far. */
export function* writeTraceSteps(
  trace: Trace,
  writer: TraceWriter,
  options: WriteTraceOptions = {},
): Generator<number> {
  const rows = rowsInOrder(trace);
  const replay = new Replay(trace, writer, rows, options.shift ?? 0);
  replay.declare(options.uniqueThreadIds === true);
  let written = 0;
  for (let track = 0; track < trace.tracks.length; track++) {
    for (const count of replay.track(track)) {
      written += count;
      yield written;
    }
  }
  writer.finish();
}

class Replay {
  readonly #trace: Trace;
  readonly #writer: TraceWriter;
  readonly #rows: TrackRows;
  readonly #shift: number;
  readonly #strings: Int32Array;
  readonly #tasks = new Map<number, { task: number; rest: string }>();
  readonly #refs: TrackRef[] = [];
  #overlaps = 0;

  constructor(trace: Trace, writer: TraceWriter, rows: TrackRows, shift: number) {
    this.#trace = trace;
    this.#writer = writer;
    this.#rows = rows;
    this.#shift = shift;
    this.#strings = new Int32Array(trace.strings.size).fill(-1);
  }

  declare(uniqueThreadIds: boolean): void {
    const { processes, tracks, metadata } = this.#trace;
    const processRefs = new Map<number, TrackRef>();
    for (const { pid, name, sortIndex } of processes) {
      processRefs.set(pid, this.#writer.process(pid, name, sortIndex === 0 ? undefined : sortIndex));
    }
    const [first] = processRefs.values();
    if (first !== undefined) {
      for (const [name, text] of metadata) {
        this.#writer.metadata(first, name, text.startsWith('{') ? text : `{"value":${text}}`);
      }
    }
    const usedThreadIds = new Set<number>();
    tracks.forEach((track, index) => {
      if (track.kind === 'process') this.#refs[index] = processRefs.get(track.pid)!;
      else if (track.kind === 'thread') {
        const tid = uniqueThreadIds ? unusedThreadId(track.tid, usedThreadIds) : track.tid;
        const sortIndex = track.sortIndex === 0 ? undefined : track.sortIndex;
        this.#refs[index] = this.#writer.thread(track.pid, tid, track.name, sortIndex);
        if (track.dropped > 0) {
          this.#writer.metadata(this.#refs[index], MetadataName.dropped, `{"dropped":${track.dropped}}`);
        }
      }
    });
  }

  /** Writes the rows of one track; yields how many in steps. */
  *track(index: number): Generator<number> {
    const from = this.#rows.offsets[index]!;
    const to = this.#rows.offsets[index + 1]!;
    if (from === to) return;
    const track = this.#trace.tracks[index]!;
    const isOwn = track.kind === 'async' || track.kind === 'counter';
    const ref = isOwn ? this.#declareOwn(track) : this.#refs[index]!;
    const flows = this.#rows.hasFlows(index) ? this.#bindFlows(from, to) : undefined;
    const ends: number[] = [];
    for (let at = from; at < to; at++) {
      this.#row(this.#rows.rows[at]!, track, ref, ends, flows);
      if ((at - from + 1) % STEP_ROWS === 0) yield STEP_ROWS;
    }
    if (track.kind === 'async') this.#writer.release(ref);
    yield (to - from) % STEP_ROWS;
  }

  #declareOwn(track: Track): TrackRef {
    return track.kind === 'async'
      ? this.#writer.asyncTrack(track.pid, track.category, track.id, track.name)
      : this.#writer.counterTrack(track.pid, track.name, track.unit === '' ? undefined : track.unit);
  }

  /** @param ends ends of the slices that are open at this point, outermost first. */
  #row(
    row: number,
    track: Track,
    ref: TrackRef,
    ends: number[],
    flows: Map<number, Flow[]> | undefined,
  ): void {
    // hot: one turn a row. Budget: 240 ns with the writer's share.
    const { kind, start, value, name, category, args } = this.#trace.columns;
    const time = start[row]!;
    const at = time + this.#shift;
    switch (kind[row]) {
      case EventKind.slice: {
        while (
          ends.length > 0 &&
          ends[ends.length - 1]! <= time &&
          ends[ends.length - 1]! < time + value[row]!
        ) {
          ends.pop();
        }
        const limit = ends.length > 0 ? ends[ends.length - 1]! : Infinity;
        const end = value[row]! < 0 ? limit : time + value[row]!;
        const { task, rest } = this.#arguments(args[row]!);
        const label = this.#string(name[row]!);
        const scope = this.#string(category[row]!);
        if (end > limit) this.#overlapping(track, label, scope, at, value[row]!, task, rest, flows?.get(row));
        else if (end === Infinity) {
          this.#writer.begin(ref, label, scope, at, task, rest, flows?.get(row));
          ends.push(end);
        } else {
          this.#writer.slice(ref, label, scope, at, end - time, task, rest, flows?.get(row));
          ends.push(end);
        }
        break;
      }
      case EventKind.instant: {
        const { task, rest } = this.#arguments(args[row]!);
        this.#writer.instant(ref, this.#string(name[row]!), this.#string(category[row]!), at, task, rest);
        break;
      }
      case EventKind.counter:
        this.#writer.counter(ref, at, value[row]!);
        break;
      default:
        // An end of an arrow that no slice encloses.
        if (flows?.has(row) === true) {
          const label = this.#string(name[row]!);
          this.#writer.instant(ref, label, this.#string(category[row]!), at, 0, '', flows.get(row));
        }
    }
  }

  #overlapping(
    track: Track,
    name: StringRef,
    category: StringRef,
    at: number,
    duration: number,
    task: number,
    rest: string,
    flows: Flow[] | undefined,
  ): void {
    const id = `overlap-${++this.#overlaps}`;
    const own = this.#writer.asyncTrack(track.pid, 'overlap', id, `${track.name} (overlapping)`);
    this.#writer.slice(own, name, category, at, duration, task, rest, flows);
    this.#writer.release(own);
  }

  /** The arrows' ends by the row of the slice that encloses them, or by their own row where there is none. */
  #bindFlows(from: number, to: number): Map<number, Flow[]> {
    const { kind, start, value } = this.#trace.columns;
    const bound = new Map<number, Flow[]>();
    const open: number[] = [];
    for (let at = from; at < to; at++) {
      const row = this.#rows.rows[at]!;
      const time = start[row]!;
      // A slice still encloses the moment of its end.
      while (open.length > 0 && endOf(value, start, open[open.length - 1]!) < time) open.pop();
      if (kind[row] === EventKind.slice) open.push(row);
      if (kind[row]! < EventKind.flowOut) continue;
      const target = open[open.length - 1] ?? row;
      const direction =
        kind[row] === EventKind.flowOut ? 'out' : kind[row] === EventKind.flowIn ? 'in' : 'step';
      const flow: Flow = { id: value[row]!, direction };
      const list = bound.get(target);
      if (list === undefined) bound.set(target, [flow]);
      else list.push(flow);
    }
    return bound;
  }

  #string(id: number): StringRef {
    let ref = this.#strings[id]!;
    if (ref < 0) {
      ref = this.#writer.string(this.#trace.strings.text(id));
      this.#strings[id] = ref;
    }
    return ref;
  }

  /** Arguments with the task apart, as writers take them. */
  #arguments(id: number): { task: number; rest: string } {
    if (id === 0) return NO_ARGUMENTS;
    const known = this.#tasks.get(id);
    if (known !== undefined) return known;
    const text = this.#trace.strings.text(id);
    const found = LEADING_TASK.exec(text);
    const task = found === null ? 0 : Number(found[1]);
    const split =
      found !== null && Number.isSafeInteger(task) && task > 0
        ? { task, rest: found[2] === '}' ? '' : `{${text.slice(found[0].length)}` }
        : { task: 0, rest: text };
    // Kept for the arguments that come again; those of one event each would only fill memory.
    if (this.#tasks.size < 100_000) this.#tasks.set(id, split);
    return split;
  }
}

const NO_ARGUMENTS = { task: 0, rest: '' };
const LEADING_TASK = new RegExp(`^\\{"${Argument.task}":(\\d+)([,}])`);

function endOf(value: Float64Array, start: Float64Array, row: number): number {
  return value[row]! < 0 ? Infinity : start[row]! + value[row]!;
}

function unusedThreadId(tid: number, used: Set<number>): number {
  let free = tid;
  while (used.has(free)) free += 1 << 22;
  used.add(free);
  return free;
}
