/**
 * Chrome Trace Event JSON, written in the array form, which stays readable when the file is cut off anywhere.
 * Specification: "Trace Event Format", the Chromium project. FORMAT.md shows each event.
 *
 * Bytes go straight into one buffer, four at a time: every event starts on a multiple of four, made so by spaces, so that
 * the constant part of a slice and groups of four digits are copied as 32-bit words: 60 ns a slice, where byte by byte
 * took 190.
 *
 * One file although it is long: every method shares the buffer, its alignment and the tables of words.
 *
 * Invariants: never `displayTimeUnit` (old Perfetto scales times by it); timestamps are microseconds with three
 * decimals; an event starts with its comma, so that a file without its end lacks nothing but the bracket; every event has
 * a name, for Chrome DevTools fails on one without, and none is called `TracingStartedInBrowser`, with which DevTools
 * takes the file for a web page's and hides all threads.
 */
import type { Flow, StringRef, TraceWriter, TrackRef, WriterOptions } from './trace-writer.ts';

const BUFFER_BYTES = 1 << 20;
/** Room that a hot slice needs beside its template: two numbers, task and punctuation. */
const SLICE_ROOM = 160;

const encoder = new TextEncoder();

/** Words of four characters: `0042`, `  42` and `.042`; indexed by number. */
const ZEROS = digitWords((n) => String(n).padStart(4, '0'), 10_000);
const SPACES = digitWords((n) => String(n).padStart(4, ' '), 10_000);
const FRACTION = digitWords((n) => `.${String(n).padStart(3, '0')}`, 1000);
const [DURATION_0, DURATION_1] = textWords(', "dur":') as [number, number];
const [ARGS_0, ARGS_1, ARGS_2, ARGS_3] = textWords(',"args":{"task":') as [number, number, number, number];
const [CLOSE] = textWords('}   ') as [number];
const [CLOSE_ARGS] = textWords('}}  ') as [number];

interface JsonTrack {
  readonly kind: 'process' | 'thread' | 'async' | 'counter';
  /** `"pid":1,"tid":2` */
  readonly place: Uint8Array;
  /** `,"cat":"task","id":"0x1a"` of an async track, the name of a counter, else empty. */
  readonly identity: Uint8Array;
  /** Constant part of a slice by name. */
  readonly slices: (SliceTemplate | undefined)[];
  /** Name and category, in turns, of the open slices, which their ends repeat. */
  readonly open: StringRef[];
}

interface SliceTemplate {
  readonly category: StringRef;
  readonly words: Int32Array;
}

/** Makes a writer of Chrome Trace Event JSON. Its output is UTF-8. */
export function createJsonWriter(options: WriterOptions): TraceWriter {
  return new JsonWriter(options);
}

class JsonWriter implements TraceWriter {
  readonly #sink: WriterOptions['sink'];
  readonly #originMicros: number;
  readonly #originNanos: number;
  #words = new Int32Array(BUFFER_BYTES / 4);
  #bytes = new Uint8Array(this.#words.buffer);
  /** Next free byte; a multiple of four between events. */
  #at = 0;
  #isEmpty = true;
  readonly #tracks: JsonTrack[] = [];
  readonly #released: TrackRef[] = [];
  readonly #strings: Uint8Array[] = [];
  readonly #stringIds = new Map<string, StringRef>();
  /** The digits of a timestamp above 10 ms, as words: they change a hundred times a second at most. */
  #high = -1;
  #highWords: number[] = [];

  constructor(options: WriterOptions) {
    const origin = options.origin ?? 0n;
    this.#sink = options.sink;
    this.#originMicros = Number(origin / 1000n);
    this.#originNanos = Number(origin % 1000n);
    this.string('');
  }

  process(pid: number, name: string, sortIndex?: number): TrackRef {
    const place = `"pid":${pid},"tid":${pid}`;
    this.#describe('process_name', place, { name });
    if (sortIndex !== undefined) this.#describe('process_sort_index', place, { sort_index: sortIndex });
    return this.#declare('process', place, '');
  }

  thread(pid: number, tid: number, name: string, sortIndex?: number): TrackRef {
    const place = `"pid":${pid},"tid":${tid}`;
    this.#describe('thread_name', place, { name });
    if (sortIndex !== undefined) this.#describe('thread_sort_index', place, { sort_index: sortIndex });
    return this.#declare('thread', place, '');
  }

  asyncTrack(pid: number, category: string, id: string, _name: string): TrackRef {
    // A local id belongs to the process; Perfetto shows tracks of global ids under no process.
    const identity = `,"cat":${JSON.stringify(category)},"id2":{"local":${JSON.stringify(id)}}`;
    return this.#declare('async', `"pid":${pid},"tid":${pid}`, identity);
  }

  counterTrack(pid: number, name: string, _unit?: string): TrackRef {
    return this.#declare('counter', `"pid":${pid},"tid":${pid}`, JSON.stringify(name));
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
      this.#reserve(source.length * 4 + SLICE_ROOM);
      const words = this.#words;
      let w = this.#at >> 2;
      for (let i = 0; i < source.length; i++) words[w++] = source[i]!;
      w = this.#time(w, start);
      words[w++] = DURATION_0;
      words[w++] = DURATION_1;
      const micros = Math.floor(duration / 1000);
      if (micros < 10_000) words[w++] = SPACES[micros]!;
      else w = this.#integer(w, micros);
      words[w++] = FRACTION[duration - micros * 1000]!;
      if (task === 0) words[w++] = CLOSE;
      else {
        words[w++] = ARGS_0;
        words[w++] = ARGS_1;
        words[w++] = ARGS_2;
        words[w++] = ARGS_3;
        w = this.#integer(w, task);
        words[w++] = CLOSE_ARGS;
      }
      this.#at = w << 2;
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
    this.#event(track.kind === 'async' ? 'b' : 'B', track, name, category, start, task, args);
    if (flows !== undefined) this.#flows(track, start, flows);
  }

  end(trackRef: TrackRef, time: number, args?: string): void {
    const track = this.#tracks[trackRef]!;
    const category = track.open.pop() ?? 0;
    const name = track.open.pop() ?? 0;
    this.#event(track.kind === 'async' ? 'e' : 'E', track, name, category, time, 0, args);
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
    this.#event(track.kind === 'async' ? 'n' : 'i', track, name, category, time, task, args);
    if (flows !== undefined) this.#flows(track, time, flows);
  }

  counter(trackRef: TrackRef, time: number, value: number): void {
    const track = this.#tracks[trackRef]!;
    this.#start('C');
    this.#text(',"name":');
    this.#raw(track.identity);
    this.#text(',');
    this.#raw(track.place);
    this.#timestamp(time);
    // JSON has no NaN or infinity.
    this.#text(`,"args":{"value":${Number.isFinite(value) ? value : 0}}}`);
    this.#align();
  }

  release(track: TrackRef): void {
    this.#released.push(track);
  }

  metadata(trackRef: TrackRef, name: string, args: string): void {
    this.#start('M');
    this.#text(`,"name":${JSON.stringify(name)},`);
    this.#raw(this.#tracks[trackRef]!.place);
    this.#text(`,"args":${args === '' ? '{}' : args}}`);
    this.#align();
  }

  flush(): void {
    if (this.#at === 0) return;
    const end = this.#at;
    this.#at = 0;
    this.#sink(this.#bytes.subarray(0, end));
  }

  finish(): void {
    this.#text(this.#isEmpty ? '[\n]\n' : '\n]\n');
    this.flush();
  }

  #declare(kind: JsonTrack['kind'], place: string, identity: string): TrackRef {
    const track: JsonTrack = {
      kind,
      place: encoder.encode(place),
      identity: encoder.encode(identity),
      slices: [],
      open: [],
    };
    const free = this.#released.pop();
    if (free === undefined) return this.#tracks.push(track) - 1;
    this.#tracks[free] = track;
    return free;
  }

  #describe(name: string, place: string, args: Record<string, string | number>): void {
    this.#start('M');
    this.#text(`,"name":"${name}",${place},"args":${JSON.stringify(args)}}`);
    this.#align();
  }

  #makeTemplate(track: JsonTrack, name: StringRef, category: StringRef): SliceTemplate {
    const text = new TextDecoder();
    const cat = category === 0 ? '' : `,"cat":${text.decode(this.#strings[category])}`;
    const head = `,\n{"ph":"X","name":${text.decode(this.#strings[name])}${cat},${text.decode(track.place)},"ts":`;
    const template = { category, words: Int32Array.from(textWords(head)) };
    track.slices[name] = template;
    return template;
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
    if (track.kind === 'async') {
      this.#event('b', track, name, category, start, task, args);
      this.#event('e', track, name, category, start + duration, 0, undefined);
      return;
    }
    this.#start('X');
    this.#names(track, name, category);
    this.#timestamp(start);
    this.#text(`,"dur":${decimalMicros(duration)}`);
    this.#arguments(task, args);
    this.#text('}');
    this.#align();
  }

  #event(
    phase: 'B' | 'E' | 'b' | 'e' | 'n' | 'i',
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
    if (phase === 'i') this.#text(track.kind === 'process' ? ',"s":"p"' : ',"s":"t"');
    this.#arguments(task, args);
    this.#text('}');
    this.#align();
  }

  #flows(track: JsonTrack, time: number, flows: readonly Flow[]): void {
    for (const { id, direction } of flows) {
      this.#start(direction === 'out' ? 's' : direction === 'step' ? 't' : 'f');
      this.#text(`,"name":"flow","cat":"flow","id":"0x${id.toString(16)}",`);
      this.#raw(track.place);
      this.#timestamp(time);
      // "e": binds to the enclosing slice, not to the next one.
      this.#text(',"bp":"e"}');
      this.#align();
    }
  }

  #start(phase: string): void {
    this.#text(this.#isEmpty ? `[\n{"ph":"${phase}"` : `,\n{"ph":"${phase}"`);
    this.#isEmpty = false;
  }

  #names(track: JsonTrack, name: StringRef, category: StringRef): void {
    this.#text(',"name":');
    this.#raw(this.#strings[name]!);
    // An async event is found by its track's category and id, whatever its own category.
    if (track.kind === 'async') this.#raw(track.identity);
    else if (category !== 0) {
      this.#text(',"cat":');
      this.#raw(this.#strings[category]!);
    }
    this.#text(',');
    this.#raw(track.place);
  }

  #arguments(task: number, args: string | undefined): void {
    const own = args === undefined || args === '{}' ? '' : args;
    if (task === 0) {
      if (own !== '') this.#text(`,"args":${own}`);
    } else this.#text(`,"args":{"task":${task}${own === '' ? '}' : `,${own.slice(1)}`}`);
  }

  #timestamp(time: number): void {
    this.#text(',"ts":');
    this.#pad();
    this.#reserve(SLICE_ROOM);
    this.#at = this.#time(this.#at >> 2, time) << 2;
  }

  /** Writes a timestamp in words; returns the next word. */
  #time(w: number, time: number): number {
    // hot
    const nanos = time + this.#originNanos;
    const relative = Math.floor(nanos / 1000);
    const micros = relative + this.#originMicros;
    const high = Math.floor(micros / 10_000);
    const words = this.#words;
    let at = w;
    if (high > 0) {
      if (high !== this.#high) this.#cacheHigh(high);
      const digits = this.#highWords;
      for (let i = 0; i < digits.length; i++) words[at++] = digits[i]!;
      words[at++] = ZEROS[micros - high * 10_000]!;
    } else words[at++] = SPACES[micros]!;
    words[at++] = FRACTION[nanos - relative * 1000]!;
    return at;
  }

  #cacheHigh(high: number): void {
    const digits = String(high);
    this.#high = high;
    this.#highWords = textWords(digits.padStart(Math.ceil(digits.length / 4) * 4, ' '));
  }

  /** Writes a positive integer in words, spaces first; returns the next word. */
  #integer(w: number, value: number): number {
    if (value < 10_000) {
      this.#words[w] = SPACES[value]!;
      return w + 1;
    }
    const high = Math.floor(value / 10_000);
    const next = this.#integer(w, high);
    this.#words[next] = ZEROS[value - high * 10_000]!;
    return next + 1;
  }

  #text(text: string): void {
    // Three bytes a UTF-16 unit at most.
    this.#reserve(text.length * 3);
    const bytes = this.#bytes;
    let at = this.#at;
    // Unit by unit: a third of the time of encodeInto for the short ASCII texts that these are.
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 127 || i > 512) {
        this.#at = at + encoder.encodeInto(text.slice(i), bytes.subarray(at)).written;
        return;
      }
      bytes[at++] = unit;
    }
    this.#at = at;
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    const target = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < bytes.length; i++) target[at++] = bytes[i]!;
    this.#at = at;
  }

  /** Fills up to a multiple of four with spaces. */
  #pad(): void {
    while ((this.#at & 3) !== 0) this.#bytes[this.#at++] = 0x20;
  }

  /** Ends an event. Buffers are handed on between events only. */
  #align(): void {
    this.#pad();
    if (this.#at > BUFFER_BYTES / 2) this.flush();
  }

  /** Makes room for `count` more bytes, the bytes of an unfinished event kept. */
  #reserve(count: number): void {
    if (this.#at + count + 4 <= this.#bytes.length) return;
    if ((this.#at & 3) === 0 && count + 4 <= this.#bytes.length && this.#at > BUFFER_BYTES / 2) {
      // Only a hot slice gets here on an event boundary: `#align` flushes the others.
      this.flush();
      return;
    }
    const words = new Int32Array(Math.ceil((this.#at + count + 4) / 4 / 1024) * 2048);
    const bytes = new Uint8Array(words.buffer);
    bytes.set(this.#bytes.subarray(0, this.#at));
    this.#words = words;
    this.#bytes = bytes;
  }
}

/** Nanoseconds as microseconds with three decimals. */
function decimalMicros(nanos: number): string {
  const micros = Math.floor(nanos / 1000);
  return `${micros}.${String(nanos - micros * 1000).padStart(3, '0')}`;
}

function digitWords(render: (n: number) => string, count: number): Int32Array {
  const words = new Int32Array(count);
  for (let n = 0; n < count; n++) words[n] = textWords(render(n))[0]!;
  return words;
}

/** The UTF-8 bytes of a text as words in this machine's byte order, spaces added at the end. */
function textWords(text: string): number[] {
  const utf8 = encoder.encode(text);
  const bytes = new Uint8Array(Math.ceil(utf8.length / 4) * 4).fill(0x20);
  bytes.set(utf8);
  return [...new Int32Array(bytes.buffer)];
}
