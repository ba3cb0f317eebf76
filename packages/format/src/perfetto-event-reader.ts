/**
 * Reads one TrackEvent message into the builder: slices by begin and end, instants, counter samples, flows, and the
 * events of the older form (`legacy_event`), which carry a phase of Chrome JSON. Fields may come in any order, so they
 * are collected first.
 */
import { AnnotationReader } from './perfetto-annotation-reader.ts';
import type { PerfettoClocks } from './perfetto-clocks.ts';
import { Event, EventType } from './perfetto-fields.ts';
import { FlowPart, type PerfettoFlows } from './perfetto-flows.ts';
import { LegacyEvent } from './perfetto-legacy-event.ts';
import { readNumbers, type SequenceReader } from './perfetto-sequence-reader.ts';
import type { PerfettoTrack, PerfettoTracks } from './perfetto-tracks.ts';
import { BYTES, FIXED64, type ProtobufInput } from './protobuf-input.ts';
import { recordingClock } from './recording-clock.ts';
import type { TraceBuilder } from './trace-builder.ts';
import type { ReadLimits } from './trace-reader.ts';
import { Category, MetadataName, OTHER_NAME } from './vocabulary.ts';

/** Everything that stays the same from event to event. */
export interface EventContext {
  readonly builder: TraceBuilder;
  readonly clocks: PerfettoClocks;
  readonly tracks: PerfettoTracks;
  readonly flows: PerfettoFlows;
  readonly limits: ReadLimits;
}

export class EventReader {
  readonly #input: ProtobufInput;
  readonly #context: EventContext;
  readonly #builder: TraceBuilder;
  readonly #annotations: AnnotationReader;
  readonly #legacy = new LegacyEvent();
  #sequence!: SequenceReader;

  // The fields of the event being read.
  #type = 0;
  #name = 0;
  #category = 0;
  #categoryCount = 0;
  #track: PerfettoTrack | undefined;
  #deltaMicros: number | undefined;
  #absoluteMicros = 0;
  #sample: number | undefined;
  #annotationCount = 0;
  readonly #annotationStarts: number[] = [];
  readonly #annotationEnds: number[] = [];
  #flowKeys: string[] = [];
  #endingFlowKeys: string[] = [];
  #oldFlowKeys: string[] = [];
  #oldEndingFlowKeys: string[] = [];
  #hasFlows = false;
  #hasLegacy = false;
  #extraValues: number[] = [];
  #extraDoubles: number[] = [];
  #extraTracks: PerfettoTrack[] = [];
  readonly #ttrace: number;
  readonly #other: number;

  constructor(input: ProtobufInput, context: EventContext) {
    this.#input = input;
    this.#context = context;
    this.#builder = context.builder;
    this.#annotations = new AnnotationReader(
      input,
      context.builder.strings,
      context.limits.maxDepth,
      (reason) => context.builder.skip(reason),
    );
    this.#ttrace = context.builder.strings.intern(Category.ttrace);
    this.#other = context.builder.strings.intern(OTHER_NAME);
  }

  /** Id of a text in the input's bytes; `(other)` past the limit of strings. */
  readonly intern = (start: number, end: number): number => {
    const { strings } = this.#builder;
    if (strings.size >= this.#context.limits.maxStrings) {
      this.#builder.skip('string past the limit');
      return this.#other;
    }
    return strings.internBytes(this.#input.bytes, start, end);
  };

  /**
   * Reads the message at the cursor.
   * @param time of the packet; NaN when it has none
   */
  read(sequence: SequenceReader, time: number): void {
    // hot: once a packet.
    this.#sequence = sequence;
    this.#clear();
    this.#readFields();
    if (this.#input.isDamaged) return;
    const at = this.#timeOf(time);
    if (Number.isNaN(at)) this.#builder.skip('event without time');
    else if (this.#type === EventType.unspecified && this.#hasLegacy) this.#emitLegacy(at);
    else this.#emit(at);
  }

  #clear(): void {
    this.#type = 0;
    this.#name = 0;
    this.#category = 0;
    this.#categoryCount = 0;
    this.#track = undefined;
    this.#deltaMicros = undefined;
    this.#absoluteMicros = 0;
    this.#sample = undefined;
    this.#annotationCount = 0;
    this.#hasLegacy = false;
    if (this.#hasFlows) {
      this.#hasFlows = false;
      this.#flowKeys = [];
      this.#endingFlowKeys = [];
      this.#oldFlowKeys = [];
      this.#oldEndingFlowKeys = [];
    }
    if (this.#extraValues.length > 0 || this.#extraDoubles.length > 0 || this.#extraTracks.length > 0) {
      this.#extraValues = [];
      this.#extraDoubles = [];
      this.#extraTracks = [];
    }
  }

  #readFields(): void {
    const input = this.#input;
    while (input.next()) {
      // The tags of the fields that nearly every event has, as numbers: a switch over constants is a jump.
      switch (input.tag) {
        case 72: // type
          this.#type = input.uint();
          break;
        case 80: // name_iid
          this.#name = this.#sequence.names.get(input.uint()) ?? 0;
          break;
        case 24: // category_iids
          this.#addCategory(this.#sequence.categories.get(input.uint()) ?? 0);
          break;
        case 88: // track_uuid
          input.uint();
          this.#track = this.#context.tracks.find(input.high, input.low);
          break;
        case 34: // debug_annotations
          this.#keepAnnotation();
          break;
        default:
          this.#readRareField(input.tag);
      }
    }
  }

  #readRareField(tag: number): void {
    const input = this.#input;
    switch (tag) {
      case (Event.name << 3) | BYTES:
        this.#name = this.#text();
        break;
      case (Event.categories << 3) | BYTES:
        this.#addCategory(this.#text());
        break;
      case (Event.categoryIids << 3) | BYTES:
        readNumbers(input, () => this.#addCategory(this.#sequence.categories.get(input.low) ?? 0));
        break;
      case Event.counterValue << 3:
        this.#sample = input.int();
        break;
      case (Event.doubleCounterValue << 3) | FIXED64:
        this.#sample = input.double();
        break;
      case (Event.legacyEvent << 3) | BYTES: {
        const outer = input.enter();
        this.#legacy.read(input);
        input.leave(outer);
        this.#hasLegacy = true;
        break;
      }
      case Event.timestampDeltaMicros << 3:
        this.#deltaMicros = input.int();
        break;
      case Event.timestampAbsoluteMicros << 3:
        this.#absoluteMicros = input.int();
        break;
      default:
        this.#readRepeatedField(tag >>> 3);
    }
  }

  #readRepeatedField(field: number): void {
    const input = this.#input;
    switch (field) {
      case Event.flowIds:
        this.#readFlows(this.#flowKeys);
        break;
      case Event.flowIdsOld:
        this.#readFlows(this.#oldFlowKeys);
        break;
      case Event.terminatingFlowIds:
        this.#readFlows(this.#endingFlowKeys);
        break;
      case Event.terminatingFlowIdsOld:
        this.#readFlows(this.#oldEndingFlowKeys);
        break;
      case Event.extraCounterTracks:
      case Event.extraDoubleCounterTracks:
        readNumbers(input, () => this.#extraTracks.push(this.#context.tracks.find(input.high, input.low)));
        break;
      case Event.extraCounterValues:
        readNumbers(input, (value) => this.#extraValues.push(value));
        break;
      case Event.extraDoubleCounterValues:
        readDoubles(input, this.#extraDoubles);
        break;
      default:
        input.skip();
    }
  }

  #readFlows(keys: string[]): void {
    const input = this.#input;
    this.#hasFlows = true;
    const isFixed = keys === this.#flowKeys || keys === this.#endingFlowKeys;
    readNumbers(input, () => keys.push(String(input.big)), isFixed);
  }

  #text(): number {
    const input = this.#input;
    const outer = input.enter();
    const id = input.isDamaged ? 0 : this.intern(input.at, input.end);
    input.leave(outer);
    return id;
  }

  #addCategory(id: number): void {
    if (this.#categoryCount++ === 0) this.#category = id;
    else {
      const { strings } = this.#builder;
      this.#category = strings.intern(`${strings.text(this.#category)},${strings.text(id)}`);
    }
  }

  #keepAnnotation(): void {
    const input = this.#input;
    const outer = input.enter();
    const index = this.#annotationCount++;
    this.#annotationStarts[index] = input.at;
    this.#annotationEnds[index] = input.end;
    input.leave(outer);
  }

  #timeOf(time: number): number {
    const { clocks } = this.#context;
    if (this.#deltaMicros !== undefined) {
      this.#sequence.lastMicros += this.#deltaMicros;
      return clocks.timeOfMicros(this.#sequence.lastMicros);
    }
    return this.#absoluteMicros === 0 ? time : clocks.timeOfMicros(this.#absoluteMicros);
  }

  /** String id of the event's arguments, 0 for none. */
  #args(): number {
    if (this.#annotationCount === 0) return 0;
    const { strings } = this.#builder;
    if (strings.size >= this.#context.limits.maxStrings) {
      this.#builder.skip('arguments past the limit of strings');
      return 0;
    }
    const { json } = this.#annotations;
    this.#annotations.read(
      this.#sequence,
      this.#annotationStarts,
      this.#annotationEnds,
      this.#annotationCount,
    );
    return strings.internBytes(json.bytes, 0, json.length);
  }

  #trackOrDefault(): PerfettoTrack {
    const sequence = this.#sequence;
    let track = this.#track ?? sequence.track ?? sequence.thread;
    if (track === undefined) {
      track = this.#context.tracks.ofSequence(sequence.id);
      sequence.track = track;
    }
    return track;
  }

  #emit(time: number): void {
    const builder = this.#builder;
    const track = this.#trackOrDefault();
    if (this.#extraValues.length > 0 || this.#extraDoubles.length > 0) this.#emitExtraSamples(time);
    if (this.#type === EventType.counter) {
      if (this.#sample === undefined) builder.skip('counter event without a value');
      else this.#emitSample(track, time, this.#sample);
      return;
    }
    const place = this.#context.tracks.eventsOf(track);
    if (this.#type === EventType.begin) {
      builder.begin(place, this.#name, this.#category, time, this.#args());
      if (this.#hasFlows) this.#emitFlows(place, time);
    } else if (this.#type === EventType.end) builder.end(place, time, this.#args());
    else if (this.#type === EventType.instant) this.#emitInstant(place, time);
    else builder.skip(`track event of type ${this.#type}`);
  }

  #emitInstant(place: number, time: number): void {
    const args = this.#args();
    if (this.#category === this.#ttrace && this.#isMetadata(place, args)) return;
    this.#builder.instant(place, this.#name, this.#category, time, args);
    if (this.#hasFlows) this.#emitFlows(place, time);
  }

  /** Takes what ttrace wrote about the recording out of the events. */
  #isMetadata(place: number, args: number): boolean {
    const builder = this.#builder;
    const name = builder.strings.text(this.#name);
    if (!name.startsWith('ttrace_')) return false;
    const text = builder.strings.text(args) || '{}';
    if (name === MetadataName.dropped) {
      builder.tracks[place]!.dropped += droppedCount(text);
      return true;
    }
    builder.metadata.set(name, text);
    if (name === MetadataName.recording) builder.clock = recordingClock(text) ?? builder.clock;
    return true;
  }

  #emitSample(track: PerfettoTrack, time: number, raw: number): void {
    let value = raw * track.multiplier;
    if (track.isIncremental) {
      track.value += value;
      value = track.value;
    }
    const place = this.#context.tracks.samplesOf(track);
    this.#builder.counter(place, track.sampleName, time, value);
  }

  #emitExtraSamples(time: number): void {
    const tracks = this.#extraTracks.length > 0 ? this.#extraTracks : this.#sequence.extraCounters;
    const values = [...this.#extraValues, ...this.#extraDoubles];
    for (const [i, value] of values.entries()) {
      const track = tracks[i];
      if (track === undefined) this.#builder.skip('counter value without a track');
      else this.#emitSample(track, time, value);
    }
  }

  #emitFlows(place: number, time: number): void {
    // Where both generations stand they say the same.
    const add = (keys: readonly string[], part: FlowPart): void => {
      for (const key of keys) this.#context.flows.add(key, part, place, this.#name, this.#category, time);
    };
    add(this.#flowKeys.length > 0 ? this.#flowKeys : this.#oldFlowKeys, FlowPart.any);
    add(this.#endingFlowKeys.length > 0 ? this.#endingFlowKeys : this.#oldEndingFlowKeys, FlowPart.last);
  }

  #emitLegacy(time: number): void {
    const { tracks } = this.#context;
    const legacy = this.#legacy;
    const name = legacy.nameIid === 0 ? this.#name : (this.#sequence.names.get(legacy.nameIid) ?? 0);
    const base = this.#trackOrDefault();
    const pid = legacy.pid < 0 ? tracks.pidOf(base) : legacy.pid;
    const place = legacy.tid < 0 ? tracks.eventsOf(base) : this.#builder.threadTrack(pid, legacy.tid);
    legacy.emit(this.#context, { place, pid, name, category: this.#category, time, args: this.#args() });
    if (this.#hasFlows) this.#emitFlows(place, time);
  }
}

function readDoubles(input: ProtobufInput, values: number[]): void {
  if ((input.tag & 7) === FIXED64) {
    values.push(input.double());
    return;
  }
  const outer = input.enter();
  while (input.at < input.end) {
    const value = input.double();
    if (input.isDamaged) return;
    values.push(value);
  }
  input.leave(outer);
}

function droppedCount(args: string): number {
  const value: unknown = JSON.parse(args);
  const count = typeof value === 'object' && value !== null ? (value as { dropped?: unknown }).dropped : 0;
  return typeof count === 'number' ? count : 0;
}
