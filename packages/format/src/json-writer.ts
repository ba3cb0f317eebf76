/**
 * Chrome Trace Event JSON, written in the array form, which stays readable when the file is cut off anywhere.
 * Specification: "Trace Event Format", the Chromium project. FORMAT.md shows each event.
 *
 * What most events consist of is copied as 32-bit words: a slice takes 60 ns, where byte by byte it took 190. How words and
 * bytes get along in one buffer is json-word-output.ts's business; here stands what each event is.
 *
 * Invariants: never `displayTimeUnit` (old Perfetto scales times by it); timestamps are microseconds with three
 * decimals; an event starts with its comma, so that a file without its end lacks nothing but the bracket; every event has
 * a name, for Chrome DevTools fails on one without, and none is called `TracingStartedInBrowser`, with which DevTools
 * takes the file for a web page's and hides all threads.
 */
import { JsonArguments } from './json-arguments.ts';
import { type AsyncFamily, type AsyncPhase, asyncFamily, asyncHead } from './json-async-family.ts';
import { JsonWordOutput } from './json-word-output.ts';
import { textWords } from './json-words.ts';
import type { Flow, StringRef, TraceWriter, TrackRef, WriterOptions } from './trace-writer.ts';

/** Room that a hot event needs beside its templates: two numbers, task and punctuation. */
const EVENT_ROOM = 160;
const OPENING_BRACKET = 0x5b;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const [DURATION_0, DURATION_1] = [...textWords(', "dur":')] as [number, number];

interface JsonTrack {
  readonly kind: 'process' | 'thread' | 'async' | 'counter';
  /** `"pid":1,"tid":2` */
  readonly place: Uint8Array;
  /** The id of an async track, the name of a counter, else empty. */
  readonly identity: string;
  /** Of an async track. */
  readonly family: AsyncFamily | undefined;
  /** Constant part of a slice by name. */
  readonly slices: (SliceTemplate | undefined)[];
  /** Name and category, in turns, of the open slices, which their ends repeat. */
  readonly open: StringRef[];
}

interface SliceTemplate {
  readonly category: StringRef;
  readonly words: Int32Array;
}

/** Of tracks that have no templates. */
const NO_SLICES: never[] = [];

/** Makes a writer of Chrome Trace Event JSON. Its output is UTF-8. */
export function createJsonWriter(options: WriterOptions): TraceWriter {
  return new JsonWriter(options);
}

class JsonWriter implements TraceWriter {
  readonly #out: JsonWordOutput;
  #isEmpty = true;
  readonly #tracks: JsonTrack[] = [];
  readonly #released: TrackRef[] = [];
  readonly #families = new Map<string, AsyncFamily>();
  /** That of the last async track. */
  #family: AsyncFamily | undefined;
  readonly #strings: Uint8Array[] = [];
  readonly #stringIds = new Map<string, StringRef>();
  readonly #arguments: JsonArguments;

  constructor(options: WriterOptions) {
    this.#out = new JsonWordOutput(options.sink, options.origin ?? 0n);
    this.#arguments = new JsonArguments(this.#out);
    this.string('');
  }

  process(pid: number, name: string, sortIndex?: number): TrackRef {
    const place = placeText(pid, pid);
    this.#describe('process_name', place, { name });
    if (sortIndex !== undefined) this.#describe('process_sort_index', place, { sort_index: sortIndex });
    return this.#declare('process', encoder.encode(place), '', undefined);
  }

  thread(pid: number, tid: number, name: string, sortIndex?: number): TrackRef {
    const place = placeText(pid, tid);
    this.#describe('thread_name', place, { name });
    if (sortIndex !== undefined) this.#describe('thread_sort_index', place, { sort_index: sortIndex });
    return this.#declare('thread', encoder.encode(place), '', undefined);
  }

  asyncTrack(pid: number, category: string, id: string, _name: string): TrackRef {
    // hot: one a task.
    const last = this.#family;
    const family =
      last !== undefined && last.pid === pid && last.category === category
        ? last
        : this.#familyOf(pid, category);
    return this.#declare('async', family.place, id, family);
  }

  counterTrack(pid: number, name: string, _unit?: string): TrackRef {
    return this.#declare('counter', encoder.encode(placeText(pid, pid)), name, undefined);
  }

  string(text: string): StringRef {
    let ref = this.#stringIds.get(text);
    if (ref === undefined) {
      ref = this.#strings.push(encoder.encode(JSON.stringify(text))) - 1;
      this.#stringIds.set(text, ref);
    }
    return ref;
  }

  slice(
    trackRef: TrackRef,
    name: StringRef,
    category: StringRef,
    start: number,
    duration: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void {
    // hot: one call a region. Budget: 100 ns; the sdk's bench/sustained.mjs.
    const track = this.#tracks[trackRef]!;
    if (track.kind !== 'thread' || (args !== undefined && args !== '')) {
      this.#slowSlice(track, name, category, start, duration, task, args);
    } else {
      let template = track.slices[name];
      if (template === undefined || template.category !== category) {
        template = this.#makeTemplate(track, name, category);
      }
      const source = template.words;
      const out = this.#out;
      out.begin(source.length * 4 + EVENT_ROOM);
      const words = out.words;
      let w = out.at >> 2;
      for (let i = 0; i < source.length; i++) words[w++] = source[i]!;
      w = out.time(w, start);
      words[w++] = DURATION_0;
      words[w++] = DURATION_1;
      w = out.duration(w, duration);
      out.at = this.#arguments.endPlain(w, task) << 2;
    }
    if (flows !== undefined) this.#flows(track, start, flows);
  }

  begin(
    trackRef: TrackRef,
    name: StringRef,
    category: StringRef,
    start: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void {
    const track = this.#tracks[trackRef]!;
    track.open.push(name, category);
    if (track.family !== undefined) this.#asyncEvent('b', track, track.family, name, start, task, args);
    else this.#event('B', track, name, category, start, task, args);
    if (flows !== undefined) this.#flows(track, start, flows);
  }

  end(trackRef: TrackRef, time: number, args?: string): void {
    const track = this.#tracks[trackRef]!;
    const category = track.open.pop() ?? 0;
    const name = track.open.pop() ?? 0;
    if (track.family !== undefined) this.#asyncEvent('e', track, track.family, name, time, 0, args);
    else this.#event('E', track, name, category, time, 0, args);
  }

  instant(
    trackRef: TrackRef,
    name: StringRef,
    category: StringRef,
    time: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void {
    const track = this.#tracks[trackRef]!;
    if (track.family !== undefined) this.#asyncEvent('n', track, track.family, name, time, task, args);
    else this.#event('i', track, name, category, time, task, args);
    if (flows !== undefined) this.#flows(track, time, flows);
  }

  counter(trackRef: TrackRef, time: number, value: number): void {
    const track = this.#tracks[trackRef]!;
    const out = this.#out;
    this.#start('C');
    out.text(',"name":');
    out.quoted(track.identity);
    out.text(',');
    out.raw(track.place);
    this.#timestamp(time);
    // JSON has no NaN or infinity.
    out.text(`,"args":{"value":${Number.isFinite(value) ? value : 0}}}`);
    out.end();
  }

  release(track: TrackRef): void {
    this.#released.push(track);
  }

  metadata(trackRef: TrackRef, name: string, args: string): void {
    const out = this.#out;
    this.#start('M');
    out.text(`,"name":${JSON.stringify(name)},`);
    out.raw(this.#tracks[trackRef]!.place);
    out.text(`,"args":${args === '' ? '{}' : args}}`);
    out.end();
  }

  flush(): void {
    this.#out.flush();
  }

  finish(): void {
    this.#out.text(this.#isEmpty ? '[\n]\n' : '\n]\n');
    this.flush();
  }

  #declare(
    kind: JsonTrack['kind'],
    place: Uint8Array,
    identity: string,
    family: AsyncFamily | undefined,
  ): TrackRef {
    const slices = kind === 'thread' ? [] : NO_SLICES;
    const track: JsonTrack = { kind, place, identity, family, slices, open: [] };
    const free = this.#released.pop();
    if (free === undefined) return this.#tracks.push(track) - 1;
    this.#tracks[free] = track;
    return free;
  }

  #familyOf(pid: number, category: string): AsyncFamily {
    const key = `${pid} ${category}`;
    let family = this.#families.get(key);
    if (family === undefined) {
      family = asyncFamily(pid, category, placeText(pid, pid));
      this.#families.set(key, family);
    }
    this.#family = family;
    return family;
  }

  #describe(name: string, place: string, args: Record<string, string | number>): void {
    this.#start('M');
    this.#out.text(`,"name":"${name}",${place},"args":${JSON.stringify(args)}}`);
    this.#out.end();
  }

  #makeTemplate(track: JsonTrack, name: StringRef, category: StringRef): SliceTemplate {
    const cat = category === 0 ? '' : `,"cat":${this.#textOf(category)}`;
    const head = `,\n{"ph":"X","name":${this.#textOf(name)}${cat},${decoder.decode(track.place)},"ts":`;
    const template = { category, words: textWords(head) };
    track.slices[name] = template;
    return template;
  }

  #textOf(string: StringRef): string {
    return decoder.decode(this.#strings[string]);
  }

  /** A slice with arguments, or on a track that is no thread's. */
  #slowSlice(
    track: JsonTrack,
    name: StringRef,
    category: StringRef,
    start: number,
    duration: number,
    task: number,
    args: string | undefined,
  ): void {
    if (track.family !== undefined) {
      this.#asyncEvent('b', track, track.family, name, start, task, args);
      this.#asyncEvent('e', track, track.family, name, start + duration, 0, undefined);
      return;
    }
    const out = this.#out;
    this.#start('X');
    this.#names(track, name, category);
    this.#timestamp(start);
    out.text(', "dur":');
    out.at = out.duration(out.at >> 2, duration) << 2;
    this.#arguments.end(task, args);
  }

  #event(
    phase: 'B' | 'E' | 'i',
    track: JsonTrack,
    name: StringRef,
    category: StringRef,
    time: number,
    task: number,
    args: string | undefined,
  ): void {
    this.#start(phase);
    this.#names(track, name, category);
    this.#timestamp(time);
    if (phase === 'i') this.#out.text(track.kind === 'process' ? ',"s":"p"' : ',"s":"t"');
    this.#arguments.end(task, args);
  }

  #asyncEvent(
    phase: AsyncPhase,
    track: JsonTrack,
    family: AsyncFamily,
    name: StringRef,
    time: number,
    task: number,
    args: string | undefined,
  ): void {
    // hot: two a task.
    const heads = family.heads[phase];
    let head = heads[name];
    if (head === undefined) {
      head = asyncHead(phase, this.#textOf(name), family.category);
      heads[name] = head;
    }
    const out = this.#out;
    out.copy(head);
    if (this.#isEmpty) out.bytes[out.at - head.length * 4] = OPENING_BRACKET;
    this.#isEmpty = false;
    out.quoted(track.identity);
    out.pad();
    out.copy(family.tail);
    out.reserve(EVENT_ROOM);
    out.at = out.time(out.at >> 2, time) << 2;
    this.#arguments.end(task, args);
  }

  #flows(track: JsonTrack, time: number, flows: readonly Flow[]): void {
    const out = this.#out;
    for (const { id, direction } of flows) {
      this.#start(direction === 'out' ? 's' : direction === 'step' ? 't' : 'f');
      out.text(`,"name":"flow","cat":"flow","id":"0x${id.toString(16)}",`);
      out.raw(track.place);
      this.#timestamp(time);
      // "e": binds to the enclosing slice, not to the next one.
      out.text(',"bp":"e"}');
      out.end();
    }
  }

  #start(phase: string): void {
    this.#out.text(this.#isEmpty ? `[\n{"ph":"${phase}"` : `,\n{"ph":"${phase}"`);
    this.#isEmpty = false;
  }

  #names(track: JsonTrack, name: StringRef, category: StringRef): void {
    const out = this.#out;
    out.text(',"name":');
    out.raw(this.#strings[name]!);
    if (category !== 0) {
      out.text(',"cat":');
      out.raw(this.#strings[category]!);
    }
    out.text(',');
    out.raw(track.place);
  }

  #timestamp(time: number): void {
    const out = this.#out;
    out.text(',"ts":');
    out.pad();
    out.reserve(EVENT_ROOM);
    out.at = out.time(out.at >> 2, time) << 2;
  }
}

function placeText(pid: number, tid: number): string {
  return `"pid":${pid},"tid":${tid}`;
}
