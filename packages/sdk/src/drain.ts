/**
 * Reads the threads' rings and hands every record to a TraceWriter. Runs in the collector; pure apart from the shared
 * memory, so that tests can drive it.
 *
 * Knows what the records do not say: which track a thread has, and what its names and texts are. Regions that are open for
 * long are begun-regions.ts's, tasks and async regions async-tracks.ts's.
 */
import {
  Category,
  MetadataName,
  OTHER_NAME,
  type StringRef,
  type TraceWriter,
  type TrackRef,
} from '@ttrace/format';
import { AsyncTracks } from './async-tracks.ts';
import { BegunRegions } from './begun-regions.ts';
import {
  type Block,
  BlockState,
  blockAt,
  Control,
  Header,
  KIND_SHIFT,
  NAME_MASK,
  OTHER_NAME_ID,
  RecordKind,
  SLOT_BYTES,
} from './ring.ts';

/** Slots after which the producer is told about free room, and at most read from one thread before the next has its turn. */
const TURN_SLOTS = 1 << 14;

/** What drain keeps about one block. */
interface Source {
  readonly block: Block;
  tail: number;
  /** undefined until the thread has introduced itself. */
  track: TrackRef | undefined;
  /** Known from the same moment on. */
  begun: BegunRegions | undefined;
  threadId: number;
  /** Nanoseconds to add to the thread's clock for nanoseconds since the recording's origin. */
  offset: number;
  names: StringRef[];
  nameTexts: string[];
  /** Belongs to the next record. */
  text: string;
  flow: number;
  flowDirection: 0 | 1;
}

/** What the recording contained, for whoever asks at its end. */
export interface DrainCounts {
  records: number;
  dropped: number;
  threads: number;
}

export interface Drain {
  /** Takes everything that is in the rings by now; returns how many records it was. */
  round(): number;
  /** The last round: what is left, what is still open, and what was dropped. The writer is finished after. */
  finish(): DrainCounts;
}

/** @param origin Nanoseconds of `process.hrtime` that are time 0 of the writer. */
export function createDrain(
  control: Int32Array,
  arena: SharedArrayBuffer,
  writer: TraceWriter,
  pid: number,
  origin: bigint,
): Drain {
  return new RingDrain(control, arena, writer, pid, origin);
}

class RingDrain implements Drain {
  readonly #control: Int32Array;
  readonly #arena: SharedArrayBuffer;
  readonly #writer: TraceWriter;
  readonly #pid: number;
  readonly #origin: number;
  readonly #sources: (Source | undefined)[] = [];
  readonly #counts: DrainCounts = { records: 0, dropped: 0, threads: 0 };
  readonly #decoder = new TextDecoder();
  readonly #usedThreadIds = new Set<number>();
  readonly #async: AsyncTracks;
  readonly #counters = new Map<string, TrackRef>();
  readonly #region: StringRef;
  readonly #log: StringRef;
  readonly #flow: StringRef;

  constructor(
    control: Int32Array,
    arena: SharedArrayBuffer,
    writer: TraceWriter,
    pid: number,
    origin: bigint,
  ) {
    this.#control = control;
    this.#arena = arena;
    this.#writer = writer;
    this.#pid = pid;
    this.#origin = Number(origin);
    this.#region = writer.string(Category.region);
    this.#async = new AsyncTracks(writer, pid);
    this.#log = writer.string(Category.log);
    this.#flow = writer.string(Category.flow);
  }

  round(): number {
    const before = this.#counts.records;
    const blocks = Atomics.load(this.#control, Control.blocks);
    for (let index = 0; index < blocks; index++) {
      const source = this.#source(index);
      if (source === undefined) continue;
      // Read before the records: a thread that has ended writes no more.
      const hasEnded = Atomics.load(source.block.header, Header.state) === BlockState.ended;
      this.#readRing(source);
      if (hasEnded) this.#release(index, source);
      else source.begun?.beginLongOpen();
    }
    return this.#counts.records - before;
  }

  finish(): DrainCounts {
    this.round();
    for (const source of this.#sources) if (source !== undefined) this.#close(source);
    return this.#counts;
  }

  #source(index: number): Source | undefined {
    const known = this.#sources[index];
    if (known !== undefined) return known;
    const block = blockAt(this.#arena, this.#control[Control.slotsLog2]!, index);
    const state = Atomics.load(block.header, Header.state);
    if (state !== BlockState.live && state !== BlockState.ended) return undefined;
    // Left over from an earlier recording: its thread has not ended or enrolled again yet.
    if (block.header[Header.recording] !== this.#control[Control.lastRecording]) return undefined;
    const source: Source = {
      block,
      tail: Atomics.load(block.header, Header.tail),
      track: undefined,
      begun: undefined,
      threadId: 0,
      offset: 0,
      names: [],
      nameTexts: [],
      text: '',
      flow: 0,
      flowDirection: 0,
    };
    source.names[OTHER_NAME_ID] = this.#writer.string(OTHER_NAME);
    source.nameTexts[OTHER_NAME_ID] = OTHER_NAME;
    this.#sources[index] = source;
    this.#counts.threads++;
    return source;
  }

  #readRing(source: Source): void {
    const { header } = source.block;
    const head = Atomics.load(header, Header.head);
    while (source.tail !== head) {
      const count = Math.min((head - source.tail) | 0, TURN_SLOTS);
      const end = (source.tail + count) | 0;
      this.#readSlots(source, end, head);
      Atomics.store(header, Header.tail, source.tail);
    }
  }

  /** Reads records up to slot `end`; a record with a text may reach beyond, up to `head`. */
  #readSlots(source: Source, end: number, head: number): void {
    // hot: one turn a region.
    const { doubles, integers, mask } = source.block;
    const writer = this.#writer;
    let tail = source.tail;
    let records = 0;
    while (((end - tail) | 0) > 0) {
      const slot = (tail & mask) * 3;
      const kindAndName = integers[slot * 2 + 4]!;
      const kind = kindAndName >>> KIND_SHIFT;
      tail = (tail + 1) | 0;
      if (
        kind === RecordKind.region &&
        source.text === '' &&
        source.flow === 0 &&
        source.track !== undefined &&
        source.begun?.isIdle === true
      ) {
        const start = Math.round(doubles[slot]! * 1e6);
        writer.slice(
          source.track,
          source.names[kindAndName & NAME_MASK]!,
          this.#region,
          start + source.offset,
          Math.round(doubles[slot + 1]! * 1e6) - start,
          integers[slot * 2 + 5]!,
        );
        records++;
        continue;
      }
      source.tail = tail;
      records += this.#readRecord(
        source,
        kind,
        kindAndName & NAME_MASK,
        integers[slot * 2 + 5]!,
        doubles[slot]!,
        doubles[slot + 1]!,
      );
      tail = source.tail;
    }
    source.tail = ((head - tail) | 0) < 0 ? head : tail;
    this.#counts.records += records;
  }

  /** Handles any record; returns 1 if it is an event, 0 if it is a part or a definition. */
  #readRecord(
    source: Source,
    kind: number,
    name: number,
    task: number,
    first: number,
    second: number,
  ): number {
    switch (kind) {
      case RecordKind.text:
        source.text = this.#readText(source, first);
        return 0;
      case RecordKind.flow:
        source.flow = first;
        source.flowDirection = name === 0 ? 0 : 1;
        return 0;
      case RecordKind.name:
        source.names[name] = this.#writer.string(source.text);
        source.nameTexts[name] = source.text;
        source.text = '';
        return 0;
      case RecordKind.thread:
        this.#introduce(source, name, first, second);
        source.text = '';
        return 0;
      default:
        if (source.track !== undefined)
          this.#writeEvent(source, source.track, kind, name, task, first, second);
        source.text = '';
        source.flow = 0;
        return 1;
    }
  }

  #introduce(source: Source, threadId: number, clockOffset: number, osThreadId: number): void {
    let tid = osThreadId;
    // The system may give a new thread the id of one that has ended; in one trace it must not.
    while (this.#usedThreadIds.has(tid)) tid += 1 << 22;
    this.#usedThreadIds.add(tid);
    source.threadId = threadId;
    source.offset = clockOffset - this.#origin;
    const track = this.#writer.thread(this.#pid, tid, source.text, threadId);
    source.track = track;
    source.begun = new BegunRegions(this.#writer, track, source.offset, source.block, (id, start, task) => {
      const name = source.names[id];
      // On the way still.
      if (name === undefined) return false;
      this.#writer.begin(track, name, this.#region, Math.round(start * 1e6) + source.offset, task);
      return true;
    });
  }

  #readText(source: Source, length: number): string {
    const { bytes, mask } = source.block;
    const at = (source.tail & mask) * SLOT_BYTES;
    // Copied: a decoder does not take shared memory.
    const copy = new Uint8Array(length);
    const fits = Math.min(length, bytes.length - at);
    copy.set(bytes.subarray(at, at + fits));
    if (fits < length) copy.set(bytes.subarray(0, length - fits), fits);
    source.tail = (source.tail + Math.ceil(length / SLOT_BYTES)) | 0;
    return this.#decoder.decode(copy);
  }

  #writeEvent(
    source: Source,
    track: TrackRef,
    kind: number,
    name: number,
    task: number,
    first: number,
    second: number,
  ): void {
    const writer = this.#writer;
    const time = Math.round(first * 1e6) + source.offset;
    const label = source.names[name] ?? 0;
    switch (kind) {
      case RecordKind.region:
        this.#writeRegion(source, track, label, task, first, second);
        break;
      case RecordKind.asyncBegin:
        this.#beginAsyncRegion(source, label, source.nameTexts[name] ?? '', task, first, second);
        break;
      case RecordKind.asyncEnd:
        this.#async.endRegion(second, time);
        break;
      case RecordKind.taskBegin:
        this.#async.beginTask(task, source.nameTexts[name] ?? '', label, time, second, source.text);
        break;
      case RecordKind.taskEnd:
        this.#async.endTask(task, time);
        break;
      case RecordKind.log:
        writer.instant(track, label, this.#log, time, task, `{"message":${JSON.stringify(source.text)}}`);
        break;
      case RecordKind.counter:
        writer.counter(this.#counter(source.nameTexts[name] ?? ''), time, second);
        break;
    }
  }

  #writeRegion(
    source: Source,
    track: TrackRef,
    label: StringRef,
    task: number,
    first: number,
    second: number,
  ): void {
    const writer = this.#writer;
    const start = Math.round(first * 1e6);
    const end = Math.round(second * 1e6);
    if (source.begun?.end(first, second, source.text) === true) return;
    if (source.flow === 0) {
      writer.slice(track, label, this.#region, start + source.offset, end - start, task, source.text);
    } else {
      const direction = source.flowDirection === 0 ? 'out' : 'in';
      writer.slice(track, label, this.#flow, start + source.offset, end - start, task, source.text, [
        { id: source.flow, direction },
      ]);
    }
  }

  /** The id of an async region stands before it, as that of a flow. */
  #beginAsyncRegion(
    source: Source,
    label: StringRef,
    name: string,
    task: number,
    start: number,
    left: number,
  ): void {
    const from = source.begun?.leave(start, left) ?? start;
    const time = Math.round(from * 1e6) + source.offset;
    this.#async.beginRegion(source.flow, name, label, time, task, source.text);
  }

  #counter(name: string): TrackRef {
    let track = this.#counters.get(name);
    if (track === undefined) {
      track = this.#writer.counterTrack(this.#pid, name);
      this.#counters.set(name, track);
    }
    return track;
  }

  /** The thread has ended: writes what only its end tells, and gives the block back. */
  #release(index: number, source: Source): void {
    this.#close(source);
    this.#sources[index] = undefined;
    Atomics.store(source.block.header, Header.state, BlockState.free);
  }

  #close(source: Source): void {
    const { header } = source.block;
    if (source.track === undefined) return;
    source.begun?.beginOpen();
    const dropped = header[Header.dropped]! >>> 0;
    if (dropped > 0) {
      this.#counts.dropped += dropped;
      this.#writer.metadata(source.track, MetadataName.dropped, `{"dropped":${dropped}}`);
    }
  }
}
