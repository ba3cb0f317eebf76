/**
 * Reads the threads' rings and hands every record to a TraceWriter. Runs in the collector; pure apart from the shared memory, so
 * that tests can drive it. Knows what the records do not say: which track a thread has, and what its names and texts are. Regions that are open for
 * long are begun-regions.ts's, tasks and async regions async-tracks.ts's. One file, for all of it is one loop over records, a case for each kind.
 */
import { Category, MetadataName, OTHER_NAME } from '@ttrace/format/vocabulary';
import type { StringRef, TraceWriter, TrackRef } from '@ttrace/format/writers';
import { createAnswerTexts } from './answer-texts.ts';
import { AsyncTracks } from './async-tracks.ts';
import { CounterTracks } from './counter-tracks.ts';
import {
  closeLastWords,
  type DrainedThread,
  defineName,
  defineStack,
  drainedThread,
  giveTracks,
  hasLastWords,
  keepLabels,
  noteRegion,
  readProfile,
  readText,
} from './drained-thread.ts';
import { withMembers } from './json-text.ts';
import { LoopWait } from './loop-wait.ts';
import { BlockState, blockAt, Control, Header, KIND_SHIFT, NAME_MASK, RecordKind, Stamp } from './ring.ts';

/** Slots after which the producer is told about free room, and at most read from one thread before the next has its turn. */
const TURN_SLOTS = 1 << 14;

/** Where events go; `direct` is where the most frequent ones may go, with the same numbers. */
export interface DrainTarget extends TraceWriter {
  readonly direct?: TraceWriter | undefined;
}

/** What has happened since the drain was made. */
export interface DrainCounts {
  readonly records: number;
  readonly dropped: number;
  readonly threads: number;
  /** Of the threads, those that take part now. */
  readonly liveThreads: number;
}

export class Drain {
  readonly #control: Int32Array;
  readonly #arena: SharedArrayBuffer;
  readonly #writer: DrainTarget;
  readonly #pid: number;
  readonly #origin: number;
  readonly #threads: (DrainedThread | undefined)[] = [];
  readonly #counts = { records: 0, dropped: 0, threads: 0 };
  readonly #usedThreadIds = new Set<number>();
  readonly #async: AsyncTracks;
  readonly #answerText = createAnswerTexts();
  readonly #counters: CounterTracks;
  readonly #region: StringRef;
  readonly #log: StringRef;
  readonly #flow: StringRef;
  #keepsLabels = false;

  /** @param origin Nanoseconds of `process.hrtime` that are time 0 of the writer. */
  constructor(
    control: Int32Array,
    arena: SharedArrayBuffer,
    writer: DrainTarget,
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
    this.#counters = new CounterTracks(writer, pid);
    this.#log = writer.string(Category.log);
    this.#flow = writer.string(Category.flow);
  }

  /** Takes everything that is in the rings by now; returns how many records it was. */
  round(): number {
    const before = this.#counts.records;
    const blocks = Atomics.load(this.#control, Control.blocks);
    for (let index = 0; index < blocks; index++) {
      const thread = this.#thread(index);
      if (thread === undefined) continue;
      // Read before the records: a thread that has ended writes no more.
      const hasEnded = Atomics.load(thread.block.header, Header.state) === BlockState.ended;
      this.#readRing(thread);
      this.#tellDropped(thread);
      if (hasEnded) this.#release(index, thread);
      else thread.begun?.beginLongOpen();
    }
    return this.#counts.records - before;
  }

  /** Whether another round has nothing to do, as long as no thread does anything. */
  isSettled(): boolean {
    return this.threads().every(({ begun }) => begun!.isSettled);
  }

  /** Whether a round would find something: so many records of a thread, a thread that is new, or one that has ended. */
  hasNews(records: number): boolean {
    const blocks = Atomics.load(this.#control, Control.blocks);
    for (let index = 0; index < blocks; index++) {
      const known = this.#threads[index];
      const thread = known ?? this.#thread(index);
      if (thread === undefined) continue;
      const { header } = thread.block;
      if (known === undefined || Atomics.load(header, Header.state) === BlockState.ended) return true;
      if (((Atomics.load(header, Header.head) - thread.tail) | 0) >= records) return true;
    }
    return false;
  }

  /** The threads that take part now and have introduced themselves. */
  threads(): readonly DrainedThread[] {
    return this.#threads.filter((thread) => thread?.track !== undefined) as readonly DrainedThread[];
  }

  /** What was read and dropped so far. */
  counts(): DrainCounts {
    const liveThreads = this.#threads.filter((thread) => thread !== undefined).length;
    return { ...this.#counts, liveThreads };
  }

  /** A round, and the begins of everything that is open: what a file must hold that is closed while recording goes on. */
  settle(): void {
    this.round();
    for (const thread of this.#threads) thread?.begun?.beginOpen();
  }

  /** Whether each thread's regions are noted, for the samples of a debug server. */
  keepLabels(isOn: boolean): void {
    this.#keepsLabels = isOn;
    for (const thread of this.threads()) keepLabels(thread, isOn);
  }

  /** Whether a worker has something to write yet, of a recording that has ended. */
  isAwaited(): boolean {
    return this.threads().some(hasLastWords);
  }

  /** Workers that have not begun to say what they have to say need not any more. */
  closeLastWords(): void {
    for (const thread of this.threads()) closeLastWords(thread);
  }

  /** The last round: what is left, what is still open, and what was dropped. The writer is finished after. */
  finish(): void {
    this.closeLastWords();
    this.settle();
    for (const thread of this.#threads) {
      thread?.loop?.close(false);
      thread?.wait?.close();
      thread?.samples?.close();
    }
  }

  #thread(index: number): DrainedThread | undefined {
    const known = this.#threads[index];
    if (known !== undefined) return known;
    const block = blockAt(this.#arena, this.#control[Control.slotsLog2]!, index);
    const state = Atomics.load(block.header, Header.state);
    if (state !== BlockState.live && state !== BlockState.ended) return undefined;
    // Left over from an earlier recording: its thread has not ended or enrolled again yet.
    if (block.header[Header.recording] !== this.#control[Control.lastRecording]) return undefined;
    const thread = drainedThread(block, this.#writer.string(OTHER_NAME), this.#region);
    this.#threads[index] = thread;
    this.#counts.threads++;
    return thread;
  }

  #readRing(thread: DrainedThread): void {
    const { header } = thread.block;
    const head = Atomics.load(header, Header.head);
    while (thread.tail !== head) {
      const count = Math.min((head - thread.tail) | 0, TURN_SLOTS);
      const end = (thread.tail + count) | 0;
      this.#readSlots(thread, end, head);
      Atomics.store(header, Header.tail, thread.tail);
    }
  }

  /** Reads records up to slot `end`; a record with a text may reach beyond, up to `head`. */
  #readSlots(thread: DrainedThread, end: number, head: number): void {
    // hot: one turn a region.
    const { doubles, integers, mask } = thread.block;
    let writer = this.#writer.direct ?? this.#writer;
    let tail = thread.tail;
    let records = 0;
    while (((end - tail) | 0) > 0) {
      const slot = (tail & mask) * 3;
      const kindAndName = integers[slot * 2 + 4]!;
      const kind = kindAndName >>> KIND_SHIFT;
      tail = (tail + 1) | 0;
      if (
        kind === RecordKind.region &&
        thread.text === '' &&
        thread.flow === 0 &&
        thread.track !== undefined &&
        thread.begun?.isIdle === true
      ) {
        const start = Math.round(doubles[slot]! * 1e6);
        if (thread.isNoted) {
          noteRegion(
            thread,
            kindAndName & NAME_MASK,
            integers[slot * 2 + 5]!,
            doubles[slot]!,
            doubles[slot + 1]!,
          );
        }
        writer.slice(
          thread.track,
          thread.names[kindAndName & NAME_MASK]!,
          thread.categories[kindAndName & NAME_MASK]!,
          start + thread.offset,
          Math.round(doubles[slot + 1]! * 1e6) - start,
          integers[slot * 2 + 5]!,
        );
        records++;
        continue;
      }
      thread.tail = tail;
      records += this.#readRecord(
        thread,
        kind,
        kindAndName & NAME_MASK,
        integers[slot * 2 + 5]!,
        doubles[slot]!,
        doubles[slot + 1]!,
      );
      tail = thread.tail;
      writer = this.#writer.direct ?? this.#writer;
    }
    thread.tail = ((head - tail) | 0) < 0 ? head : tail;
    this.#counts.records += records;
  }

  /** Handles any record; returns 1 if it is an event, 0 if it is a part or a definition. */
  #readRecord(
    thread: DrainedThread,
    kind: number,
    name: number,
    task: number,
    first: number,
    second: number,
  ): number {
    switch (kind) {
      case RecordKind.text:
        thread.text = name === 0 ? readText(thread, first) : (thread.nameTexts[name] ?? '');
        return 0;
      case RecordKind.flow:
        thread.flow = first;
        thread.flowDirection = name === 0 ? 0 : 1;
        return 0;
      case RecordKind.stack:
        if (name === 1) defineStack(thread, task);
        else thread.text = withMembers(thread.text, thread.stacks[task] ?? '');
        return 0;
      case RecordKind.name:
        defineName(thread, name, task, this.#writer, this.#region);
        return 0;
      case RecordKind.taskRun:
        thread.history?.add(0, task, first, second);
        thread.labels?.add(0, task, first, second);
        return 0;
      case RecordKind.thread:
        this.#introduce(thread, name, first, second);
        thread.text = '';
        return 0;
      default:
        if (thread.track !== undefined)
          this.#writeEvent(thread, thread.track, kind, name, task, first, second);
        thread.text = '';
        thread.flow = 0;
        return 1;
    }
  }

  #introduce(thread: DrainedThread, threadId: number, clockOffset: number, osThreadId: number): void {
    let tid = osThreadId;
    // The system may give a new thread the id of one that has ended; in one trace it must not.
    while (this.#usedThreadIds.has(tid)) tid += 1 << 22;
    this.#usedThreadIds.add(tid);
    thread.threadId = threadId;
    thread.name = thread.text;
    thread.offset = clockOffset - this.#origin;
    if (this.#control[Control.seesWaits] === 1) thread.wait = new LoopWait(osThreadId);
    giveTracks(thread, this.#writer, this.#control, this.#pid, tid, this.#origin);
    if (this.#keepsLabels) keepLabels(thread, true);
  }

  #writeEvent(
    thread: DrainedThread,
    track: TrackRef,
    kind: number,
    name: number,
    task: number,
    first: number,
    second: number,
  ): void {
    const writer = this.#writer;
    const time = Math.round(first * 1e6) + thread.offset;
    const label = thread.names[name] ?? 0;
    const category = thread.categories[name] ?? this.#region;
    switch (kind) {
      case RecordKind.region:
        this.#writeRegion(thread, track, name, task, first, second);
        break;
      case RecordKind.asyncBegin:
        this.#beginAsyncRegion(thread, name, task, first, second);
        break;
      case RecordKind.asyncEnd:
        this.#async.endRegion(second, time, thread.text);
        break;
      case RecordKind.taskBegin:
        this.#async.beginTask(task, thread.nameTexts[name] ?? '', label, time, second, thread.text);
        break;
      case RecordKind.taskEnd:
        this.#async.endTask(task, time, thread.text);
        break;
      case RecordKind.requestEnd:
        this.#async.endTask(task, time, this.#answerText(second, thread.text));
        break;
      case RecordKind.log:
        writer.instant(track, label, this.#log, time, task, `{"message":${JSON.stringify(thread.text)}}`);
        break;
      case RecordKind.counter:
        writer.counter(this.#counters.track(thread, name, task), time, second);
        break;
      case RecordKind.slice:
        writer.slice(
          track,
          label,
          category,
          time,
          Math.round(second * 1e6) + thread.offset - time,
          task,
          thread.text,
        );
        break;
      case RecordKind.instant:
        writer.instant(track, label, category, time, task, thread.text);
        break;
      case RecordKind.profile:
        thread.profileText += thread.text;
        if (name === 1) readProfile(thread);
        break;
      case RecordKind.turn:
        thread.loop?.turn(time, Math.round(second * 1e6) + thread.offset);
        break;
    }
  }

  #writeRegion(
    thread: DrainedThread,
    track: TrackRef,
    name: number,
    task: number,
    first: number,
    second: number,
  ): void {
    const writer = this.#writer;
    const start = Math.round(first * 1e6);
    const end = Math.round(second * 1e6);
    const label = thread.names[name] ?? 0;
    const category = thread.categories[name] ?? this.#region;
    if (thread.isNoted) noteRegion(thread, name, task, first, second);
    if (thread.begun?.end(first, second, thread.text) === true) return;
    if (thread.flow === 0) {
      writer.slice(track, label, category, start + thread.offset, end - start, task, thread.text);
    } else {
      const direction = thread.flowDirection === 0 ? 'out' : 'in';
      const own = category === this.#region ? this.#flow : category;
      writer.slice(track, label, own, start + thread.offset, end - start, task, thread.text, [
        { id: thread.flow, direction },
      ]);
    }
  }

  /** The id of an async region stands before it, as that of a flow. */
  #beginAsyncRegion(thread: DrainedThread, name: number, task: number, start: number, left: number): void {
    const from = thread.begun?.leave(start, left) ?? start;
    const time = Math.round(from * 1e6) + thread.offset;
    const text = thread.nameTexts[name] ?? '';
    const own = thread.categoryTexts[name] ?? '';
    // The program's own regions have no category: these are waits and holds, on whose row nothing else says whose they are.
    const args =
      own === Category.wait || own === Category.region
        ? withMembers(thread.text, thread.tidText)
        : thread.text;
    this.#async.beginRegion(
      thread.flow,
      own || Category.region,
      text,
      thread.names[name] ?? 0,
      time,
      task,
      args,
    );
  }

  /** The thread has ended: writes what only its end tells, and gives the block back. */
  #release(index: number, thread: DrainedThread): void {
    closeLastWords(thread);
    this.#tellDropped(thread);
    thread.begun?.beginOpen();
    thread.loop?.close(true);
    thread.wait?.close();
    thread.samples?.close();
    this.#counters.release(thread);
    if (thread.track !== undefined) this.#writer.release(thread.track);
    this.#releaseOperations(thread.block.stamps);
    this.#threads[index] = undefined;
    Atomics.store(thread.block.header, Header.state, BlockState.free);
  }

  /** A thread that was terminated left them under way in the thread pool. */
  #releaseOperations(stamps: Float64Array): void {
    Atomics.add(this.#control, Control.poolDone, stamps[Stamp.operations]!);
    Atomics.add(this.#control, Control.lookupsDone, stamps[Stamp.lookups]!);
    stamps.fill(0, Stamp.operations);
  }

  /** Events that found no room since the last time. */
  #tellDropped(thread: DrainedThread): void {
    const count = (thread.block.header[Header.dropped]! - thread.dropped) >>> 0;
    if (count === 0 || thread.track === undefined) return;
    thread.dropped = (thread.dropped + count) | 0;
    this.#counts.dropped += count;
    this.#writer.metadata(thread.track, MetadataName.dropped, `{"dropped":${count}}`);
  }
}
