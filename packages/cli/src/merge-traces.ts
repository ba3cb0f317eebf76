/**
 * Joins traces of several processes of one machine into one trace: each keeps its tracks, its times stay on the clock that
 * all have in common, its arrows stay its own, and an arrow more goes from where a child process was started to its start.
 *
 * What the recorder writes for that is `ProcessSlice` of the vocabulary. Facts about the recording are those of the first trace that states them.
 */
import { Category, EventKind, ProcessSlice, type Trace, TraceBuilder } from '@ttrace/format';

/** Puts traces together, one at a time, so that only one of them need be in memory beside the result. */
export interface TraceMerger {
  /** Adds all of a trace. Its clock must be that of the others: `process.hrtime` is, on one machine. */
  add(trace: Trace): void;
  /** The traces together. Nothing may be added after. */
  finish(): Trace;
}

/** Begins with nothing; the first trace that is added says what the result says about itself. */
export function createTraceMerger(): TraceMerger {
  return new Merger();
}

/** A place in the result at which a process was started, or starts. */
interface ProcessEnd {
  readonly pid: number;
  /** Of a start: the process that did it, as the system says. */
  readonly parentPid: number;
  readonly track: number;
  readonly time: number;
}

/** Distance between the numbers that processes and threads get whose own are taken: above those that systems give. */
const NUMBER_STEP = 1 << 22;

class Merger implements TraceMerger {
  readonly #builder = new TraceBuilder();
  readonly #pids = new Set<number>();
  readonly #spawns: ProcessEnd[] = [];
  readonly #starts: ProcessEnd[] = [];
  #format: Trace['format'] = 'json';
  #count = 0;
  #bytesRead = 0;
  /** The last number that is taken by a flow. */
  #lastFlow = 0;

  add(trace: Trace): void {
    if (this.#count++ === 0) this.#format = trace.format;
    const builder = this.#builder;
    this.#bytesRead += trace.bytesRead;
    builder.clock ??= trace.clock;
    for (const [name, text] of trace.metadata) {
      if (!builder.metadata.has(name)) builder.metadata.set(name, text);
    }
    for (const [reason, count] of trace.skipped) {
      builder.skipped.set(reason, (builder.skipped.get(reason) ?? 0) + count);
    }
    const tracks = this.#addTracks(trace);
    if (trace.length > 0) this.#addRows(trace, tracks);
  }

  finish(): Trace {
    this.#connect();
    return this.#builder.finish(this.#format, this.#bytesRead);
  }

  /** Declares the trace's processes and tracks; returns the numbers that its tracks have in the result. */
  #addTracks(trace: Trace): Uint32Array {
    const shifts = new Map<number, number>();
    for (const { pid, name, sortIndex } of trace.processes) {
      let shift = 0;
      // A number that the system has given again, or processes of different containers.
      while (this.#pids.has(pid + shift)) shift += NUMBER_STEP;
      shifts.set(pid, shift);
      const process = this.#builder.process(pid + shift);
      process.name = name;
      process.sortIndex = sortIndex;
    }
    for (const [pid, shift] of shifts) this.#pids.add(pid + shift);
    return Uint32Array.from(trace.tracks, (from) => {
      const shift = shifts.get(from.pid) ?? 0;
      const index = this.#trackLike(from, from.pid + shift, shift);
      const to = this.#builder.tracks[index];
      // Past the builder's limit many share one track, which has its own name.
      if (to !== undefined && to.kind === from.kind && to.pid === from.pid + shift) {
        to.name = from.name;
        to.unit = from.unit;
        to.sortIndex = from.sortIndex;
        to.dropped = from.dropped;
      }
      return index;
    });
  }

  #trackLike({ kind, tid, category, id, name }: Trace['tracks'][number], pid: number, shift: number): number {
    switch (kind) {
      case 'process':
        return this.#builder.processTrack(pid);
      case 'thread':
        return this.#builder.threadTrack(pid, tid + shift);
      case 'async':
        return this.#builder.asyncTrack(pid, category, id, name);
      case 'counter':
        return this.#builder.counterTrack(pid, name, id);
    }
  }

  #addRows(trace: Trace, tracks: Uint32Array): void {
    const builder = this.#builder;
    const { kind, start, value, name, category, track, args } = trace.columns;
    const shift = builder.relative(Number(trace.origin / 1000n), Number(trace.origin % 1000n));
    const strings = new Int32Array(trace.strings.size).fill(-1);
    const string = (id: number): number => {
      if (strings[id]! < 0) strings[id] = builder.strings.intern(trace.strings.text(id));
      return strings[id]!;
    };
    const flows = this.#lastFlow;
    const processCategory = trace.strings.find(Category.process);
    for (let row = 0; row < trace.length; row++) {
      const time = start[row]! + shift;
      const to = tracks[track[row]!]!;
      const label = string(name[row]!);
      const scope = string(category[row]!);
      switch (kind[row]) {
        case EventKind.slice:
          if (value[row]! < 0) builder.unfinished(to, label, scope, time, string(args[row]!));
          else builder.slice(to, label, scope, time, value[row]!, string(args[row]!));
          if (category[row] === processCategory) this.#noteProcess(trace, row, to, time);
          break;
        case EventKind.instant:
          builder.instant(to, label, scope, time, string(args[row]!));
          break;
        case EventKind.counter:
          builder.counter(to, label, time, value[row]!);
          break;
        default:
          this.#lastFlow = Math.max(this.#lastFlow, flows + value[row]!);
          builder.flowEvent(kind[row] as 3 | 4 | 5, to, label, scope, time, flows + value[row]!);
      }
    }
  }

  /** Remembers the two kinds of slices that arrows between processes go from and to. */
  #noteProcess({ columns, strings, tracks }: Trace, row: number, to: number, time: number): void {
    const name = strings.text(columns.name[row]!);
    if (name !== ProcessSlice.spawn && name !== ProcessSlice.start) return;
    const { pid, parentPid } = numbersIn(strings.text(columns.args[row]!));
    if (name === ProcessSlice.spawn) this.#spawns.push({ pid, parentPid: 0, track: to, time });
    else this.#starts.push({ pid: tracks[columns.track[row]!]!.pid, parentPid, track: to, time });
  }

  /** Ties each start to the last spawn before it, of the process itself or of the shell that it came from. */
  #connect(): void {
    const spawns = new Map<number, ProcessEnd[]>();
    for (const spawn of this.#spawns) {
      const list = spawns.get(spawn.pid);
      if (list === undefined) spawns.set(spawn.pid, [spawn]);
      else list.push(spawn);
    }
    const name = this.#builder.strings.intern(ProcessSlice.start);
    const category = this.#builder.strings.intern(Category.process);
    for (const start of this.#starts) {
      const from =
        lastBefore(spawns.get(start.pid), start.time) ?? lastBefore(spawns.get(start.parentPid), start.time);
      if (from === undefined) continue;
      const flow = ++this.#lastFlow;
      this.#builder.flowEvent(EventKind.flowOut, from.track, name, category, from.time, flow);
      this.#builder.flowEvent(EventKind.flowIn, start.track, name, category, start.time, flow);
    }
  }
}

function lastBefore(ends: readonly ProcessEnd[] | undefined, time: number): ProcessEnd | undefined {
  let last: ProcessEnd | undefined;
  for (const end of ends ?? [])
    if (end.time <= time && (last === undefined || end.time > last.time)) last = end;
  return last;
}

/** The two numbers in a slice's arguments, which any program may have written; -1 where there is none. */
function numbersIn(args: string): { pid: number; parentPid: number } {
  let value: unknown;
  try {
    value = JSON.parse(args);
  } catch {
    value = undefined;
  }
  const { pid, parentPid } = (value ?? {}) as { pid?: unknown; parentPid?: unknown };
  return {
    pid: typeof pid === 'number' ? pid : -1,
    parentPid: typeof parentPid === 'number' ? parentPid : -1,
  };
}
