/**
 * What a debug server wants to know of what is recorded, kept up to date as one more writer of the hub: what blocks loops, who waits
 * for what, what goes on. Runs in the collector; the program's threads do nothing for it that they would not do for a trace.
 *
 * Counts tracks and strings as the hub does, so that regions go past the hub where it is the only writer.
 */
import { Category } from '@ttrace/format/vocabulary';
import type { StringRef, TraceWriter, TrackRef } from '@ttrace/format/writers';
import type { DrainedThread } from '../drained-thread.ts';
import { Header, MAX_OPEN } from '../ring.ts';
import { BlockTotals } from './block-totals.ts';
import type { DebugSnapshot } from './debug-protocol.ts';
import { LiveOperations } from './live-operations.ts';
import { named, type OpenSlice, ThreadWaits, WaitTotals } from './wait-totals.ts';

/** Tracks of which nothing but their number is kept. */
const UNUSED = 'unused';
const LOOP_ENDING = / event loop$/;

/** A thread's waits, the thread's name where it is the track of a loop, or the category of an async track. */
type Track =
  | { readonly kind: 'thread'; readonly waits: ThreadWaits; readonly threadId: number }
  | { readonly kind: 'loop'; readonly thread: string }
  | { readonly kind: 'async'; readonly category: string }
  | typeof UNUSED;

export class DebugView implements TraceWriter {
  readonly live: LiveOperations = new LiveOperations();
  readonly #blocks = new BlockTotals();
  readonly #waits = new WaitTotals();
  readonly #tracks: Track[] = [];
  readonly #released: TrackRef[] = [];
  readonly #texts: string[] = [''];
  readonly #strings = new Map<string, StringRef>([['', 0]]);
  readonly #threads = new Map<number, ThreadWaits>();
  #wait: StringRef = -1;

  process(): TrackRef {
    return this.#declare(UNUSED);
  }

  thread(_pid: number, _tid: number, name: string, threadId = 0): TrackRef {
    const waits = new ThreadWaits(name, this.#waits);
    this.#threads.set(threadId, waits);
    return this.#declare({ kind: 'thread', waits, threadId });
  }

  asyncTrack(_pid: number, category: string, _id: string, name: string): TrackRef {
    if (category === Category.sample) return this.#declare(UNUSED);
    if (category === Category.loop) {
      return this.#declare({ kind: 'loop', thread: name.replace(LOOP_ENDING, '') });
    }
    return this.#declare({ kind: 'async', category });
  }

  counterTrack(): TrackRef {
    return this.#declare(UNUSED);
  }

  string(text: string): StringRef {
    let ref = this.#strings.get(text);
    if (ref === undefined) {
      ref = this.#texts.push(text) - 1;
      this.#strings.set(text, ref);
      if (text === Category.wait) this.#wait = ref;
    }
    return ref;
  }

  slice(
    track: TrackRef,
    name: StringRef,
    category: StringRef,
    start: number,
    duration: number,
    task: number,
    args = '',
  ): void {
    // hot: one call a region.
    const to = this.#tracks[track];
    if (to === undefined || to === UNUSED || to.kind !== 'thread') return;
    if (category !== this.#wait && !to.waits.isWaiting) return;
    const taskName = category === this.#wait ? this.live.taskName(task) : '';
    to.waits.slice(this.#texts[name]!, this.#texts[category]!, start, start + duration, taskName, args);
  }

  begin(track: TrackRef, name: StringRef, category: StringRef, start: number, task: number, args = ''): void {
    const to = this.#tracks[track];
    if (to === undefined || to === UNUSED) return;
    const text = this.#texts[name]!;
    if (to.kind === 'async') this.live.begin(track, { name: text, category: to.category, start, task, args });
    else if (to.kind === 'loop') {
      this.#blocks.begin(track, text, start, to.thread, this.live.taskName(task), args);
    } else to.waits.begin(text, this.#texts[category]!, start, this.live.taskName(task));
  }

  end(track: TrackRef, time: number, args = ''): void {
    const to = this.#tracks[track];
    if (to === undefined || to === UNUSED) return;
    if (to.kind === 'thread') to.waits.end(time, args);
    else if (to.kind === 'loop') this.#blocks.end(track, time);
    else {
      const ended = this.live.end(track);
      if (ended?.category !== Category.wait) return;
      const task = this.live.taskName(ended.task);
      const frames = (task === '' ? [ended.name] : [ended.name, task]).map(named);
      this.#waits.add(frames, { thread: '', task, region: '' }, Math.max(0, time - ended.start));
    }
  }

  instant(
    track: TrackRef,
    _name: StringRef,
    _category: StringRef,
    time: number,
    _task: number,
    args = '',
  ): void {
    const to = this.#tracks[track];
    if (to !== undefined && to !== UNUSED && to.kind === 'loop') this.#blocks.seen(track, time, args);
  }

  counter(): void {}

  metadata(_track: TrackRef, name: string): void {
    // As writers do that make strings of it.
    this.string(name);
    this.string(Category.ttrace);
  }

  release(track: TrackRef): void {
    const to = this.#tracks[track];
    if (to !== undefined && to !== UNUSED) {
      if (to.kind === 'thread') {
        to.waits.close();
        this.#threads.delete(to.threadId);
      } else if (to.kind === 'async') this.live.end(track);
    }
    this.#tracks[track] = UNUSED;
    this.#released.push(track);
  }

  flush(): void {}

  finish(): void {}

  /** After each round. */
  afterRound(threads: readonly DrainedThread[]): void {
    for (const thread of threads) {
      const waits = this.#threads.get(thread.threadId);
      if (waits?.isWaiting === true) waits.afterRound(openSlices(thread));
    }
  }

  /** @param time nanoseconds since the recording's origin. */
  snapshot(time: number, threads: readonly DrainedThread[]): DebugSnapshot {
    return {
      blocks: this.#blocks.stacks(time),
      waits: this.#waits.stacks(),
      live: this.live.list(time),
      threads: new Map(threads.map(({ threadId, name }) => [threadId, name])),
    };
  }

  #declare(track: Track): TrackRef {
    const ref = this.#released.pop() ?? this.#tracks.length;
    this.#tracks[ref] = track;
    return ref;
  }
}

/** What is open on a thread now; what it opens or closes meanwhile may be there or not. */
function openSlices({ block, offset, nameTexts, categoryTexts }: DrainedThread): OpenSlice[] {
  const { header, openStart, openName } = block;
  const depth = Math.min(Atomics.load(header, Header.depth), MAX_OPEN);
  const open: OpenSlice[] = [];
  for (let level = 0; level < depth; level++) {
    const id = openName[level]!;
    const start = Math.round(openStart[level]! * 1e6) + offset;
    open.push({ name: nameTexts[id] ?? '', category: categoryTexts[id] || Category.region, start });
  }
  return open;
}
