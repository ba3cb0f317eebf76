/**
 * From when to when each thread lived, as far as the trace covers it. A thread with next to nothing to do leaves no event on its own tracks:
 * of ours its counters tell, of a worker the slice of its life on the thread that made it, and main lives as long as its process.
 *
 * A cut trace has slices that reach beyond what it covers, among them lives, and the sample before of each counter: what it covers of a process
 * is from the first moment at which anything ended, or a counter was read again, to the last at which anything began or was read.
 */
import { EventKind, MetadataName, type Trace, type Track } from '@ttrace/format';

/** In nanoseconds since the origin; all 0 for a thread of which the trace has nothing. */
export interface ThreadLife {
  readonly start: number;
  readonly end: number;
  /** Until then a worker starts: Node.js runs in it, of which nothing is recorded. `start` where that is not known. */
  readonly startedAt: number;
}

interface Stretch {
  start: number;
  end: number;
}

/** What tells of a worker's life beside its own events. */
interface Worker extends Stretch {
  /** When it said that it runs; Infinity where that is not in the trace. */
  online: number;
}

/** Counters that the recorder has of each thread, behind the thread's name. */
const COUNTERS = ['loop utilization', 'heap used'];

/** An event of the category `worker`: a worker's life, or that it runs. */
export interface WorkerEvent {
  readonly row: number;
  readonly threadId: unknown;
}

/** Tells the lives of threads by their tracks: the thread's own, then those of its loop and its samples. */
export function threadLives(
  trace: Trace,
  workerEvents: readonly WorkerEvent[],
): (tracks: readonly number[]) => ThreadLife {
  const { own, covered } = extents(trace);
  const processes = joined(covered, trace.tracks);
  const workers = workersOf(trace, workerEvents, processes);
  const counters = new Map(
    trace.tracks.flatMap(({ kind, pid, name }, at) => (kind === 'counter' ? [[`${pid} ${name}`, at]] : [])),
  );
  const isOurs = trace.metadata.has(MetadataName.recording);
  return (tracks) => {
    const { pid, tid, name, sortIndex } = trace.tracks[tracks[0]!]!;
    const ofCounters = COUNTERS.map((counter) => counters.get(`${pid} ${name} ${counter}`) ?? -1);
    const events = unionOf([
      ...tracks.map((at) => own[at]!),
      ...ofCounters.flatMap((at) => (at < 0 ? [] : covered[at]!)),
    ]);
    const worker = workers.get(`${pid} ${sortIndex}`);
    const isMain = isOurs && tid === pid && name === 'main';
    const { start, end } = unionOf([
      events,
      ...(worker === undefined ? [] : [worker]),
      ...(isMain ? [processes.get(pid)!] : []),
    ]);
    if (!(start <= end)) return { start: 0, end: 0, startedAt: 0 };
    const isStartKnown = worker !== undefined && worker.online < Infinity;
    return { start, end, startedAt: isStartKnown ? Math.min(worker.online, events.start) : start };
  };
}

/** By track: first begin and last end, and what of the time the track is sure to cover. */
function extents({ columns, length, tracks }: Trace): {
  own: readonly Stretch[];
  covered: readonly Stretch[];
} {
  // hot: once a row.
  const { kind, start, value, track } = columns;
  const first = new Float64Array(tracks.length).fill(Infinity);
  const last = new Float64Array(tracks.length).fill(-Infinity);
  const firstSure = new Float64Array(tracks.length).fill(Infinity);
  const lastSure = new Float64Array(tracks.length).fill(-Infinity);
  for (let row = 0; row < length; row++) {
    const at = track[row]!;
    const begin = start[row]!;
    const isSlice = kind[row] === EventKind.slice;
    const end = isSlice && value[row]! > 0 ? begin + value[row]! : begin;
    if (kind[row] === EventKind.counter)
      firstSure[at] = Math.min(firstSure[at]!, Math.max(begin, first[at]!));
    else if (end < firstSure[at]! && !(isSlice && value[row]! < 0)) firstSure[at] = end;
    if (begin > lastSure[at]!) lastSure[at] = begin;
    if (begin < first[at]!) first[at] = begin;
    if (end > last[at]!) last[at] = end;
  }
  const stretches = (from: Float64Array, to: Float64Array): Stretch[] =>
    tracks.map((_, at) => ({ start: from[at]!, end: to[at]! }));
  return { own: stretches(first, last), covered: stretches(firstSure, lastSure) };
}

/** What the trace covers of each process. */
function joined(covered: readonly Stretch[], tracks: readonly Track[]): Map<number, Stretch> {
  const processes = new Map<number, Stretch>();
  for (const [at, { pid }] of tracks.entries()) {
    processes.set(pid, unionOf([processes.get(pid) ?? NOTHING, covered[at]!]));
  }
  return processes;
}

/** Lives of workers, within what the trace covers, by process and number. */
function workersOf(
  { columns, tracks }: Trace,
  events: readonly WorkerEvent[],
  processes: ReadonlyMap<number, Stretch>,
): Map<string, Worker> {
  const { kind, start, value, track } = columns;
  const workers = new Map<string, Worker>();
  const online = new Map<string, number>();
  for (const { row, threadId } of events) {
    if (typeof threadId !== 'number') continue;
    const { pid } = tracks[track[row]!]!;
    const key = `${pid} ${threadId}`;
    if (kind[row] === EventKind.instant) online.set(key, start[row]!);
    if (kind[row] !== EventKind.slice) continue;
    const process = processes.get(pid)!;
    const end = value[row]! < 0 ? Infinity : start[row]! + value[row]!;
    const life = { start: Math.max(process.start, start[row]!), end: Math.min(process.end, end) };
    if (life.start < life.end) workers.set(key, { ...life, online: Infinity });
  }
  for (const [key, time] of online) {
    const worker = workers.get(key);
    if (worker !== undefined && worker.start < time) worker.online = time;
  }
  return workers;
}

const NOTHING: Stretch = { start: Infinity, end: -Infinity };

function unionOf(stretches: readonly Stretch[]): Stretch {
  return stretches.reduce(
    (all, { start, end }) => ({ start: Math.min(all.start, start), end: Math.max(all.end, end) }),
    NOTHING,
  );
}
