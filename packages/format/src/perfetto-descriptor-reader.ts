/**
 * Reads the packets that describe tracks, threads and processes, in the present form (TrackDescriptor) and the older
 * one (a thread or process descriptor as a packet of its own).
 */
import { COUNTER_UNITS, CounterField, ProcessField, ThreadField, TrackField } from './perfetto-fields.ts';
import type { SequenceReader } from './perfetto-sequence-reader.ts';
import type { PerfettoTrack, PerfettoTracks } from './perfetto-tracks.ts';
import { BYTES, type ProtobufInput } from './protobuf-input.ts';
import type { TraceBuilder } from './trace-builder.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** What a descriptor of a process or thread says beside the ids. */
interface Described {
  name: string;
  sortIndex: number;
}

export function readTrack(input: ProtobufInput, tracks: PerfettoTracks, sequence: SequenceReader): void {
  const start = input.at;
  const track = findTrack(input, tracks);
  if (track === undefined) return;
  input.at = start;
  track.parent = undefined;
  let described: Described = { name: '', sortIndex: 0 };
  if (track.kind === 'unknown') track.kind = 'other';
  while (input.next()) {
    switch (input.tag) {
      case TrackField.parentUuid << 3:
        input.uint();
        track.parent = { high: input.high, low: input.low };
        break;
      case (TrackField.name << 3) | BYTES:
      case (TrackField.staticName << 3) | BYTES:
      case (TrackField.atraceName << 3) | BYTES:
        track.name = text(input);
        break;
      case (TrackField.description << 3) | BYTES:
        track.description = text(input);
        break;
      case (TrackField.process << 3) | BYTES:
        track.kind = 'process';
        described = inside(input, () => readProcessFields(input, track));
        break;
      case (TrackField.thread << 3) | BYTES:
        track.kind = 'thread';
        described = inside(input, () => readThreadFields(input, track, sequence));
        break;
      case (TrackField.counter << 3) | BYTES:
        track.kind = 'counter';
        inside(input, () => readCounter(input, track));
        break;
      default:
        input.skip();
    }
  }
  if (input.isDamaged) return;
  if (track.kind === 'thread' && described.name !== '') track.name = described.name;
  tracks.describe(track, described.sortIndex, described.name || track.name);
}

/** Reads the older packet that names the thread of a sequence. */
export function readThread(
  input: ProtobufInput,
  builder: TraceBuilder,
  tracks: PerfettoTracks,
  sequence: SequenceReader,
): void {
  const track = tracks.ofSequence(-1 - sequence.id);
  track.kind = 'thread';
  const { name, sortIndex } = readThreadFields(input, track, sequence);
  if (input.isDamaged) return;
  track.name = name;
  sequence.thread = track;
  tracks.describe(track, sortIndex, '');
  builder.process(track.pid);
}

/** Reads the older packet that names a process. */
export function readProcess(input: ProtobufInput, builder: TraceBuilder): void {
  const place = { pid: 0 };
  const { name, sortIndex } = readProcessFields(input, place);
  if (input.isDamaged) return;
  const process = builder.process(place.pid);
  if (name !== '') process.name = name;
  if (sortIndex !== 0) process.sortIndex = sortIndex;
}

function findTrack(input: ProtobufInput, tracks: PerfettoTracks): PerfettoTrack | undefined {
  while (input.next()) {
    if (input.tag === TrackField.uuid << 3) {
      input.uint();
      return tracks.find(input.high, input.low);
    }
    input.skip();
  }
  return undefined;
}

function readProcessFields(input: ProtobufInput, place: { pid: number }): Described {
  let name = '';
  let command = '';
  let sortIndex = 0;
  while (input.next()) {
    if (input.tag === ProcessField.pid << 3) place.pid = input.int();
    else if (input.tag === ProcessField.sortIndex << 3) sortIndex = input.int();
    else if (input.tag === ((ProcessField.name << 3) | BYTES)) name = text(input);
    else if (input.tag === ((ProcessField.cmdline << 3) | BYTES)) command ||= text(input);
    else input.skip();
  }
  return { name: name || command, sortIndex };
}

function readThreadFields(
  input: ProtobufInput,
  place: { pid: number; tid: number },
  sequence: SequenceReader,
): Described {
  let name = '';
  let sortIndex = 0;
  while (input.next()) {
    if (input.tag === ThreadField.pid << 3) place.pid = input.int();
    else if (input.tag === ThreadField.tid << 3) place.tid = input.int();
    else if (input.tag === ThreadField.sortIndex << 3) sortIndex = input.int();
    else if (input.tag === ThreadField.referenceMicros << 3) sequence.lastMicros = input.int();
    else if (input.tag === ((ThreadField.name << 3) | BYTES)) name = text(input);
    else input.skip();
  }
  return { name, sortIndex };
}

function readCounter(input: ProtobufInput, track: PerfettoTrack): Described {
  while (input.next()) {
    if (input.tag === CounterField.unit << 3) track.unit ||= COUNTER_UNITS[input.uint()] ?? '';
    else if (input.tag === ((CounterField.unitName << 3) | BYTES)) track.unit = text(input);
    else if (input.tag === CounterField.unitMultiplier << 3) track.multiplier = input.int() || 1;
    else if (input.tag === CounterField.isIncremental << 3) track.isIncremental = input.uint() !== 0;
    else input.skip();
  }
  return { name: '', sortIndex: 0 };
}

function inside(input: ProtobufInput, read: () => Described): Described {
  const outer = input.enter();
  const described = read();
  input.leave(outer);
  return described;
}

function text(input: ProtobufInput): string {
  const outer = input.enter();
  const value = input.isDamaged ? '' : decoder.decode(input.bytes.subarray(input.at, input.end));
  input.leave(outer);
  return value;
}
