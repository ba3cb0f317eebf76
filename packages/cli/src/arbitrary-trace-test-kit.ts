/** Traces of any shape for property tests, what becomes of them in a file, and their text in an order of its own. */
import {
  createJsonWriter,
  createPerfettoWriter,
  EventKind,
  eventLine,
  readTrace,
  type Trace,
  TraceBuilder,
  textLines,
  timeRange,
  writeTrace,
} from '@ttrace/format';
import fc from 'fast-check';
import { splitTrace } from './split-trace.ts';

interface ArbitraryEvent {
  readonly what: number;
  readonly track: number;
  readonly at: number;
  readonly lasts: number;
  readonly name: string;
  readonly args: string | undefined;
  readonly flow: number;
}

const NAMES = ['parse', 'order', 'GET /a', 'ü → "x"', ''];
const ARGUMENTS = ['{"task":1}', '{"task":2,"parent":1,"id":"a/b"}', '{"n":1.5}'];

const event: fc.Arbitrary<ArbitraryEvent> = fc.record({
  what: fc.integer({ min: 0, max: 6 }),
  track: fc.integer({ min: 0, max: 9 }),
  at: fc.integer({ min: 0, max: 400 }),
  lasts: fc.integer({ min: 0, max: 120 }),
  name: fc.constantFrom(...NAMES.slice(0, 4)),
  args: fc.option(fc.constantFrom(...ARGUMENTS), { nil: undefined }),
  flow: fc.integer({ min: 1, max: 6 }),
});

/** Up to 60 events on threads, lanes, tasks and counters of two processes; slices may overlap, arrows lead anywhere. */
export const arbitraryTrace: fc.Arbitrary<Trace> = fc
  .record({
    events: fc.array(event, { minLength: 1, maxLength: 60 }),
    scale: fc.constantFrom(1, 1000, 1_000_000),
    isRecorded: fc.boolean(),
  })
  .map(({ events, scale, isRecorded }) => traceOf(events, scale, isRecorded));

function traceOf(events: readonly ArbitraryEvent[], scale: number, isRecorded: boolean): Trace {
  const builder = new TraceBuilder();
  builder.relative(5_000_000, 0);
  if (isRecorded) {
    builder.clock = { monotonicNanos: 5_000_000_000n, wallMillis: 1.7e12 };
    builder.metadata.set(
      'ttrace_recording',
      '{"version":1,"clock":{"monotonicNanos":"5000000000","wallMillis":1700000000000}}',
    );
  }
  const tracks = declareTracks(builder);
  const text = (value: string): number => builder.strings.intern(value);
  for (const { what, track, at, lasts, name, args = '', flow } of events) {
    const time = at * scale;
    const place = tracks[track % 8]!;
    const category = text(builder.tracks[place]!.category || 'region');
    if (what <= 2) builder.slice(place, text(name), category, time, lasts * scale, text(args));
    else if (what === 3) builder.instant(place, text(name), text('log'), time, text(args));
    else if (what === 4) builder.counter(tracks[8 + (track % 2)]!, text('queue'), time, lasts);
    else if (what === 5) {
      const kind = flow % 2 === 0 ? EventKind.flowOut : EventKind.flowIn;
      builder.flowEvent(kind, place, text('flow'), text('flow'), time, flow);
    } else builder.unfinished(place, text(name), category, time, text(args));
  }
  return builder.finish('json', 0);
}

function declareTracks(builder: TraceBuilder): number[] {
  const tracks: number[] = [];
  for (const pid of [7, 8]) {
    builder.process(pid).name = `node ${pid}.js`;
    for (const tid of [pid, pid + 10]) tracks.push(builder.threadTrack(pid, tid));
    tracks.push(
      builder.asyncTrack(pid, 'task', '0x1', 'order'),
      builder.asyncTrack(pid, 'region', '0x2', 'lane'),
    );
    const [main, worker] = tracks.slice(-4) as [number, number];
    builder.tracks[main]!.name = 'main';
    builder.tracks[main]!.dropped = pid;
    builder.tracks[worker]!.name = 'worker 1';
  }
  for (const pid of [7, 8]) tracks.push(builder.counterTrack(pid, 'queue', ''));
  return tracks;
}

/** What a reader makes of the trace in a file of this format. */
export async function throughFile(trace: Trace, format: 'json' | 'perfetto'): Promise<Trace> {
  const chunks: Uint8Array[] = [];
  const sink = (bytes: Uint8Array): void => void chunks.push(bytes.slice());
  const create = format === 'json' ? createJsonWriter : createPerfettoWriter;
  const before = Math.max(0, -Math.floor(timeRange(trace).start));
  const origin = trace.origin - BigInt(before);
  writeTrace(trace, create({ sink, origin }), { shift: before });
  return readTrace(new Blob(chunks as Uint8Array<ArrayBuffer>[]).stream());
}

/**
 * The text of a trace in an order that depends only on what it holds: facts, tracks and events sorted, absolute times, tracks
 * by what they are, arrows by their ends.
 */
export function sortedText(trace: Trace): string[] {
  const origin = Number(trace.origin);
  const start = trace.columns.start.map((time) => time + origin);
  const value = trace.columns.value.slice();
  const absolute: Trace = { ...trace, columns: { ...trace.columns, start, value } };
  const labels = trace.tracks.map(({ kind, pid, tid, id, category, name }) =>
    JSON.stringify([kind, pid, tid, id, category, kind === 'counter' ? name : '']),
  );
  const lines: string[] = [];
  const arrows = new Map<number, string[]>();
  for (let row = 0; row < trace.length; row++) {
    const isFlow = trace.columns.kind[row]! >= EventKind.flowOut;
    const arrow = value[row]!;
    if (isFlow) value[row] = 0;
    const line = eventLine(absolute, row, labels);
    if (!isFlow) lines.push(line);
    else arrows.set(arrow, [...(arrows.get(arrow) ?? []), line]);
  }
  const ends = [...arrows.values()].map((list) => list.sort().join(' & '));
  const header = [...textLines({ ...trace, length: 0, origin: 0n, tracks: [] })];
  const tracks = trace.tracks.map(
    (track, index) =>
      `track ${labels[index]} ${track.name} ${track.dropped} ${track.sortIndex} ${track.unit}`,
  );
  return [...header.sort(), ...tracks.sort(), ...lines.sort(), ...ends.sort()];
}

/** Cuts a trace into parts of at most a weight, as `ttrace split` does. */
export function partsOf(trace: Trace, most: number): Trace[] {
  const split = splitTrace(trace);
  const parts: Trace[] = [];
  for (let from = 0; from < split.length; ) {
    const to = split.cut(from, most);
    parts.push(split.part(from, to, parts.length + 1));
    from = to;
  }
  return parts;
}
