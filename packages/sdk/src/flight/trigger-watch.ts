/**
 * Watches what is written for the flight recorder's triggers: a TraceWriter in front of another one, to which everything goes
 * through unchanged, numbers too. A trigger fires after the row that it is about has been written.
 *
 * What lasts fires while it lasts (`look`), so that a file is there before a blocked loop is free again. One slow moment is
 * often a block, a task and a collection at once, so these share one throttle; only what is twice as bad gets past it. Errors
 * and calls have theirs. Signals are somebody's wish and have none. Time is that of the events.
 */
import { Category, FLIGHT_TRIGGER } from '@ttrace/format/vocabulary';
import type { Flow, StringRef, TraceWriter, TrackRef } from '@ttrace/format/writers';
import { DurationHistogram } from './duration-histogram.ts';
import type { FlightMark } from './replay.ts';
import { type FlightTrigger, triggerText } from './triggers.ts';

/** A trigger that came true. */
export interface FiredTrigger {
  /** As it is written in text. */
  readonly trigger: string;
  /** What it was about: the name of the function, task, collection, error or signal. */
  readonly what: string;
  /** Nanoseconds; of what lasts still, until now. 0 for errors and signals. */
  readonly durationNanos: number;
  /** When: nanoseconds since the origin. */
  readonly time: number;
  /** Where, as a number of the writer behind; undefined for signals. */
  readonly track: TrackRef | undefined;
}

export interface TriggerWatch extends TraceWriter {
  /** To be called after each round, when everything until `time` is written: fires for what lasts too long. */
  look(time: number): void;
  /** A thread shows no sign of life since `start`, and nobody knows what it does. */
  silent(thread: string, start: number, time: number): void;
  signal(time: number, signal: NodeJS.Signals): void;
}

type Limited = 'block' | 'task' | 'gc' | 'region';

/** Tasks of a name before its p99 means something. */
const LEAST_TASKS = 100;
/** Tasks between two looks at the p99. */
const P99_EVERY = 32;
/** Names with a p99 of their own; all others share one. */
const MAX_NAMES = 1000;
/** Slices that are open at once; those that are never ended must not fill memory. */
const MAX_OPEN = 100_000;
/** How much worse must be what fires although something has just fired. */
const MUCH_WORSE = 2;

const BLOCKED = '{"blocked":true';

interface WatchedSlice {
  readonly on: Limited;
  readonly name: string;
  readonly start: number;
  /** Slices that are open in it, and itself. */
  depth: number;
  /** How long it had lasted when it made a trigger fire; 0 = it has not. */
  fired: number;
  /** When to look at it again, if it has been longer than the shortest limit and has not fired. */
  due: number;
}

interface Pace {
  readonly durations: DurationHistogram;
  p99: number;
}

/** When something of a kind has fired last, and how long the worst of that time was. */
interface Throttle {
  time: number;
  worst: number;
}

/**
 * @param onFire is called in the middle of writing: other threads' events of the same time may not be written yet. Whoever
 * takes a snapshot had better do so after the round.
 */
export function createTriggerWatch(
  target: TraceWriter,
  triggers: readonly FlightTrigger[],
  throttleMs: number,
  onFire: (fired: FiredTrigger) => void,
): TriggerWatch {
  return new WatchingWriter(target, triggers, throttleMs * 1e6, onFire);
}

/** How a snapshot shows the moment: an instant on the thread, or on the process. */
export function flightMark({ trigger, what, durationNanos, time, track }: FiredTrigger): FlightMark {
  const duration = durationNanos > 0 ? { duration_ms: Math.round(durationNanos / 1e3) / 1e3 } : {};
  const args = JSON.stringify({ trigger, what, ...duration });
  return { time, name: FLIGHT_TRIGGER, category: Category.ttrace, args, track };
}

class WatchingWriter implements TriggerWatch {
  readonly #target: TraceWriter;
  readonly #triggers: readonly FlightTrigger[];
  readonly #throttleNanos: number;
  readonly #onFire: (fired: FiredTrigger) => void;
  /** Shortest length that fires, by what there are triggers on; Infinity where only the end can tell. */
  readonly #least = new Map<Limited, number>();
  readonly #texts: string[] = [];
  /** What is watched of a category, by its number. */
  readonly #watched: (Limited | undefined)[] = [];
  /** By name: the functions whose call or length is a trigger. */
  readonly #regions: boolean[] = [];
  #error = -1;
  readonly #open = new Map<TrackRef, WatchedSlice>();
  /** Of these, the ones that have not been longer than the shortest limit; oldest first, of each kind. */
  readonly #young = new Map<Limited, Map<TrackRef, WatchedSlice>>();
  /** The ones that have been, and have not fired: a longer limit is theirs, or the throttle held them back. */
  readonly #held = new Map<TrackRef, WatchedSlice>();
  /** When the first of these is due. */
  #nextDue = Infinity;
  readonly #paces = new Map<string, Pace>();
  readonly #throttles = new Map<string, Throttle>();
  /** When a block fired last: one that contains this moment has fired. */
  #blockFired = -1;

  constructor(
    target: TraceWriter,
    triggers: readonly FlightTrigger[],
    throttleNanos: number,
    onFire: (fired: FiredTrigger) => void,
  ) {
    this.#target = target;
    this.#triggers = triggers;
    this.#throttleNanos = throttleNanos;
    this.#onFire = onFire;
    for (const trigger of triggers) {
      if (trigger.on === 'error' || trigger.on === 'signal') continue;
      const limit = 'overMs' in trigger && trigger.overMs !== undefined ? trigger.overMs * 1e6 : Infinity;
      this.#least.set(trigger.on, Math.min(limit, this.#least.get(trigger.on) ?? Infinity));
      this.#young.set(trigger.on, new Map());
    }
  }

  look(time: number): void {
    for (const [on, young] of this.#young) {
      const least = this.#least.get(on)!;
      for (const [track, slice] of young) {
        if (time - slice.start <= least) break;
        young.delete(track);
        this.#lasts(track, slice, time);
      }
    }
    if (time < this.#nextDue) return;
    this.#nextDue = Infinity;
    for (const [track, slice] of this.#held) {
      if (time >= slice.due) this.#lasts(track, slice, time);
      else this.#nextDue = Math.min(this.#nextDue, slice.due);
    }
  }

  silent(thread: string, start: number, time: number): void {
    // Once the block has a name, it is watched as such.
    if (this.#blockFired < start)
      this.#check('block', `${thread}, not answering: in a native call`, start, time, undefined);
  }

  signal(time: number, signal: NodeJS.Signals): void {
    const trigger = this.#triggers.find((each) => each.on === 'signal' && each.signal === signal);
    if (trigger !== undefined) this.#report(trigger, signal, 0, time, undefined);
  }

  process(pid: number, name: string, sortIndex?: number): TrackRef {
    return this.#target.process(pid, name, sortIndex);
  }

  thread(pid: number, tid: number, name: string, sortIndex?: number): TrackRef {
    return this.#target.thread(pid, tid, name, sortIndex);
  }

  asyncTrack(pid: number, category: string, id: string, name: string): TrackRef {
    return this.#target.asyncTrack(pid, category, id, name);
  }

  counterTrack(pid: number, name: string, unit?: string): TrackRef {
    return this.#target.counterTrack(pid, name, unit);
  }

  string(text: string): StringRef {
    const ref = this.#target.string(text);
    if (this.#texts[ref] !== undefined) return ref;
    this.#texts[ref] = text;
    const on = LIMITED.get(text);
    this.#watched[ref] = on !== undefined && this.#least.has(on) ? on : undefined;
    this.#regions[ref] = this.#triggers.some((trigger) => trigger.on === 'region' && trigger.name === text);
    if (text === Category.error && this.#triggers.some(({ on }) => on === 'error')) this.#error = ref;
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
    this.#target.slice(track, name, category, start, duration, task, args, flows);
    const on = this.#watched[category];
    if (on === undefined || (on === 'region' && this.#regions[name] !== true)) return;
    if (on !== 'block') this.#ended(on, this.#texts[name]!, start, start + duration, track);
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
    this.#target.begin(track, name, category, start, task, args, flows);
    const outer = this.#open.get(track);
    if (outer !== undefined) {
      outer.depth++;
      return;
    }
    const on = this.#watched[category];
    if (on === undefined || this.#open.size >= MAX_OPEN) return;
    if (on === 'region' && this.#regions[name] !== true) return;
    if (on === 'block' && args?.startsWith(BLOCKED) !== true) return;
    const slice = { on, name: this.#texts[name]!, start, depth: 1, fired: 0, due: Infinity };
    this.#open.set(track, slice);
    if (this.#least.get(on) !== Infinity) this.#young.get(on)!.set(track, slice);
  }

  end(track: TrackRef, time: number, args?: string): void {
    this.#target.end(track, time, args);
    const slice = this.#open.get(track);
    if (slice === undefined || --slice.depth > 0) return;
    this.#forget(track, slice);
    const { on, name, start, fired } = slice;
    // Only if the file that is there shows less than half of it.
    if (fired === 0 || time - start >= MUCH_WORSE * fired) this.#ended(on, name, start, time, track);
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
    this.#target.instant(track, name, category, time, task, args, flows);
    if (category !== this.#error) return;
    const trigger = this.#triggers.find(({ on }) => on === 'error')!;
    if (this.#mayFire('error', 0, time)) this.#report(trigger, this.#texts[name]!, 0, time, track);
  }

  counter(track: TrackRef, time: number, value: number): void {
    this.#target.counter(track, time, value);
  }

  release(track: TrackRef): void {
    const slice = this.#open.get(track);
    if (slice !== undefined) this.#forget(track, slice);
    this.#target.release(track);
  }

  metadata(track: TrackRef, name: string, args: string): void {
    this.#target.metadata(track, name, args);
  }

  flush(): void {
    this.#target.flush();
  }

  finish(): void {
    this.#target.finish();
  }

  #forget(track: TrackRef, slice: WatchedSlice): void {
    this.#open.delete(track);
    this.#young.get(slice.on)?.delete(track);
    this.#held.delete(track);
  }

  /** Fires for what is over a limit and goes on, or holds it until it may. */
  #lasts(track: TrackRef, slice: WatchedSlice, time: number): void {
    const { on, name, start } = slice;
    const duration = time - start;
    if (this.#check(on, name, start, time, track)) slice.fired = duration;
    else slice.due = start + this.#nextLimit(on, duration, name);
    if (slice.fired > 0 || slice.due === Infinity) {
      this.#held.delete(track);
      return;
    }
    this.#held.set(track, slice);
    this.#nextDue = Math.min(this.#nextDue, slice.due);
  }

  #ended(on: Limited, name: string, start: number, end: number, track: TrackRef): void {
    this.#check(on, name, start, end, track);
    if (on === 'task') this.#count(name, end - start);
  }

  /** Fires if what lasted, or lasts, from `start` to `end` is over the limit of a trigger; returns whether it did. */
  #check(on: Limited, name: string, start: number, end: number, track: TrackRef | undefined): boolean {
    const duration = end - start;
    for (const trigger of this.#triggers) {
      if (trigger.on !== on || !this.#isOver(trigger, duration, name)) continue;
      const isCall = trigger.on === 'region' && trigger.overMs === undefined;
      if (!this.#mayFire(isCall ? `call ${name}` : 'slow', isCall ? 0 : duration, end)) continue;
      if (on === 'block') this.#blockFired = end;
      this.#report(trigger, name, duration, end, track);
      return true;
    }
    return false;
  }

  #isOver(trigger: FlightTrigger, duration: number, name: string): boolean {
    if (!isAbout(trigger, name)) return false;
    if ('timesP99' in trigger) {
      const pace = this.#paces.get(name) ?? this.#paces.get('');
      return pace !== undefined && pace.p99 > 0 && duration > pace.p99 * trigger.timesP99;
    }
    return 'overMs' in trigger && trigger.overMs !== undefined
      ? duration > trigger.overMs * 1e6
      : trigger.on === 'region';
  }

  /** How long it must last to fire, when it has not yet: longer than its next limit, or bad enough for the throttle. */
  #nextLimit(on: Limited, duration: number, name: string): number {
    let next = Infinity;
    for (const trigger of this.#triggers) {
      if (trigger.on !== on || !isAbout(trigger, name)) continue;
      if (!('overMs' in trigger) || trigger.overMs === undefined) continue;
      const limit = trigger.overMs * 1e6;
      next = Math.min(next, duration > limit ? MUCH_WORSE * this.#throttles.get('slow')!.worst : limit);
    }
    return next;
  }

  /** Whether the throttle lets something of this kind through; then it counts as fired. */
  #mayFire(kind: string, duration: number, time: number): boolean {
    let throttle = this.#throttles.get(kind);
    if (throttle === undefined) {
      throttle = { time: -Infinity, worst: 0 };
      this.#throttles.set(kind, throttle);
    }
    const isWorse = throttle.worst > 0 && duration >= MUCH_WORSE * throttle.worst;
    if (time - throttle.time < this.#throttleNanos && !isWorse) return false;
    throttle.time = time;
    throttle.worst = duration;
    return true;
  }

  /** Takes a task into its name's distribution. */
  #count(name: string, duration: number): void {
    if (!this.#triggers.some((trigger) => 'timesP99' in trigger)) return;
    const key = this.#paces.has(name) || this.#paces.size < MAX_NAMES ? name : '';
    let pace = this.#paces.get(key);
    if (pace === undefined) {
      pace = { durations: new DurationHistogram(), p99: 0 };
      this.#paces.set(key, pace);
    }
    const { durations } = pace;
    durations.add(duration);
    const { count } = durations;
    if (count === LEAST_TASKS || (count > LEAST_TASKS && count % P99_EVERY === 0)) {
      pace.p99 = durations.quantile(0.99);
    }
  }

  #report(
    trigger: FlightTrigger,
    what: string,
    durationNanos: number,
    time: number,
    track: TrackRef | undefined,
  ): void {
    this.#onFire({ trigger: triggerText(trigger), what, durationNanos, time, track });
  }
}

/** Whether it is on things of any name, or of this one. */
function isAbout(trigger: FlightTrigger, name: string): boolean {
  return !('name' in trigger) || trigger.name === undefined || trigger.name === name;
}

/** What each category is to triggers. */
const LIMITED: ReadonlyMap<string, Limited> = new Map([
  [Category.loop, 'block'],
  [Category.task, 'task'],
  [Category.gc, 'gc'],
  [Category.region, 'region'],
]);
