/** Tracks of counters: threads that count under one name share one, which stays as long as one of them. */
import type { TraceWriter, TrackRef } from '@ttrace/format/writers';
import type { DrainedThread } from './drained-thread.ts';

/** By `CounterUnit`. */
const UNITS = [undefined, 'bytes', 'ms', '%'] as const;

export class CounterTracks {
  readonly #writer: TraceWriter;
  readonly #pid: number;
  /** By name, with how many threads have written to it. */
  readonly #tracks = new Map<string, { readonly track: TrackRef; threads: number }>();

  constructor(writer: TraceWriter, pid: number) {
    this.#writer = writer;
    this.#pid = pid;
  }

  /** The track of a counter of this thread, by the id of its name and its `CounterUnit`. */
  track(thread: DrainedThread, name: number, unit: number): TrackRef {
    const known = thread.counters.get(name);
    if (known !== undefined) return known;
    const text = thread.nameTexts[name] ?? '';
    let counter = this.#tracks.get(text);
    if (counter === undefined) {
      counter = { track: this.#writer.counterTrack(this.#pid, text, UNITS[unit]), threads: 0 };
      this.#tracks.set(text, counter);
    }
    counter.threads++;
    thread.counters.set(name, counter.track);
    return counter.track;
  }

  /** The thread has ended. */
  release(thread: DrainedThread): void {
    for (const name of thread.counters.keys()) {
      const text = thread.nameTexts[name] ?? '';
      const counter = this.#tracks.get(text);
      if (counter === undefined || --counter.threads > 0) continue;
      this.#tracks.delete(text);
      this.#writer.release(counter.track);
    }
  }
}
