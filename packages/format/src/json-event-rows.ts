/**
 * What one Chrome trace event means: turns the fields of a JsonEvent into rows, tracks and facts of a TraceBuilder.
 * Never fails: what has no place in the columns is counted in `skipped`.
 *
 * Specification: "Trace Event Format", the Chromium project. Where it leaves room: an id belongs to its process and
 * category, as ttrace and Perfetto read it, unless `id2.global` says otherwise; a flow's `id` joins processes.
 */

import { compactJson, decode, OPEN_BRACE } from './json-bytes.ts';
import type { JsonEvent } from './json-event.ts';
import { applyMetadata } from './json-metadata.ts';
import { JsonStrings } from './json-strings.ts';
import { PROFILE, PROFILE_CHUNK, ProfileChunks } from './profile-chunks.ts';
import { StackFrames } from './stack-frames.ts';
import type { TraceBuilder } from './trace-builder.ts';
import type { ReadLimits } from './trace-reader.ts';

/** Numbers for processes and threads that a file names by text begin above every pid that Linux gives. */
const FIRST_TEXT_ID = (1 << 22) + 1;

const encoder = new TextEncoder();

const code = (letter: string): number => letter.charCodeAt(0);
const X = code('X');
const B = code('B');
const E = code('E');
const SCOPE_GLOBAL = code('g');
const SCOPE_PROCESS = code('p');

export class JsonEventRows {
  readonly #builder: TraceBuilder;
  readonly #strings: JsonStrings;
  readonly #frames: StackFrames;
  readonly #profiles: ProfileChunks;
  /** Numbers of processes and threads named by text. */
  readonly #textIds = new Map<string, number>();
  readonly #globalOwners = new Map<string, number>();
  #lastPid = -1;
  #lastTid = -1;
  #lastTrack = -1;
  #scratch = new Uint8Array(1 << 12);

  constructor(builder: TraceBuilder, limits: ReadLimits) {
    this.#builder = builder;
    this.#strings = new JsonStrings(builder, limits.maxStrings);
    this.#frames = new StackFrames(builder);
    this.#profiles = new ProfileChunks(builder);
  }

  /** Adds the event that `event` has just read from `bytes`. */
  add(bytes: Uint8Array, event: JsonEvent): void {
    // hot: once an event.
    const phase = event.phase;
    if (!event.hasTime) {
      if (phase === code('M')) this.#metadata(bytes, event);
      else this.#builder.skip(phase === 0 ? 'event without ph' : 'event without ts');
      return;
    }
    if (phase === X) this.#complete(bytes, event);
    else if (phase === B) {
      const args = this.#args(bytes, event);
      this.#noteStack(bytes, event);
      const name = this.#strings.range(bytes, event.name);
      this.#builder.begin(
        this.#thread(bytes, event),
        name,
        this.#category(bytes, event),
        this.#time(event),
        args,
      );
    } else if (phase === E) {
      const args = this.#args(bytes, event);
      this.#noteStack(bytes, event);
      this.#builder.end(this.#thread(bytes, event), this.#time(event), args);
    } else this.#other(bytes, event);
  }

  /** Takes the table of frames that `sf` refers to, as JSON. */
  setStackFrames(text: string): void {
    this.#frames.setTable(text);
  }

  /** Resolves what could not be resolved before the whole file was read. */
  finish(): void {
    this.#frames.resolve();
    this.#profiles.finish();
  }

  #complete(bytes: Uint8Array, event: JsonEvent): void {
    const builder = this.#builder;
    const track = this.#thread(bytes, event);
    const name = this.#strings.range(bytes, event.name);
    const category = this.#category(bytes, event);
    const args = event.argsEnd === 0 ? 0 : this.#args(bytes, event);
    const time = this.#time(event);
    this.#noteStack(bytes, event);
    if (event.duration < 0) builder.unfinished(track, name, category, time, args);
    else builder.slice(track, name, category, time, event.duration, args);
    if (event.bindId.end !== 0 && (event.hasFlowIn || event.hasFlowOut)) {
      const flow = builder.flow(` ${this.#strings.text(bytes, event.bindId)}`);
      const kind = event.hasFlowIn ? (event.hasFlowOut ? 4 : 5) : 3;
      if (flow === 0) builder.skip('flow past the limit');
      else builder.flowEvent(kind, track, name, category, time, flow);
    }
  }

  #other(bytes: Uint8Array, event: JsonEvent): void {
    const letter = String.fromCharCode(event.phase);
    switch (letter) {
      case 'b':
      case 'e':
      case 'n':
      case 'S':
      case 'F':
      case 'T':
      case 'p':
        this.#async(bytes, event, letter);
        break;
      case 's':
      case 't':
      case 'f':
        this.#flow(bytes, event, letter);
        break;
      case 'i':
      case 'I':
      case 'R':
        this.#instant(bytes, event);
        break;
      case 'P':
        if (!this.#profile(bytes, event)) this.#instant(bytes, event);
        break;
      case 'C':
        this.#counter(bytes, event);
        break;
      case 'M':
        this.#metadata(bytes, event);
        break;
      default:
        this.#builder.skip(event.phase === 0 ? 'event without ph' : `phase ${letter}`);
    }
  }

  #async(bytes: Uint8Array, event: JsonEvent, letter: string): void {
    const builder = this.#builder;
    const id = this.#id(bytes, event);
    if (id === undefined) {
      builder.skip(`phase ${letter} without id`);
      return;
    }
    const name = this.#strings.range(bytes, event.name);
    const category = this.#category(bytes, event);
    const pid = this.#pid(bytes, event);
    const { strings } = builder;
    const owner = id.isGlobal ? this.#ownerOf(`${strings.text(category)} ${id.text}`, pid) : pid;
    const track = builder.asyncTrack(owner, strings.text(category), id.text, strings.text(name));
    const args = this.#args(bytes, event);
    const time = this.#time(event);
    this.#noteStack(bytes, event);
    if (letter === 'b' || letter === 'S') builder.begin(track, name, category, time, args);
    else if (letter === 'e' || letter === 'F') builder.end(track, time, args);
    else builder.instant(track, name, category, time, args);
  }

  #flow(bytes: Uint8Array, event: JsonEvent, letter: string): void {
    const builder = this.#builder;
    const id = this.#id(bytes, event);
    if (id === undefined) {
      builder.skip(`phase ${letter} without id`);
      return;
    }
    const name = this.#strings.range(bytes, event.name);
    const category = this.#category(bytes, event);
    const owner = id.isLocal ? `${this.#pid(bytes, event)} ` : '';
    const flow = builder.flow(`${owner}${builder.strings.text(category)} ${id.text}`);
    const kind = letter === 's' ? 3 : letter === 't' ? 4 : 5;
    if (flow === 0) builder.skip('flow past the limit');
    else builder.flowEvent(kind, this.#thread(bytes, event), name, category, this.#time(event), flow);
  }

  #instant(bytes: Uint8Array, event: JsonEvent): void {
    const isThreads = event.scope !== SCOPE_GLOBAL && event.scope !== SCOPE_PROCESS;
    const track = isThreads
      ? this.#thread(bytes, event)
      : this.#builder.processTrack(this.#pid(bytes, event));
    const name = this.#strings.range(bytes, event.name);
    const category = this.#category(bytes, event);
    const args = this.#args(bytes, event);
    this.#noteStack(bytes, event);
    this.#builder.instant(track, name, category, this.#time(event), args);
  }

  /** Returns false for what is no part of a CPU profile. */
  #profile(bytes: Uint8Array, event: JsonEvent): boolean {
    const name = this.#strings.text(bytes, event.name);
    const id = name === PROFILE || name === PROFILE_CHUNK ? this.#id(bytes, event)?.text : undefined;
    if (id === undefined) return false;
    const { pid, tid } = this.#builder.tracks[this.#thread(bytes, event)]!;
    this.#profiles.add(name, pid, tid, id, event.micros, this.#argsText(bytes, event));
    return true;
  }

  #counter(bytes: Uint8Array, event: JsonEvent): void {
    const builder = this.#builder;
    const samples = counterSamples(this.#argsText(bytes, event));
    if (samples.length === 0) builder.skip('counter without a number');
    const name = this.#strings.text(bytes, event.name);
    const id = this.#id(bytes, event)?.text ?? '';
    const pid = this.#pid(bytes, event);
    const time = this.#time(event);
    const only = samples.length === 1 ? samples[0]!.key : '';
    for (const { key, value } of samples) {
      const trackName = only === 'value' || only === name ? name : `${name} ${key}`;
      const track = builder.counterTrack(pid, trackName, id);
      builder.counter(track, this.#strings.intern(trackName), time, value);
    }
  }

  #metadata(bytes: Uint8Array, event: JsonEvent): void {
    const name = this.#strings.text(bytes, event.name);
    const pid = this.#pid(bytes, event);
    const text = this.#argsText(bytes, event);
    applyMetadata(this.#builder, { name, pid, track: () => this.#thread(bytes, event), text });
  }

  #category(bytes: Uint8Array, event: JsonEvent): number {
    return this.#strings.range(bytes, event.category);
  }

  #time(event: JsonEvent): number {
    return this.#builder.relative(event.micros, event.nanos);
  }

  #pid(bytes: Uint8Array, event: JsonEvent): number {
    if (event.pid !== -1) return event.pid;
    if (event.pidText.end === 0) return 0;
    const text = this.#strings.text(bytes, event.pidText);
    const pid = this.#textId(text);
    const process = this.#builder.process(pid);
    if (process.name === '') process.name = text;
    return pid;
  }

  #thread(bytes: Uint8Array, event: JsonEvent): number {
    if (event.tid !== -1 && event.tid === this.#lastTid && event.pid === this.#lastPid && event.pid !== -1) {
      return this.#lastTrack;
    }
    const pid = this.#pid(bytes, event);
    const isText = event.tid === -1 && event.tidText.end !== 0;
    const text = isText ? this.#strings.text(bytes, event.tidText) : '';
    const tid = isText ? this.#textId(text) : event.tid === -1 ? pid : event.tid;
    const track = this.#builder.threadTrack(pid, tid);
    if (isText) {
      const known = this.#builder.tracks[track]!;
      if (known.name === '') known.name = text;
    }
    this.#lastPid = event.pid;
    this.#lastTid = event.tid;
    this.#lastTrack = track;
    return track;
  }

  /** The process that holds the track of an operation whose id is the same in all processes: the first to name it. */
  #ownerOf(key: string, pid: number): number {
    const owner = this.#globalOwners.get(key);
    if (owner !== undefined) return owner;
    if (this.#globalOwners.size < 1_000_000) this.#globalOwners.set(key, pid);
    return pid;
  }

  #textId(text: string): number {
    let id = this.#textIds.get(text);
    if (id === undefined) {
      id = FIRST_TEXT_ID + this.#textIds.size;
      if (this.#textIds.size < 1_000_000) this.#textIds.set(text, id);
    }
    return id;
  }

  /** The id of an async event, flow or counter; undefined when it has none. */
  #id(
    bytes: Uint8Array,
    event: JsonEvent,
  ): { text: string; isLocal: boolean; isGlobal: boolean } | undefined {
    const scope = event.idScope.end === 0 ? '' : `${this.#strings.text(bytes, event.idScope)}:`;
    if (event.id2.end !== 0 && !event.id2.isString) {
      const id2 = JSON.parse(this.#clean(bytes, event.id2.start, event.id2.end)) as {
        local?: unknown;
        global?: unknown;
      } | null;
      if (id2?.local !== undefined) {
        return { text: `${scope}${String(id2.local)}`, isLocal: true, isGlobal: false };
      }
      if (id2?.global !== undefined) {
        return { text: `${scope}${String(id2.global)}`, isLocal: false, isGlobal: true };
      }
    }
    if (event.id.end === 0) return undefined;
    return { text: scope + this.#strings.text(bytes, event.id), isLocal: false, isGlobal: false };
  }

  /** String id of the arguments, 0 for none. */
  #args(bytes: Uint8Array, event: JsonEvent): number {
    const { argsStart, argsEnd } = event;
    if (argsEnd === 0) return 0;
    if (event.areArgsClean && bytes[argsStart] === OPEN_BRACE) {
      return argsEnd - argsStart === 2 ? 0 : this.#strings.args(bytes, argsStart, argsEnd);
    }
    const length = this.#compact(bytes, argsStart, argsEnd);
    if (this.#scratch[0] === OPEN_BRACE)
      return length === 2 ? 0 : this.#strings.args(this.#scratch, 0, length);
    const text = decode(this.#scratch, 0, length);
    if (text === 'null') return 0;
    const wrapped = encoder.encode(`{"args":${text}}`);
    return this.#strings.args(wrapped, 0, wrapped.length);
  }

  #argsText(bytes: Uint8Array, event: JsonEvent): string {
    return event.argsEnd === 0 ? '{}' : this.#clean(bytes, event.argsStart, event.argsEnd);
  }

  #clean(bytes: Uint8Array, start: number, end: number): string {
    // First: it may make the scratch larger.
    const length = this.#compact(bytes, start, end);
    return decode(this.#scratch, 0, length);
  }

  #compact(bytes: Uint8Array, start: number, end: number): number {
    if (this.#scratch.length < (end - start) * 6) this.#scratch = new Uint8Array((end - start) * 6);
    return compactJson(bytes, start, end, this.#scratch);
  }

  /** Remembers or adds the stack of the event whose row comes next. */
  #noteStack(bytes: Uint8Array, event: JsonEvent): void {
    if (event.stackFrame.end === 0 && event.stack.end === 0) return;
    if (event.stack.end === 0) this.#frames.refer(this.#strings.text(bytes, event.stackFrame));
    else if (event.stack.isString)
      this.#frames.inline(JSON.stringify(this.#strings.text(bytes, event.stack)));
    else this.#frames.inline(this.#clean(bytes, event.stack.start, event.stack.end));
  }
}

/** The numbers among the arguments of a counter, by key. */
function counterSamples(json: string): { key: string; value: number }[] {
  const args: unknown = JSON.parse(json);
  const samples: { key: string; value: number }[] = [];
  if (typeof args !== 'object' || args === null) return samples;
  for (const [key, given] of Object.entries(args)) {
    const value = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
    if (typeof value === 'number' && Number.isFinite(value)) samples.push({ key, value });
  }
  return samples;
}
