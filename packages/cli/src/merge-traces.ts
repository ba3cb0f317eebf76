/**
 * Joins traces into one: each recording keeps its tracks, its times stay on the clock that all have in common, its arrows stay
 * its own, and an arrow more goes from where a child process was started to its start.
 *
 * Traces of one recording, such as the parts of a split, share their tracks; processes of different ones that have the same
 * number do not. What the recorder writes for the arrows between processes is `ProcessSlice` of the vocabulary. Facts about a process
 * stay its own, those about the recording are those of the first trace that states them.
 */
import {
  Argument,
  Category,
  EventKind,
  MetadataName,
  ProcessSlice,
  type Trace,
  TraceBuilder,
} from '@ttrace/format';
import { type ArrowEnd, isPartFact, type PartFacts, partFacts } from './part-facts.ts';

/** Puts traces together, one at a time, so that only one of them need be in memory beside the result. */
export interface TraceMerger {
  /**
   * Adds all of a trace. Returns whether an earlier one was of the same recording and one of the two is no part of a split: what
   * both have is in the result twice.
   */
  add(trace: Trace, place?: TracePlace): boolean;
  /** The traces together. Nothing may be added after. */
  finish(): Trace;
}

/** Where a trace lies beside the others. */
export interface TracePlace {
  /** Nanoseconds from its clock to that of the first trace. `process.hrtime` is one clock on one machine. Default 0. */
  readonly shift: bigint;
  /** A number that traces of one machine share: processes of others are not theirs. Default 0. */
  readonly machine: number;
}

/** Begins with nothing; the first trace that is added says what the result says about itself. */
export function createTraceMerger(): TraceMerger {
  return new Merger();
}

/** A place in the result at which a process was started, or starts. */
interface ProcessEnd {
  readonly pid: number;
  readonly machine: number;
  readonly recording: Recording;
  /** Of a start: the process that did it, as the system says. */
  readonly parentPid: number;
  readonly track: number;
  readonly time: number;
}

/** What the traces of one recording have in common. */
interface Recording {
  /** Whether all of its traces so far, one at least, are parts of a split; undefined before the first. */
  isSplit: boolean | undefined;
  /** What is added to each number of a process, so that no other recording has it. */
  readonly shifts: Map<number, number>;
}

/** A trace that is being added. */
interface Source extends TracePlace {
  readonly trace: Trace;
  readonly recording: Recording;
  /** The numbers that its tracks have in the result. */
  readonly tracks: Uint32Array;
}

/** Names of facts about one process, which they name. */
const PROCESS_FACT = new RegExp(`^(${MetadataName.resource}|${MetadataName.resourceFacts}) (\\d+)$`);
/** Distance between the numbers that processes and threads get whose own are taken: above those that systems give. */
const NUMBER_STEP = 1 << 22;

class Merger implements TraceMerger {
  readonly #builder = new TraceBuilder();
  readonly #pids = new Set<number>();
  /** By what tells them apart, where there is something. */
  readonly #recordings = new Map<string, Recording>();
  /** Numbers of the arrows that lead from part to part. */
  readonly #arrows = new Map<string, number>();
  readonly #spawns: ProcessEnd[] = [];
  readonly #starts: ProcessEnd[] = [];
  #format: Trace['format'] = 'json';
  #count = 0;
  #bytesRead = 0;
  /** The last number that is taken by a flow. */
  #lastFlow = 0;

  add(trace: Trace, place: TracePlace = { shift: 0n, machine: 0 }): boolean {
    if (this.#count++ === 0) this.#format = trace.format;
    const builder = this.#builder;
    this.#bytesRead += trace.bytesRead;
    builder.clock ??= trace.clock;
    for (const [reason, count] of trace.skipped) {
      builder.skipped.set(reason, (builder.skipped.get(reason) ?? 0) + count);
    }
    const part = partFacts(trace);
    const recording = this.#recordingOf(trace, part);
    const tracks = this.#addTracks(trace, recording);
    this.#addFacts(trace, recording);
    if (trace.length > 0) this.#addRows({ ...place, trace, recording, tracks });
    if (part !== undefined) this.#addArrows(part, place.shift, recording);
    const { isSplit } = recording;
    recording.isSplit = isSplit !== false && (part !== undefined || trace.format === 'cpuprofile');
    return isSplit !== undefined && !recording.isSplit;
  }

  finish(): Trace {
    this.#connect();
    return this.#builder.finish(this.#format, this.#bytesRead);
  }

  /** The recording that a trace is of: one of its own, unless it says which. */
  #recordingOf(trace: Trace, part: PartFacts | undefined): Recording {
    const { metadata, clock } = trace;
    const isRecorded = metadata.has(MetadataName.recording) && clock !== undefined;
    // No two recordings begin in the same nanosecond of one clock.
    const key = isRecorded
      ? `${clock.monotonicNanos} ${clock.wallMillis}`
      : (part?.recording ?? this.#profiledProcess(trace));
    const recording = (key === undefined ? undefined : this.#recordings.get(key)) ?? {
      isSplit: undefined,
      shifts: new Map(),
    };
    if (key !== undefined) this.#recordings.set(key, recording);
    return recording;
  }

  /** Node.js writes a CPU profile a thread: what tells those of one process from others, undefined where nothing does. */
  #profiledProcess({ format, tracks }: Trace): string | undefined {
    const thread = tracks.find(({ kind }) => kind === 'thread');
    if (format !== 'cpuprofile' || thread === undefined || thread.name === '') return undefined;
    const isThere = this.#builder.tracks.some(
      ({ kind, pid, tid }) => kind === 'thread' && pid === thread.pid && tid === thread.tid,
    );
    return isThere ? undefined : `CPU profiles of ${thread.pid}`;
  }

  /** Declares the trace's processes and tracks; returns the numbers that its tracks have in the result. */
  #addTracks(trace: Trace, { shifts }: Recording): Uint32Array {
    const own = new Set(trace.processes.map(({ pid }) => pid));
    for (const { pid, name, sortIndex } of trace.processes) {
      let shift = shifts.get(pid) ?? 0;
      // A number that the system has given again, or processes of different machines.
      const isTaken = (number: number): boolean =>
        this.#pids.has(number) || (number !== pid && own.has(number));
      while (!shifts.has(pid) && isTaken(pid + shift)) shift += NUMBER_STEP;
      shifts.set(pid, shift);
      this.#pids.add(pid + shift);
      const process = this.#builder.process(pid + shift);
      process.name ||= name;
      process.sortIndex ||= sortIndex;
    }
    return Uint32Array.from(trace.tracks, (from) => {
      const shift = shifts.get(from.pid) ?? 0;
      const index = this.#trackLike(from, from.pid + shift, shift);
      const to = this.#builder.tracks[index];
      // Past the builder's limit many share one track, which has its own name.
      if (to !== undefined && to.kind === from.kind && to.pid === from.pid + shift) {
        to.name ||= from.name;
        to.unit ||= from.unit;
        to.sortIndex ||= from.sortIndex;
        // Every part says what the whole recording dropped.
        to.dropped = Math.max(to.dropped, from.dropped);
      }
      return index;
    });
  }

  /** What is known of a process goes with it, whatever number it gets. */
  #addFacts({ metadata }: Trace, { shifts }: Recording): void {
    const facts = this.#builder.metadata;
    for (const [name, text] of metadata) {
      const [, about, pid] = PROCESS_FACT.exec(name) ?? [];
      const own = about === undefined ? name : `${about} ${Number(pid) + (shifts.get(Number(pid)) ?? 0)}`;
      if (!isPartFact(name) && !facts.has(own)) facts.set(own, text);
    }
  }

  #trackLike({ kind, tid, category, id, name }: ArrowEnd['track'], pid: number, shift: number): number {
    switch (kind) {
      case 'process':
        return this.#builder.processTrack(pid);
      case 'thread':
        return this.#builder.threadTrack(pid, tid + shift);
      case 'async':
        return this.#builder.asyncTrack(pid, category, laneId(category, id, shift), name);
      case 'counter':
        return this.#builder.counterTrack(pid, name, id);
    }
  }

  #addRows(source: Source): void {
    const { trace, tracks, recording } = source;
    const origin = trace.origin + source.shift;
    const builder = this.#builder;
    const { kind, start, value, name, category, track, args } = trace.columns;
    const shift = builder.relative(Number(origin / 1000n), Number(origin % 1000n));
    const strings = new Int32Array(trace.strings.size).fill(-1);
    const string = (id: number): number => {
      if (strings[id]! < 0) strings[id] = builder.strings.intern(trace.strings.text(id));
      return strings[id]!;
    };
    const lanes = movedLanes(trace, recording);
    const argsOf = (row: number): number => {
      const moved = lanes[track[row]!]!;
      const id = args[row]!;
      return moved === 0 || id === 0
        ? string(id)
        : builder.strings.intern(withMovedTid(trace.strings.text(id), moved));
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
          if (value[row]! < 0) builder.unfinished(to, label, scope, time, argsOf(row));
          else builder.slice(to, label, scope, time, value[row]!, argsOf(row));
          if (category[row] === processCategory) this.#noteProcess(source, row, to, time);
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

  /** Adds the ends of arrows that lead from part to part. */
  #addArrows({ ends }: PartFacts, by: bigint, { shifts }: Recording): void {
    const builder = this.#builder;
    for (const { kind, arrow, track, name, category, micros, nanos } of ends) {
      const shift = shifts.get(track.pid) ?? 0;
      const place = this.#trackLike(track, track.pid + shift, shift);
      const flow = this.#arrows.get(arrow) ?? ++this.#lastFlow;
      this.#arrows.set(arrow, flow);
      const time = builder.relative(micros + Number(by / 1000n), nanos + Number(by % 1000n));
      builder.flowEvent(
        kind,
        place,
        builder.strings.intern(name),
        builder.strings.intern(category),
        time,
        flow,
      );
    }
  }

  /** Remembers the two kinds of slices that arrows between processes go from and to. */
  #noteProcess({ trace, machine, recording }: Source, row: number, to: number, time: number): void {
    const { columns, strings } = trace;
    const name = strings.text(columns.name[row]!);
    if (name !== ProcessSlice.spawn && name !== ProcessSlice.start) return;
    const { pid, parentPid } = numbersIn(strings.text(columns.args[row]!));
    const end = { machine, recording, track: to, time };
    if (name === ProcessSlice.spawn) this.#spawns.push({ ...end, pid, parentPid: 0 });
    else this.#starts.push({ ...end, pid: trace.tracks[columns.track[row]!]!.pid, parentPid });
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
      const from = lastBefore(spawns.get(start.pid), start) ?? lastBefore(spawns.get(start.parentPid), start);
      if (from === undefined) continue;
      const flow = ++this.#lastFlow;
      this.#builder.flowEvent(EventKind.flowOut, from.track, name, category, from.time, flow);
      this.#builder.flowEvent(EventKind.flowIn, start.track, name, category, start.time, flow);
    }
  }
}

function lastBefore(
  ends: readonly ProcessEnd[] | undefined,
  { time, machine, recording }: ProcessEnd,
): ProcessEnd | undefined {
  let last: ProcessEnd | undefined;
  for (const end of ends ?? []) {
    // A recording of several processes has its own arrows already.
    if (end.time > time || end.machine !== machine || end.recording === recording) continue;
    if (last === undefined || end.time > last.time) last = end;
  }
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

/** Lanes of a thread bear its tid, which may have moved. */
function laneId(category: string, id: string, shift: number): string {
  const isThreads = category === Category.loop || category === Category.sample;
  return isThreads && shift > 0 ? `0x${(Number.parseInt(id, 16) + shift).toString(16)}` : id;
}

/** By track, how far the tids have moved that arguments of its slices name: those of waits and holds, which lie on rows of no thread. */
function movedLanes({ tracks }: Trace, { shifts }: Recording): readonly number[] {
  return tracks.map(({ kind, pid, category }) =>
    kind === 'async' && (category === '' || category === Category.wait || category === Category.region)
      ? (shifts.get(pid) ?? 0)
      : 0,
  );
}

const TID = new RegExp(`("${Argument.tid}": *)(\\d+)(?=[,} ])`);

function withMovedTid(args: string, shift: number): string {
  return args.replace(TID, (_, before: string, tid: string) => `${before}${Number(tid) + shift}`);
}
