/**
 * The tracks that a Perfetto trace describes, by uuid, and their places in the builder. Descriptors may come in any
 * order and after the first event, so an asynchronous track or a counter is looked up in the builder when it is used.
 */
import { ASYNC_DESCRIPTION } from './perfetto-descriptors.ts';
import { nameThread } from './thread-name.ts';
import type { TraceBuilder } from './trace-builder.ts';

const MAX_PARENTS = 100;

/** A 64-bit uuid in halves (protobuf-input.ts). */
export interface Uuid {
  readonly high: number;
  readonly low: number;
}

export interface PerfettoTrack extends Uuid {
  kind: 'unknown' | 'process' | 'thread' | 'counter' | 'other';
  name: string;
  description: string;
  parent: Uuid | undefined;
  pid: number;
  tid: number;
  unit: string;
  multiplier: number;
  isIncremental: boolean;
  /** Last value of an incremental counter. */
  value: number;
  /** Places in the builder, -1 until used: for slices and instants, for samples; and the samples' name. */
  events: number;
  samples: number;
  sampleName: number;
}

export class PerfettoTracks {
  readonly #builder: TraceBuilder;
  readonly #tracks = new Map<number, Map<number, PerfettoTrack>>();
  readonly #ofSequences = new Map<number, PerfettoTrack>();
  readonly #counterNames = new Set<string>();

  constructor(builder: TraceBuilder) {
    this.#builder = builder;
  }

  find(high: number, low: number): PerfettoTrack {
    let byLow = this.#tracks.get(high);
    if (byLow === undefined) {
      byLow = new Map();
      this.#tracks.set(high, byLow);
    }
    let track = byLow.get(low);
    if (track === undefined) {
      track = unknownTrack(high, low);
      byLow.set(low, track);
    }
    return track;
  }

  /** The track of events that name none, on a sequence without a default; any number tells two apart. */
  ofSequence(id: number): PerfettoTrack {
    let track = this.#ofSequences.get(id);
    if (track === undefined) {
      track = unknownTrack(0, id);
      track.kind = 'other';
      track.name = id < 0 ? '' : `sequence ${id}`;
      this.#ofSequences.set(id, track);
    }
    return track;
  }

  /** Takes a track's descriptor, all of it now in `track`, over into the builder as far as it has a place there. */
  describe(track: PerfettoTrack, sortIndex: number, processName: string): void {
    const builder = this.#builder;
    if (track.kind === 'process') {
      const process = builder.process(track.pid);
      if (processName !== '') process.name = processName;
      if (sortIndex !== 0) process.sortIndex = sortIndex;
      return;
    }
    if (track.kind === 'thread') {
      track.events = builder.threadTrack(track.pid, track.tid);
      const thread = builder.tracks[track.events]!;
      if (track.name !== '') nameThread(builder, thread, track.name);
      if (sortIndex !== 0) thread.sortIndex = sortIndex;
      return;
    }
    if (track.events >= 0) builder.tracks[track.events]!.name = track.name;
  }

  /** Where slices and instants of a track go. */
  eventsOf(track: PerfettoTrack): number {
    if (track.events < 0) track.events = this.#place(track);
    return track.events;
  }

  /** Where samples go; `track.sampleName` is set too. */
  samplesOf(track: PerfettoTrack): number {
    if (track.samples < 0) {
      const owner = this.#owner(track);
      const pid = owner?.pid ?? 0;
      let id = owner?.kind === 'thread' ? String(owner.tid) : '';
      if (this.#counterNames.has(`${pid} ${id} ${track.name}`)) id = hex(track);
      this.#counterNames.add(`${pid} ${id} ${track.name}`);
      track.samples = this.#builder.counterTrack(pid, track.name, id);
      track.sampleName = this.#builder.strings.intern(track.name);
      this.#builder.tracks[track.samples]!.unit = track.unit;
    }
    return track.samples;
  }

  /** The process that a track belongs to, 0 for none. */
  pidOf(track: PerfettoTrack): number {
    return this.#owner(track)?.pid ?? 0;
  }

  #place(track: PerfettoTrack): number {
    const builder = this.#builder;
    if (track.kind === 'process') return builder.processTrack(track.pid);
    if (track.kind === 'thread') return builder.threadTrack(track.pid, track.tid);
    const pid = this.#owner(track)?.pid ?? 0;
    const operation = track.description.startsWith(ASYNC_DESCRIPTION)
      ? track.description.slice(ASYNC_DESCRIPTION.length)
      : '';
    const space = operation.lastIndexOf(' ');
    if (space >= 0) {
      return builder.asyncTrack(pid, operation.slice(0, space), operation.slice(space + 1), track.name);
    }
    return builder.asyncTrack(pid, '', hex(track), track.name);
  }

  /** The nearest process or thread at or above a track. */
  #owner(track: PerfettoTrack): PerfettoTrack | undefined {
    let at: PerfettoTrack | undefined = track;
    for (let i = 0; at !== undefined && i < MAX_PARENTS; i++) {
      if (at.kind === 'process' || at.kind === 'thread') return at;
      at = at.parent && this.find(at.parent.high, at.parent.low);
    }
    return undefined;
  }
}

function unknownTrack(high: number, low: number): PerfettoTrack {
  return {
    high,
    low,
    kind: 'unknown',
    name: '',
    description: '',
    parent: undefined,
    pid: 0,
    tid: 0,
    unit: '',
    multiplier: 1,
    isIncremental: false,
    value: 0,
    events: -1,
    samples: -1,
    sampleName: 0,
  };
}

function hex(track: Uuid): string {
  return `0x${((BigInt(track.high) << 28n) | BigInt(track.low)).toString(16)}`;
}
