/**
 * The interface of everything that encodes events: Chrome JSON and Perfetto protobuf implement it, the recorder's
 * collector and `writeTrace` call it. One conformance suite runs over all implementations.
 *
 * Writers encode straight into a buffer and hand full buffers to a sink; they do no I/O. They never allocate per event
 * on the paths marked hot. Tracks and strings are declared once and then named by small integers.
 */

/** Receives encoded bytes. The buffer is reused after the call returns: write or copy it synchronously. */
export type ByteSink = (bytes: Uint8Array) => void;

/** Names a declared track inside one writer: 0, 1, 2, … */
export type TrackRef = number;

/** Names an interned string inside one writer: 0 is the empty string. */
export type StringRef = number;

/** One end (or a waypoint) of an arrow between two slices. Ends with the same id are joined. */
export interface Flow {
  /** Unique in the trace; a positive integer < 2^53. */
  readonly id: number;
  readonly direction: 'out' | 'step' | 'in';
}

export interface TraceWriter {
  /** Declares a process; its pid stands for it in the other calls. */
  process(pid: number, name: string, sortIndex?: number): TrackRef;
  /** Declares a thread. (pid, tid) must be unique over the trace; tid === pid marks the main thread. */
  thread(pid: number, tid: number, name: string, sortIndex?: number): TrackRef;
  /**
   * Declares a track of its own for one asynchronous operation (a task, an async region), drawn under its process.
   * @param category with `id` identifies the operation in formats that have no tracks.
   * @param id unique per (pid, category), e.g. `0x1a`.
   * @param name what the track is called; usually the name of its outermost slice.
   */
  asyncTrack(pid: number, category: string, id: string, name: string): TrackRef;
  /** Declares a counter of a process. */
  counterTrack(pid: number, name: string, unit?: string): TrackRef;
  /** Interns a name, category or other text that will be used again. */
  string(text: string): StringRef;

  /**
   * Writes a complete slice.
   *
   * Times are integer nanoseconds relative to the writer's origin, >= 0. Slices of one track must nest. They may come in
   * any order; of two slices with the same begin and the same end the one written first is the outer one.
   * @param task id of the task it belongs to, 0 for none; written as argument `task`.
   * @param args a JSON object as text, such as `{"id":17}`, or '' for none. Must not contain `task` when `task` is given.
   */
  slice(
    track: TrackRef,
    name: StringRef,
    category: StringRef,
    start: number,
    duration: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void;
  /** Opens a slice whose end is not known yet. Begins and ends of a track must be in order of time. */
  begin(
    track: TrackRef,
    name: StringRef,
    category: StringRef,
    start: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void;
  /** Closes the innermost open slice of the track. */
  end(track: TrackRef, time: number, args?: string): void;
  instant(
    track: TrackRef,
    name: StringRef,
    category: StringRef,
    time: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void;
  counter(track: TrackRef, time: number, value: number): void;
  /**
   * Says that nothing more will be written to a track, so that a writer need not keep it: a recording may have millions of
   * tasks, and threads that come and go for weeks. Its number may be given to a track declared later.
   */
  release(track: TrackRef): void;
  /** Writes a fact about the recording or about one thread (`MetadataName`). `args` is a JSON object as text. */
  metadata(track: TrackRef, name: string, args: string): void;
  /** Hands everything encoded so far to the sink, ending on an event boundary. */
  flush(): void;
  /** Writes what the format needs at its end and flushes. Nothing may be written after. */
  finish(): void;
}

/** What every writer is made from. */
export interface WriterOptions {
  readonly sink: ByteSink;
  /** Absolute nanoseconds of time 0 on the trace's clock. Default 0n. */
  readonly origin?: bigint;
}
