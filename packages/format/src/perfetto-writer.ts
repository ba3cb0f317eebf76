/**
 * Perfetto protobuf: TrackEvent packets, which Perfetto v20 (2021) and later draw. FORMAT.md shows each event.
 *
 * Every thread and counter is a packet sequence of its own, so that its events need not name their track and its
 * timestamps are distances to the one before; tasks and all descriptors share the first sequence. A slice is a begin and
 * an end packet. On a thread the end is kept back until an event comes that lies behind it: packets then are in order of
 * time, whether slices come parents first (`writeTrace`) or children first (a recorder writes a slice when it ends).
 */

import {
  type TrackPlace,
  writeAsyncDescriptor,
  writeCounterDescriptor,
  writeProcessDescriptor,
  writeThreadDescriptor,
} from './perfetto-descriptors.ts';
import { EventType } from './perfetto-fields.ts';
import { type EventPlace, PacketWriter, type Payload } from './perfetto-packet-writer.ts';
import { PendingEnds } from './perfetto-pending-ends.ts';
import { RecentBegins } from './perfetto-recent-begins.ts';
import { SequenceWriter } from './perfetto-sequence-writer.ts';
import { recordingClock } from './recording-clock.ts';
import type { Flow, StringRef, TraceWriter, TrackRef, WriterOptions } from './trace-writer.ts';
import { Category, MetadataName } from './vocabulary.ts';

/** Track uuids are a number times this plus the pid, so that traces of several processes can be laid side by side. */
const UUID_STEP = 2 ** 22;

/** Options of `createPerfettoWriter`. */
export interface PerfettoWriterOptions extends WriterOptions {
  /**
   * Compresses to zlib format; `deflateSync` of node:zlib at level 1 serves. When given, packets are written in
   * compressed blocks of about a megabyte, which Perfetto reads as well.
   */
  readonly compress?: (bytes: Uint8Array) => Uint8Array;
}

interface PerfettoTrack extends EventPlace {
  /** Of a thread; the slices of other tracks are closed at once. */
  readonly pending: PendingEnds | undefined;
  readonly recent: RecentBegins;
}

/** Of the tracks that have no use for one. */
const NO_BEGINS = new RecentBegins();

/** Makes a writer of Perfetto protobuf. */
export function createPerfettoWriter(options: PerfettoWriterOptions): TraceWriter {
  return new PerfettoWriter(options);
}

class PerfettoWriter implements TraceWriter {
  readonly #origin: bigint;
  readonly #packets: PacketWriter;
  readonly #main: SequenceWriter;
  readonly #tracks: PerfettoTrack[] = [];
  readonly #released: TrackRef[] = [];
  readonly #processUuids = new Map<number, number>();
  /** By process and name: one that is declared again is the same. */
  readonly #counterUuids = new Map<string, number>();
  readonly #strings: string[] = [''];
  readonly #stringRefs = new Map<string, StringRef>([['', 0]]);
  #sequenceCount = 0;
  #uuidCount = 0;

  constructor(options: PerfettoWriterOptions) {
    this.#origin = options.origin ?? 0n;
    this.#packets = new PacketWriter(options.sink, options.compress, this.#strings);
    this.#main = this.#startSequence(0);
  }

  process(pid: number, name: string, sortIndex = 0): TrackRef {
    let uuid = this.#processUuids.get(pid);
    if (uuid === undefined) {
      uuid = this.#newUuid(pid);
      this.#processUuids.set(pid, uuid);
    }
    writeProcessDescriptor(this.#packets.out, this.#place(uuid, 0), pid, name, sortIndex);
    return this.#declare({
      uuid,
      sequence: this.#main,
      isExplicit: true,
      pending: undefined,
      recent: NO_BEGINS,
    });
  }

  thread(pid: number, tid: number, name: string, sortIndex = 0): TrackRef {
    const place = this.#place(this.#newUuid(pid), this.#processUuid(pid));
    const sequence = this.#startSequence(place.uuid);
    // In the thread's own sequence: Perfetto takes a sequence's last thread for the one behind all its other tracks.
    writeThreadDescriptor(
      this.#packets.out,
      { ...place, sequenceId: sequence.id },
      pid,
      tid,
      name,
      sortIndex,
    );
    return this.#declare({
      uuid: place.uuid,
      sequence,
      isExplicit: false,
      pending: new PendingEnds(),
      recent: new RecentBegins(),
    });
  }

  asyncTrack(pid: number, category: string, id: string, name: string): TrackRef {
    const place = this.#place(this.#newUuid(pid), this.#processUuid(pid));
    writeAsyncDescriptor(this.#packets.out, place, name, category, id);
    return this.#declare({
      uuid: place.uuid,
      sequence: this.#main,
      isExplicit: true,
      pending: undefined,
      recent: NO_BEGINS,
    });
  }

  counterTrack(pid: number, name: string, unit = ''): TrackRef {
    const key = `${pid} ${name}`;
    const uuid = this.#counterUuids.get(key) ?? this.#newUuid(pid);
    this.#counterUuids.set(key, uuid);
    const place = this.#place(uuid, this.#processUuid(pid));
    writeCounterDescriptor(this.#packets.out, place, name, unit);
    const sequence = this.#startSequence(place.uuid);
    return this.#declare({
      uuid: place.uuid,
      sequence,
      isExplicit: false,
      pending: undefined,
      recent: NO_BEGINS,
    });
  }

  string(text: string): StringRef {
    let ref = this.#stringRefs.get(text);
    if (ref === undefined) {
      ref = this.#strings.push(text) - 1;
      this.#stringRefs.set(text, ref);
    }
    return ref;
  }

  slice(
    ref: TrackRef,
    name: StringRef,
    category: StringRef,
    start: number,
    duration: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void {
    // hot: one call a region. Budget: 80 ns; the sdk's bench/sustained.mjs.
    const track = this.#tracks[ref]!;
    const pending = track.pending;
    if (pending === undefined) {
      this.#event(track, EventType.begin, name, category, start, task, args, flows);
      this.#packets.end(track, start + duration);
      return;
    }
    const end = start + duration;
    if (pending.depth !== 0) this.#settle(track, pending, start, end);
    const packets = this.#packets;
    let position = track.recent.tie(start, end, packets.spills);
    if (position >= 0) this.#insertBegin(track, position, name, category, start, { task, args, flows });
    else {
      position = packets.out.at;
      packets.event(track, EventType.begin, name, category, start, task, args, flows);
    }
    track.recent.push(start, end, position);
    pending.push(start, end);
  }

  begin(
    ref: TrackRef,
    name: StringRef,
    category: StringRef,
    start: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void {
    const track = this.#tracks[ref]!;
    const { pending } = track;
    if (pending !== undefined) {
      this.#settle(track, pending, start, Infinity);
      const position = track.recent.tie(start, Infinity, this.#packets.spills);
      if (position >= 0) {
        this.#insertBegin(track, position, name, category, start, { task, args, flows });
        return;
      }
    }
    this.#event(track, EventType.begin, name, category, start, task, args, flows);
  }

  end(ref: TrackRef, time: number, args?: string): void {
    const track = this.#tracks[ref]!;
    const { pending } = track;
    if (pending !== undefined) {
      while (pending.depth !== 0 && pending.lastEnd <= time) this.#packets.end(track, pending.pop());
    }
    if (args === undefined || args === '') this.#packets.end(track, time);
    else this.#packets.event(track, EventType.end, 0, 0, time, 0, args, undefined);
  }

  instant(
    ref: TrackRef,
    name: StringRef,
    category: StringRef,
    time: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void {
    this.#event(this.#tracks[ref]!, EventType.instant, name, category, time, task, args, flows);
  }

  counter(ref: TrackRef, time: number, value: number): void {
    this.#packets.counter(this.#tracks[ref]!, time, value);
  }

  release(ref: TrackRef): void {
    this.#endPending(this.#tracks[ref]!);
    this.#released.push(ref);
  }

  metadata(ref: TrackRef, name: string, args: string): void {
    const track = this.#tracks[ref]!;
    if (name === MetadataName.recording) this.#writeWallClock(args);
    const time = track.sequence.last;
    this.#event(track, EventType.instant, this.string(name), this.string(Category.ttrace), time, 0, args);
  }

  flush(): void {
    for (const track of this.#tracks) this.#endPending(track);
    this.#packets.spill();
  }

  finish(): void {
    this.flush();
  }

  #endPending(track: PerfettoTrack): void {
    const { pending } = track;
    if (pending === undefined) return;
    while (pending.depth !== 0) this.#packets.end(track, pending.pop());
  }

  #event(
    track: PerfettoTrack,
    type: number,
    name: StringRef,
    category: StringRef,
    time: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void {
    if (track.pending !== undefined) this.#settle(track, track.pending, time, time);
    this.#packets.event(track, type, name, category, time, task, args, flows);
  }

  /** Writes the ends of the slices that an event from `time` to `end` does not lie in. */
  #settle(track: PerfettoTrack, pending: PendingEnds, time: number, end: number): void {
    // A slice that begins later is a child which came before its parent. A slice of no length stays open for others
    // at the same instant: the first one written is the outer one.
    while (
      pending.depth !== 0 &&
      (pending.lastBegin > time ||
        pending.lastEnd < time ||
        (pending.lastBegin < time ? pending.lastEnd === time : pending.lastEnd < end))
    ) {
      this.#packets.end(track, pending.pop());
    }
  }

  /** Writes the begin of a slice in front of that of its first child, which begins at the same time. */
  #insertBegin(
    track: PerfettoTrack,
    position: number,
    name: StringRef,
    category: StringRef,
    start: number,
    payload: Payload,
  ): void {
    const { out, spills } = this.#packets;
    const { sequence } = track;
    const from = out.at;
    // A time before the last one does not move the incremental clock, which the packets behind it count on.
    const { last } = sequence;
    sequence.last = Infinity;
    this.#packets.full(track, EventType.begin, name, category, start, payload);
    sequence.last = last;
    if (this.#packets.spills !== spills) return;
    out.rotate(position, from);
    for (const other of this.#tracks) other.recent.shift(position, out.at - from, spills);
  }

  #startSequence(trackUuid: number): SequenceWriter {
    return new SequenceWriter(this.#packets.out, ++this.#sequenceCount, this.#origin, trackUuid);
  }

  #place(uuid: number, parent: number): TrackPlace {
    if (this.#packets.out.at > 1 << 19) this.#packets.spill();
    return { sequenceId: this.#main.id, uuid, parent };
  }

  #newUuid(pid: number): number {
    return ++this.#uuidCount * UUID_STEP + (pid % UUID_STEP);
  }

  /** The uuid of a process, which is described without a name if it was not declared yet. */
  #processUuid(pid: number): number {
    if (!this.#processUuids.has(pid)) this.process(pid, '');
    return this.#processUuids.get(pid)!;
  }

  #declare(track: PerfettoTrack): TrackRef {
    const ref = this.#released.pop();
    if (ref === undefined) return this.#tracks.push(track) - 1;
    this.#tracks[ref] = track;
    return ref;
  }

  #writeWallClock(args: string): void {
    const clock = recordingClock(args);
    if (clock !== undefined) this.#packets.wallClock(this.#main, clock.monotonicNanos, clock.wallMillis);
  }
}
