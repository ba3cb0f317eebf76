/** For the tests of the flight recorder: random calls that a writer accepts, the plainest model of a window, and what files say. */
import {
  createJsonWriter,
  createPerfettoWriter,
  EventKind,
  type Flow,
  readTrace,
  type Trace,
  type TraceWriter,
  type TrackRef,
  validateTrace,
} from '@ttrace/format';
import fc from 'fast-check';

export const WRITERS: readonly (typeof createJsonWriter)[] = [createJsonWriter, createPerfettoWriter];

/** Least age of a row in the tests' windows; pauses between rows are up to three times as long, and a few much longer. */
export const MIN_AGE = 1000;

/** What slices, begins and instants carry. */
export interface Carried {
  readonly track: string;
  readonly name: string;
  readonly time: number;
  readonly task: number;
  readonly args: string;
  readonly flows?: Flow[];
}

/** One call of a writer, apart from the declarations of threads and counters. */
export type Row =
  | ({ readonly kind: 'slice'; readonly start: number } & Carried)
  | ({ readonly kind: 'begin' } & Carried)
  | ({ readonly kind: 'instant' } & Carried)
  | { kind: 'end'; track: string; time: number; args: string; begin: number }
  | { kind: 'counter'; track: string; time: number; value: number }
  | { kind: 'declare'; track: string }
  | { kind: 'release'; track: string };

const THREADS = ['main', 'worker'];
const COUNTERS = ['heap', 'load'];

/** Makes the calls of rows, by names of tracks. */
export class Player {
  readonly #writer: TraceWriter;
  readonly #refs = new Map<string, TrackRef>();

  constructor(writer: TraceWriter) {
    this.#writer = writer;
    this.#refs.set('process', writer.process(7, 'node test'));
    writer.metadata(this.#refs.get('process')!, 'ttrace_recording', '{"version":1}');
    THREADS.forEach((name, i) => {
      this.#refs.set(name, writer.thread(7, 7 + i, name, i));
      writer.metadata(this.#refs.get(name)!, 'ttrace_fact', `{"place":${i + 1}}`);
    });
    for (const name of COUNTERS) this.#refs.set(name, writer.counterTrack(7, name, 'bytes'));
  }

  play(row: Row): void {
    const writer = this.#writer;
    if (row.kind === 'declare') {
      this.#refs.set(row.track, writer.asyncTrack(7, 'task', row.track, 'job'));
      return;
    }
    const ref = this.#refs.get(row.track)!;
    if (row.kind === 'release') writer.release(ref);
    else if (row.kind === 'counter') writer.counter(ref, row.time, row.value);
    else if (row.kind === 'end') writer.end(ref, row.time, row.args);
    else {
      const { name, task, args, flows, time } = row;
      // An async event is read back with its track's category.
      const category = row.track.startsWith('0x') ? 'task' : `cat ${name}`;
      const [label, scope] = [writer.string(name), writer.string(category)];
      if (row.kind === 'slice') {
        writer.slice(ref, label, scope, row.start, time - row.start, task, args, flows);
      } else if (row.kind === 'begin') writer.begin(ref, label, scope, time, task, args, flows);
      else writer.instant(ref, label, scope, time, task, args, flows);
    }
  }
}

export interface Step {
  readonly op: number;
  readonly place: number;
  readonly name: string;
  readonly pause: number;
  readonly task: number;
  readonly args: string;
  readonly flow: number;
  readonly value: number;
}

interface ModelTrack {
  /** Indexes of the begins. */
  readonly open: number[];
  /** Starts of finished slices that lie side by side since the last begin or end. */
  starts: number[];
}

/** Turns random steps into calls that a writer accepts. */
export class Model {
  readonly rows: Row[] = [];
  readonly #tracks = new Map<string, ModelTrack>();
  #time = 0;
  #ids = 0;

  constructor() {
    for (const name of THREADS) this.#tracks.set(name, { open: [], starts: [] });
  }

  step(step: Step): Row | undefined {
    this.#time += 1 + step.pause;
    const row = this.#row(step);
    if (row !== undefined) this.rows.push(row);
    return row;
  }

  #row({ op, place, name, task, args, flow, value }: Step): Row | undefined {
    const time = this.#time;
    const tracks = [...this.#tracks.keys()];
    const track = tracks[place % tracks.length]!;
    const own = this.#tracks.get(track)!;
    const isThread = THREADS.includes(track);
    const flows: { flows?: Flow[] } =
      flow > 0 && isThread ? { flows: [{ id: flow, direction: flow % 2 === 0 ? 'in' : 'out' }] } : {};
    if (op === 0) return { kind: 'counter', track: COUNTERS[place % 2]!, time, value };
    if (op === 1) {
      const id = `0x${(++this.#ids).toString(16)}`;
      this.#tracks.set(id, { open: [], starts: [] });
      return { kind: 'declare', track: id };
    }
    if (op === 2) return { kind: 'instant', track, name, time, task, args, ...flows };
    if (op <= 5) {
      own.open.push(this.rows.length);
      own.starts = [];
      return { kind: 'begin', track, name, time, task, args, ...flows };
    }
    if (op <= 9 && own.open.length > 0) {
      own.starts = [];
      return { kind: 'end', track, time, args, begin: own.open.pop()! };
    }
    if (op === 10 && !isThread && own.open.length === 0) {
      this.#tracks.delete(track);
      return { kind: 'release', track };
    }
    if (!isThread) return undefined;
    return this.#slice(own, { track, name, task, args, ...flows }, place);
  }

  /** A leaf, or the parent of the last few slices. */
  #slice(own: ModelTrack, rest: Omit<Carried, 'time'>, place: number): Row {
    const start = this.#time;
    this.#time += 1 + (place % 50);
    const first = place % 3 === 0 ? Math.max(0, own.starts.length - 1 - (place % 4)) : own.starts.length;
    const from = own.starts[first] ?? start;
    own.starts = [...own.starts.slice(0, first), from];
    return { kind: 'slice', ...rest, start: from, time: this.#time };
  }
}

const argument = fc.oneof(
  { weight: 5, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: fc.record({ id: fc.nat() }).map((value) => JSON.stringify(value)) },
  {
    weight: 2,
    arbitrary: fc.string({ unit: 'grapheme', maxLength: 300 }).map((text) => JSON.stringify({ text })),
  },
  { weight: 1, arbitrary: fc.nat(2000).map((count) => JSON.stringify({ text: 'é'.repeat(count) })) },
);
const number = fc.oneof(fc.nat(200), fc.nat(1 << 22), fc.maxSafeNat());
export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    op: fc.nat(15),
    place: fc.nat(1000),
    name: fc.constantFrom('a', 'b', 'ç', 'GC minor', 'fetch'),
    pause: fc.oneof(
      { weight: 30, arbitrary: fc.nat(20) },
      { weight: 2, arbitrary: fc.nat(3 * MIN_AGE) },
      { weight: 1, arbitrary: fc.nat(2 ** 33) },
    ),
    task: fc.oneof(fc.constant(0), number),
    args: argument,
    flow: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: number }),
    value: fc.oneof(number, fc.double({ noNaN: true, noDefaultInfinity: true })),
  }),
  { minLength: 20, maxLength: 400, size: 'max' },
);

/**
 * The last rows as the model has them, with what must stand before them.
 * @param from rows before this time are passed over as if they had left the window.
 */
export function expectedRows(rows: readonly Row[], dropped: number, from: number = -Infinity): Row[] {
  const isOut = rows.map((row, index) => index < dropped || (timeOf(row) ?? Infinity) < from);
  const ended = new Set(rows.map((row, index) => (row.kind === 'end' && isOut[index] ? row.begin : -1)));
  const released = new Set(rows.slice(0, dropped).map((row) => (row.kind === 'release' ? row.track : '')));
  const values = new Map<string, number>();
  const before: Row[] = [];
  const kept: Row[] = [];
  for (const [index, row] of rows.entries()) {
    if (!isOut[index]) kept.push(row);
    else if (row.kind === 'declare' && !released.has(row.track)) before.push(row);
    else if (row.kind === 'begin' && !ended.has(index)) before.push(row);
    else if (row.kind === 'counter') values.set(row.track, row.value);
  }
  const edge = Math.max(timeOf(rows[dropped]) ?? lastTime(rows.slice(0, dropped)), from);
  for (const [track, value] of values) {
    const next = kept.find((row) => row.kind === 'counter' && row.track === track);
    if (timeOf(next) !== edge) before.push({ kind: 'counter', track, time: edge, value });
  }
  const begins = new Set([...before, ...kept].filter(({ kind }) => kind === 'begin'));
  const declares = [...before, ...kept].filter(({ kind }) => kind === 'declare');
  const others = [...before, ...kept].filter(({ kind }) => kind !== 'declare' && kind !== 'release');
  return [...declares, ...others.filter((row) => row.kind !== 'end' || begins.has(rows[row.begin]!))];
}

export function timeOf(row: Row | undefined): number | undefined {
  return row !== undefined && 'time' in row ? row.time : undefined;
}

function lastTime(rows: readonly Row[]): number {
  return rows.reduce((time, row) => timeOf(row) ?? time, 0);
}

export async function written(
  make: (typeof WRITERS)[number],
  write: (writer: TraceWriter) => void,
): Promise<{ trace: Trace; bytes: Uint8Array }> {
  const chunks: Uint8Array[] = [];
  const writer = make({ sink: (bytes) => chunks.push(bytes.slice()), origin: 5_000_000_123n });
  write(writer);
  writer.finish();
  const bytes = Buffer.concat(chunks);
  const source = (async function* () {
    yield bytes;
  })();
  return { trace: await readTrace(source), bytes };
}

/** All events as text, in an order that does not depend on that of the file; arrows by what they join. */
export function events(trace: Trace): string[] {
  const { kind, start, value, name, category, track, args } = trace.columns;
  const lines: string[] = [];
  const arrows = new Map<number, string[]>();
  for (let row = 0; row < trace.length; row++) {
    const { kind: place, tid, id, name: trackName } = trace.tracks[track[row]!]!;
    const where = `${place} ${place === 'counter' ? trackName : `${tid}${id}`} ${start[row]! + Number(trace.origin)}`;
    if (kind[row]! >= EventKind.flowOut) {
      const ends = arrows.get(value[row]!) ?? [];
      arrows.set(value[row]!, [...ends, `${kind[row]} ${where}`]);
      continue;
    }
    const text = [name, category, args].map((column) => trace.strings.text(column[row]!)).join(' | ');
    lines.push(`${kind[row]} ${where} ${value[row]} ${text}`);
  }
  for (const ends of arrows.values()) lines.push(ends.sort().join(' -> '));
  return lines.sort();
}

/** Problems that the window may not cause. Its edge may cut arrows and leave slices open. */
export function defects(trace: Trace): string[] {
  return validateTrace(trace)
    .filter(({ severity }) => severity === 'error')
    .map(({ message }) => message);
}
