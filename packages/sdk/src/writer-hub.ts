/**
 * Hands everything that is recorded to the writers that want it now: a trace file, the flight recorder's window, or both.
 * They may come and go while the recording runs; each has its own numbers for tracks and strings, the hub's are its own again.
 *
 * A writer that came later learns of a track when the first event of it comes. What was open before, it never gets to see:
 * neither does a recording see what began before its start. But a loop that is blocked then is blocked from the writer's first
 * moment on: who looks at a program that hangs wants to know what hangs.
 *
 * A single writer that was there from the beginning counts as the hub does, so that its numbers are the hub's: then the hot path
 * goes past the hub (`direct`), which took 5 % of what a .pftrace can take otherwise. That they are the same is checked each time.
 */
import { Category } from '@ttrace/format/vocabulary';
import type { Flow, StringRef, TraceWriter, TrackRef } from '@ttrace/format/writers';

/** How to declare a track in a writer, and the facts about it. */
interface HubTrack {
  readonly declare: (writer: TraceWriter) => TrackRef;
  readonly isAsync: boolean;
  /** What a writer is told of it besides, by name. */
  facts: Map<string, string> | undefined;
  /** On the track of an event loop: begins the slice that is open there. */
  readonly isLoop: boolean;
  beginOpen: ((output: Output) => void) | undefined;
}

/** One writer's side. */
interface Output {
  readonly writer: TraceWriter;
  /** What began before is not its. */
  readonly since: number;
  /** The writer's numbers by the hub's; undefined: not declared there yet. */
  readonly tracks: (TrackRef | undefined)[];
  readonly strings: (StringRef | undefined)[];
  /** Slices that were opened in this writer, by the hub's track. */
  readonly depths: (number | undefined)[];
  /** Whether all its numbers are the hub's. */
  isSame: boolean;
}

export class WriterHub implements TraceWriter {
  /** A new array whenever it changes: events are written while it is read. */
  #outputs: readonly Output[] = [];
  readonly #tracks: (HubTrack | undefined)[] = [];
  readonly #released: TrackRef[] = [];
  readonly #texts: string[] = [''];
  readonly #strings = new Map<string, StringRef>([['', 0]]);

  /**
   * From now on the writer gets every event. It learns at once of the processes and threads there are.
   * @param since what began before this time is left out, for it may be on the way still.
   */
  attach(writer: TraceWriter, since: number): void {
    const output: Output = {
      writer,
      since,
      tracks: [],
      strings: [],
      depths: [],
      isSame: since === -Infinity,
    };
    // Those that it is told of first, in the hub's order.
    if (output.isSame) for (const ref of this.#texts.keys()) this.#stringOf(output, ref);
    this.#tracks.forEach((track, ref) => {
      if (track !== undefined && !track.isAsync) this.#trackOf(output, ref);
    });
    if (since !== -Infinity) for (const track of this.#tracks) track?.beginOpen?.(output);
    this.#outputs = [...this.#outputs, output];
  }

  /** The only writer, if what the hub would hand to it can be handed to it as it is. */
  get direct(): TraceWriter | undefined {
    const [output, another] = this.#outputs;
    return output?.isSame === true && another === undefined ? output.writer : undefined;
  }

  /** The writer gets nothing more. It is not finished. */
  detach(writer: TraceWriter): void {
    this.#outputs = this.#outputs.filter((output) => output.writer !== writer);
  }

  process(pid: number, name: string, sortIndex?: number): TrackRef {
    return this.#declare((writer) => writer.process(pid, name, sortIndex), false);
  }

  thread(pid: number, tid: number, name: string, sortIndex?: number): TrackRef {
    return this.#declare((writer) => writer.thread(pid, tid, name, sortIndex), false);
  }

  asyncTrack(pid: number, category: string, id: string, name: string): TrackRef {
    return this.#declare(
      (writer) => writer.asyncTrack(pid, category, id, name),
      true,
      category === Category.loop,
    );
  }

  counterTrack(pid: number, name: string, unit?: string): TrackRef {
    return this.#declare((writer) => writer.counterTrack(pid, name, unit), false);
  }

  string(text: string): StringRef {
    let ref = this.#strings.get(text);
    if (ref === undefined) {
      ref = this.#texts.push(text) - 1;
      this.#strings.set(text, ref);
      for (const output of this.#outputs) this.#stringOf(output, ref);
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
    args?: string,
    flows?: readonly Flow[],
  ): void {
    // hot: one call a region.
    const outputs = this.#outputs;
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i]!;
      if (start < output.since) continue;
      output.writer.slice(
        output.tracks[track] ?? this.#trackOf(output, track),
        output.strings[name] ?? this.#stringOf(output, name),
        output.strings[category] ?? this.#stringOf(output, category),
        start,
        duration,
        task,
        args,
        flows,
      );
    }
  }

  begin(
    track: TrackRef,
    name: StringRef,
    category: StringRef,
    start: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void {
    for (const output of this.#outputs) {
      if (start >= output.since) this.#beginIn(output, track, name, category, start, task, args, flows);
    }
    const own = this.#tracks[track]!;
    if (!own.isLoop) return;
    own.beginOpen = (output) => {
      this.#beginIn(output, track, name, category, Math.max(start, output.since), task, args);
    };
  }

  #beginIn(
    output: Output,
    track: TrackRef,
    name: StringRef,
    category: StringRef,
    start: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void {
    const ref = this.#trackOf(output, track);
    output.depths[track] = (output.depths[track] ?? 0) + 1;
    const own = this.#stringOf(output, name);
    output.writer.begin(ref, own, this.#stringOf(output, category), start, task, args, flows);
  }

  end(track: TrackRef, time: number, args?: string): void {
    this.#tracks[track]!.beginOpen = undefined;
    for (const output of this.#outputs) {
      const depth = output.depths[track] ?? 0;
      if (depth === 0) continue;
      output.depths[track] = depth - 1;
      output.writer.end(output.tracks[track]!, time, args);
    }
  }

  instant(
    track: TrackRef,
    name: StringRef,
    category: StringRef,
    time: number,
    task: number,
    args?: string,
    flows?: readonly Flow[],
  ): void {
    for (const output of this.#outputs) {
      if (time < output.since) continue;
      const own = this.#stringOf(output, name);
      const ref = this.#trackOf(output, track);
      output.writer.instant(ref, own, this.#stringOf(output, category), time, task, args, flows);
    }
  }

  counter(track: TrackRef, time: number, value: number): void {
    for (const output of this.#outputs) {
      if (time >= output.since) output.writer.counter(this.#trackOf(output, track), time, value);
    }
  }

  release(track: TrackRef): void {
    for (const { writer, tracks, depths } of this.#outputs) {
      const ref = tracks[track];
      if (ref !== undefined) writer.release(ref);
      tracks[track] = undefined;
      depths[track] = 0;
    }
    this.#tracks[track] = undefined;
    this.#released.push(track);
  }

  metadata(track: TrackRef, name: string, args: string): void {
    this.#knowFact(name);
    for (const output of this.#outputs) output.writer.metadata(this.#trackOf(output, track), name, args);
  }

  /** A fact for the writers that come later. */
  setFact(track: TrackRef, name: string, args: string): void {
    const own = this.#tracks[track]!;
    own.facts ??= new Map();
    own.facts.set(name, args);
    this.#knowFact(name);
  }

  /** Some writers make strings of a fact: the hub must count them as well. */
  #knowFact(name: string): void {
    this.string(name);
    this.string(Category.ttrace);
  }

  flush(): void {
    for (const { writer } of this.#outputs) writer.flush();
  }

  /** Each writer is finished by whoever attached it. */
  finish(): void {
    this.flush();
  }

  #declare(declare: (writer: TraceWriter) => TrackRef, isAsync: boolean, isLoop = false): TrackRef {
    const ref = this.#released.pop() ?? this.#tracks.length;
    this.#tracks[ref] = { declare, isAsync, facts: undefined, isLoop, beginOpen: undefined };
    for (const output of this.#outputs) if (!isAsync || output.isSame) this.#trackOf(output, ref);
    return ref;
  }

  #trackOf(output: Output, track: TrackRef): TrackRef {
    const known = output.tracks[track];
    if (known !== undefined) return known;
    const { declare, facts } = this.#tracks[track]!;
    const ref = declare(output.writer);
    output.tracks[track] = ref;
    if (ref !== track) output.isSame = false;
    if (facts !== undefined) for (const [name, args] of facts) output.writer.metadata(ref, name, args);
    return ref;
  }

  #stringOf(output: Output, string: StringRef): StringRef {
    const known = output.strings[string];
    if (known !== undefined) return known;
    const ref = output.writer.string(this.#texts[string]!);
    output.strings[string] = ref;
    if (ref !== string) output.isSame = false;
    return ref;
  }
}
