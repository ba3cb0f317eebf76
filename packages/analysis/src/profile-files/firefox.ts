/**
 * A trace for the Firefox Profiler (profiler.firefox.com), in its processed format: threads with CPU samples and markers, and counters.
 * Times are milliseconds since the trace's begin, exact to the nanosecond.
 *
 * Specification: `src/types/profile.ts` and `docs-developer/CHANGELOG-formats.md` of github.com/firefox-devtools/profiler; version 70.
 */
import { Argument, EventKind, MetadataName } from '@ttrace/format';
import { enclosingSlices } from '../enclosing-slices.ts';
import { counted } from '../quantity.ts';
import { nestedLanes } from '../stack-changes.ts';
import { frameAt } from '../stack-frame.ts';
import { stackSegments } from '../stack-segments.ts';
import { parsedArgs, type Thread, type TraceIndex } from '../trace-index.ts';
import { firefoxCounters } from './firefox-counters.ts';
import { CATEGORIES, FirefoxMarkers, JAVASCRIPT, MARKER_SCHEMAS } from './firefox-markers.ts';
import { FirefoxStacks, NO_STACK } from './firefox-stacks.ts';
import { inPieces, jsonArray, type ProfileFile } from './profile-file.ts';

/** The format's version, and that of the one that Firefox itself records. */
const PROCESSED_VERSION = 70;
const GECKO_VERSION = 36;

/** A thread of the profile: one of the trace, or what stands for a process without any. */
type Place = Pick<Thread, 'pid' | 'tid' | 'name' | 'sampleTrack'>;

/** @param name what the profiler shows as the file. */
export function firefoxFile(index: TraceIndex, name: string): ProfileFile {
  return { text: inPieces(fileText(index, name)), omitted: omitted(index) };
}

function* fileText(index: TraceIndex, name: string): Generator<string, void, undefined> {
  const stacks = new FirefoxStacks(JAVASCRIPT);
  const places = placesOf(index);
  const markers = markersOf(index, places, stacks);
  yield `{"meta":${JSON.stringify(metaOf(index, name))},"libs":[],"threads":[`;
  let separator = '';
  for (const [number, place] of places.entries()) {
    yield separator;
    yield* threadText(index, place, isMain(places, number), markers[number]!, stacks);
    separator = ',';
  }
  yield `],"counters":`;
  yield* firefoxCounters(index, (pid) => places.findIndex((place) => place.pid === pid));
  yield `,"shared":${JSON.stringify(stacks.shared)}}\n`;
}

function placesOf({ threads, trace }: TraceIndex): Place[] {
  const alone = trace.processes.filter(({ pid }) => threads.every((thread) => thread.pid !== pid));
  const processes = alone.map(({ pid }) => ({ pid, tid: pid, name: 'process', sampleTrack: -1 }));
  return [...threads, ...processes];
}

/** The first thread of a process is its main thread. */
function isMain(places: readonly Place[], number: number): boolean {
  return places.findIndex(({ pid }) => pid === places[number]!.pid) === number;
}

/** Markers by thread. Samples are none, nor are the points at which arrows begin and end. */
function markersOf(index: TraceIndex, places: readonly Place[], stacks: FirefoxStacks): FirefoxMarkers[] {
  const { trace } = index;
  const { kind, track } = trace.columns;
  const markers = places.map(() => new FirefoxMarkers(index, stacks));
  const first = new Map<number, number>();
  for (const [number, { pid }] of places.entries()) if (!first.has(pid)) first.set(pid, number);
  const numbers = new Map(places.map((place, number) => [`${place.pid} ${place.tid}`, number]));
  const samples = new Set(index.threads.map(({ sampleTrack }) => sampleTrack));
  const byTrack = trace.tracks.map(({ pid }, at) => {
    const thread = index.threadOf(at);
    if (samples.has(at)) return undefined;
    return markers[(thread && numbers.get(`${thread.pid} ${thread.tid}`)) ?? first.get(pid) ?? 0];
  });
  const flows = flowsOf(index);
  for (let row = 0; row < trace.length; row++) {
    if (kind[row] === EventKind.slice || kind[row] === EventKind.instant) {
      byTrack[track[row]!]?.add(row, flows.get(row) ?? 0);
    }
  }
  return markers;
}

/** Number of an arrow by the slice in which it begins or ends. */
function flowsOf({ trace }: TraceIndex): Map<number, number> {
  const { kind, value } = trace.columns;
  const flows = new Map<number, number>();
  if (!kind.subarray(0, trace.length).some((each) => each >= EventKind.flowOut)) return flows;
  const enclosing = enclosingSlices(trace);
  for (let row = 0; row < trace.length; row++) {
    if (kind[row]! >= EventKind.flowOut && enclosing[row]! >= 0) flows.set(enclosing[row]!, value[row]!);
  }
  return flows;
}

function* threadText(
  index: TraceIndex,
  place: Place,
  isMainThread: boolean,
  markers: FirefoxMarkers,
  stacks: FirefoxStacks,
): Generator<string, void, undefined> {
  const process = index.trace.processes.find(({ pid }) => pid === place.pid);
  const head = {
    name: place.name,
    processName: process?.name || `pid ${place.pid}`,
    processType: 'default',
    processStartupTime: 0,
    processShutdownTime: null,
    registerTime: 0,
    unregisterTime: null,
    pausedRanges: [],
    showMarkersInTimeline: true,
    isMainThread,
    pid: String(place.pid),
    tid: place.tid,
  };
  yield `${JSON.stringify(head).slice(0, -1)},"samples":{`;
  yield* samplesText(index, place.sampleTrack, stacks);
  yield '},"markers":{';
  for (const [column, values] of Object.entries(markers.columns)) {
    yield `"${column}":`;
    yield* jsonArray(values.map((value) => value ?? 'null'));
    yield ',';
  }
  yield `"length":${markers.length}}}`;
}

/** One sample a stretch in which the stack stays the same, its length as weight; of a stretch without a stack it is 0. */
function* samplesText(
  index: TraceIndex,
  track: number,
  stacks: FirefoxStacks,
): Generator<string, void, undefined> {
  const stack: (number | string)[] = [];
  const time: number[] = [];
  const weight: number[] = [];
  const frames = new Map<string, number>();
  const frameOf = (row: number): number => {
    const { name, args } = index.trace.columns;
    const key = `${name[row]!} ${args[row]!}`;
    let frame = frames.get(key);
    if (frame === undefined) {
      const { [Argument.location]: location } = index.argsOf(row);
      frame = stacks.frame(frameAt(index.nameOf(row), typeof location === 'string' ? location : ''));
      frames.set(key, frame);
    }
    return frame;
  };
  const [rows = []] = track < 0 ? [] : nestedLanes(index, track);
  if (rows.length > 0) {
    for (const segment of stackSegments(index, rows, index.start, index.end)) {
      let top = NO_STACK;
      for (const row of segment.stack) top = stacks.stack(top, frameOf(row));
      stack.push(top === NO_STACK ? 'null' : top);
      time.push((segment.start - index.start) / 1e6);
      weight.push(top === NO_STACK ? 0 : (segment.end - segment.start) / 1e6);
    }
  }
  for (const [column, values] of Object.entries({ stack, time, weight })) {
    yield `"${column}":`;
    yield* jsonArray(values);
    yield ',';
  }
  yield `"weightType":"tracing-ms","length":${stack.length}`;
}

function metaOf({ trace, start, end }: TraceIndex, name: string): object {
  const [process] = trace.processes;
  const { node, platform } = parsedArgs(trace.metadata.get(MetadataName.recording) ?? '');
  const begin = trace.origin + BigInt(Math.round(start));
  const wallMillis =
    trace.clock === undefined ? 0 : trace.clock.wallMillis + Number(begin - trace.clock.monotonicNanos) / 1e6;
  return {
    interval: 1,
    startTime: wallMillis,
    ...(begin > 0n ? { startTimeAsClockMonotonicNanosecondsSinceBoot: Number(begin) } : {}),
    profilingStartTime: 0,
    profilingEndTime: (end - start) / 1e6,
    processType: 0,
    product: process?.name || 'Node.js',
    version: GECKO_VERSION,
    preprocessedProfileVersion: PROCESSED_VERSION,
    stackwalk: 0,
    debug: false,
    categories: CATEGORIES,
    markerSchema: MARKER_SCHEMAS,
    sampleUnits: { time: 'ms', eventDelay: 'ms', threadCPUDelta: 'ns' },
    importedFrom: 'ttrace',
    fileName: name,
    symbolicated: true,
    symbolicationNotSupported: true,
    sourceCodeIsNotOnSearchfox: true,
    usesOnlyOneStackType: true,
    keepProfileThreadOrder: true,
    ...(typeof node === 'string' ? { misc: `Node.js ${node}` } : {}),
    ...(typeof platform === 'string' ? { platform } : {}),
  };
}

/** What has no place in this format. */
function omitted(index: TraceIndex): string[] {
  const dropped = index.trace.tracks.reduce((sum, track) => sum + track.dropped, 0);
  return dropped === 0 ? [] : [`the note that ${counted(dropped, 'event')} were dropped while recording`];
}
