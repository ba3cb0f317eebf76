/**
 * What the home page says about a trace: counts by process, thread, kind of task and counter, the span of time, and how
 * much is missing. One pass over the columns.
 */
import { EventKind, MetadataName, type Process, type Trace, type Track } from '@ttrace/format';

/** One thread, or a group of asynchronous tracks or counters that share a name. Times are nanoseconds since the first event. */
export interface TrackFacts {
  readonly name: string;
  readonly kind: Track['kind'];
  /** OS thread id, 0 when it has none. */
  readonly tid: number;
  /** Tracks in this group; 1 for a thread. */
  tracks: number;
  events: number;
  slices: number;
  /** First begin and last end; first > last when there is no event. */
  first: number;
  last: number;
  dropped: number;
}

/** One process and what lies in it. */
export interface ProcessFacts {
  readonly pid: number;
  readonly name: string;
  readonly threads: readonly TrackFacts[];
  readonly operations: readonly TrackFacts[];
  readonly counters: readonly TrackFacts[];
}

/** The recorder's own words about the recording, as far as the file has them. */
interface RecordingFacts {
  readonly node: string | undefined;
  readonly platform: string | undefined;
  /** Wall-clock time of the first event, in milliseconds since 1970. */
  readonly startedMillis: number | undefined;
}

/** All that the home page needs. */
export interface TraceFacts {
  readonly events: number;
  readonly slices: number;
  readonly threads: number;
  readonly operations: number;
  readonly dropped: number;
  /** First begin in nanoseconds since `Trace.origin`. */
  readonly start: number;
  /** Nanoseconds from the first begin to the last end. */
  readonly duration: number;
  readonly processes: readonly ProcessFacts[];
  readonly recording: RecordingFacts;
}

/** Computes the facts. About 10 ns a row. */
export function traceFacts(trace: Trace): TraceFacts {
  const perTrack = countTracks(trace);
  let start = Infinity;
  let end = -Infinity;
  let slices = 0;
  for (const facts of perTrack) {
    start = Math.min(start, facts.first);
    end = Math.max(end, facts.last);
    slices += facts.slices;
  }
  if (start > end) start = end = 0;
  for (const facts of perTrack) {
    facts.first -= start;
    facts.last -= start;
  }
  const processes = trace.processes
    .map((process) => processFacts(process, trace, perTrack))
    .filter((process) => process.threads.length + process.operations.length + process.counters.length > 0);
  return {
    events: trace.length,
    slices,
    threads: trace.tracks.filter((track, i) => isShownThread(track, perTrack[i]!)).length,
    operations: trace.tracks.filter((track, i) => track.kind === 'async' && perTrack[i]!.events > 0).length,
    dropped: trace.tracks.reduce((sum, track) => sum + track.dropped, 0),
    start,
    duration: end - start,
    processes,
    recording: recordingFacts(trace, start),
  };
}

function countTracks(trace: Trace): TrackFacts[] {
  const { kind, start, value, track } = trace.columns;
  const count = trace.tracks.length;
  const events = new Float64Array(count);
  const slices = new Float64Array(count);
  const first = new Float64Array(count).fill(Infinity);
  const last = new Float64Array(count).fill(-Infinity);
  for (let row = 0; row < trace.length; row++) {
    const at = track[row]!;
    const begin = start[row]!;
    let end = begin;
    events[at]!++;
    if (kind[row] === EventKind.slice) {
      slices[at]!++;
      if (value[row]! > 0) end += value[row]!;
    }
    if (begin < first[at]!) first[at] = begin;
    if (end > last[at]!) last[at] = end;
  }
  return trace.tracks.map((each, i) => ({
    name: trackName(each),
    kind: each.kind,
    tid: each.tid,
    tracks: 1,
    events: events[i]!,
    slices: slices[i]!,
    first: first[i]!,
    last: last[i]!,
    dropped: each.dropped,
  }));
}

function trackName(track: Track): string {
  if (track.name !== '') return track.name;
  if (track.kind === 'thread') return `thread ${track.tid}`;
  return track.kind === 'process' ? 'process events' : `(no name) ${track.id}`.trimEnd();
}

function processFacts(process: Process, trace: Trace, perTrack: readonly TrackFacts[]): ProcessFacts {
  const mine = trace.tracks.map((track, i) => ({ track, facts: perTrack[i]! }));
  const own = mine.filter(({ track }) => track.pid === process.pid);
  const threads = own.filter(({ track, facts }) => isShownThread(track, facts));
  threads.sort((a, b) => threadOrder(a.track, process.pid) - threadOrder(b.track, process.pid));
  const grouped = (kind: Track['kind']) =>
    groupByName(own.filter(({ track, facts }) => track.kind === kind && facts.events > 0));
  return {
    pid: process.pid,
    name: process.name,
    threads: threads.map(({ facts }) => facts),
    operations: grouped('async'),
    counters: grouped('counter'),
  };
}

/** A process track without events is only a heading; a thread that dropped all it had is worth a row. */
function isShownThread(track: Track, facts: TrackFacts): boolean {
  if (track.kind === 'thread') return facts.events > 0 || facts.dropped > 0 || track.name !== '';
  return track.kind === 'process' && facts.events > 0;
}

/** The main thread first, then the producer's order, then thread ids. */
function threadOrder(track: Track, pid: number): number {
  return track.tid === pid ? -1 : track.sortIndex * 2 ** 32 + track.tid;
}

function groupByName(members: readonly { track: Track; facts: TrackFacts }[]): TrackFacts[] {
  const groups = new Map<string, TrackFacts>();
  for (const { facts } of members) {
    const group = groups.get(facts.name);
    if (group === undefined) {
      groups.set(facts.name, { ...facts });
      continue;
    }
    group.tracks++;
    group.events += facts.events;
    group.slices += facts.slices;
    group.dropped += facts.dropped;
    group.first = Math.min(group.first, facts.first);
    group.last = Math.max(group.last, facts.last);
  }
  return [...groups.values()].sort((a, b) => b.tracks - a.tracks || b.events - a.events);
}

function recordingFacts(trace: Trace, start: number): RecordingFacts {
  const stated = asRecord(parseJson(trace.metadata.get(MetadataName.recording) ?? ''));
  const clock = trace.clock;
  const sinceSnapshot =
    clock === undefined ? 0 : Number(trace.origin - clock.monotonicNanos) / 1e6 + start / 1e6;
  return {
    node: asText(stated.node),
    platform: asText(stated.platform),
    startedMillis: clock === undefined ? undefined : possibleDate(clock.wallMillis + sinceSnapshot),
  };
}

function possibleDate(millis: number): number | undefined {
  return Number.isNaN(new Date(millis).getTime()) ? undefined : millis;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
