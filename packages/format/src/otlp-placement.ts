/**
 * Puts the spans of an OTLP file into a TraceBuilder: each as a slice of category `span` on a lane of its process, its events as instants
 * beside it, its links, and parents in other processes, as arrows. The first span of a request in a process, and each one that serves or
 * consumes, is a task as well, to which those below it belong: so tables of tasks are about requests.
 */
import type { JsonStrings } from './json-strings.ts';
import { OtlpLanes } from './otlp-lanes.ts';
import type { TextBytes } from './text-bytes.ts';
import type { TraceBuilder } from './trace-builder.ts';
import { Category } from './vocabulary.ts';

/** An event of a span. Its arguments stand in the texts, each with a comma before it. */
export interface CollectedEvent {
  readonly name: string;
  readonly time: number;
  readonly argsFrom: number;
  readonly argsTo: number;
}

/** A span as it was read. */
export interface CollectedSpan {
  /** Number of its resource, and of its scope. */
  readonly process: number;
  readonly scope: number;
  readonly name: string;
  /** Trace id and span id; '' = none. */
  readonly key: string;
  readonly parentKey: string;
  readonly start: number;
  /** -1: it has not ended. */
  readonly duration: number;
  /** Whether it is a task: always, if nothing is around it, or never. */
  readonly isTask: 'always' | 'root' | 'never';
  readonly argsFrom: number;
  readonly argsTo: number;
  readonly events: readonly CollectedEvent[];
  /** Keys of the spans that it is linked to. */
  readonly links: readonly string[];
}

interface Collected {
  readonly builder: TraceBuilder;
  readonly strings: JsonStrings;
  readonly texts: TextBytes;
  readonly spans: readonly CollectedSpan[];
  /** By number of the resource. */
  readonly pids: readonly number[];
  /** Arguments by number of the scope, each with a comma before it. */
  readonly scopes: readonly Uint8Array[];
}

const encoder = new TextEncoder();
const NO_BYTES = new Uint8Array(0);
const TRACE_ID_DIGITS = 32;

export class OtlpPlacement {
  readonly #builder: TraceBuilder;
  readonly #strings: JsonStrings;
  readonly #texts: TextBytes;
  readonly #spans: readonly CollectedSpan[];
  readonly #pids: readonly number[];
  readonly #scopes: readonly Uint8Array[];
  readonly #byKey = new Map<string, number>();
  /** By span: its parent, -1 for none in the file; its task, 0 for none; its lane and its track. */
  readonly #parents: Int32Array;
  readonly #tasks: Uint32Array;
  readonly #laneOf: Int32Array;
  readonly #tracks: Uint32Array;
  /** By pid. */
  readonly #lanes = new Map<number, OtlpLanes>();
  readonly #taskCounts = new Map<number, number>();
  readonly #category: number;
  #scratch = new Uint8Array(1 << 12);

  constructor({ builder, strings, texts, spans, pids, scopes }: Collected) {
    this.#builder = builder;
    this.#strings = strings;
    this.#texts = texts;
    this.#spans = spans;
    this.#pids = pids;
    this.#scopes = scopes;
    this.#parents = new Int32Array(spans.length).fill(-1);
    this.#tasks = new Uint32Array(spans.length);
    this.#laneOf = new Int32Array(spans.length).fill(-1);
    this.#tracks = new Uint32Array(spans.length);
    this.#category = spans.length === 0 ? 0 : strings.intern(Category.span);
  }

  /** Places all of them, in the order of their begin. */
  run(): void {
    const spans = this.#spans;
    const order = inOrder(spans);
    for (const at of order) {
      const { key } = spans[at]!;
      if (key !== '' && !this.#byKey.has(key)) this.#byKey.set(key, at);
    }
    for (const [at, { parentKey }] of spans.entries()) {
      const parent = parentKey === '' ? undefined : this.#byKey.get(parentKey);
      if (parent !== undefined && parent !== at) this.#parents[at] = parent;
    }
    let last = 0;
    for (const { start, duration } of spans) last = Math.max(last, start + Math.max(0, duration));
    const events = eventsInOrder(spans);
    for (const at of order) {
      this.#addEvents(events, spans[at]!.start);
      this.#place(at, last);
    }
    this.#addEvents(events, Infinity);
    for (const at of order) this.#addArrows(at);
  }

  #place(at: number, last: number): void {
    const span = this.#spans[at]!;
    const pid = this.#pids[span.process]!;
    const parent = this.#localParent(at);
    // In a file with odd clocks a parent may begin after its child, and has no task yet.
    const around = parent < 0 ? 0 : this.#tasks[parent]!;
    let task = around;
    if (span.isTask === 'always' || (span.isTask === 'root' && around === 0)) {
      task = (this.#taskCounts.get(pid) ?? 0) + 1;
      this.#taskCounts.set(pid, task);
      this.#addTask(span, pid, task, around);
    }
    this.#tasks[at] = task;
    const lanes = this.#lanes.get(pid) ?? new OtlpLanes();
    this.#lanes.set(pid, lanes);
    const end = span.duration < 0 ? last : span.start + span.duration;
    const lane = lanes.place(span.start, end, parent < 0 ? -1 : this.#laneOf[parent]!);
    const track = this.#builder.asyncTrack(pid, Category.span, `0x${(lane + 1).toString(16)}`, '');
    this.#laneOf[at] = lane;
    this.#tracks[at] = track;
    const args = this.#arguments(task, span, this.#scopes[span.scope]!);
    this.#slice(span, track, this.#category, args);
  }

  /** The parent, if it is of the same process; else -1. */
  #localParent(at: number): number {
    const parent = this.#parents[at]!;
    if (parent < 0) return -1;
    const [own, its] = [this.#spans[at]!.process, this.#spans[parent]!.process];
    return this.#pids[own] === this.#pids[its] ? parent : -1;
  }

  #addTask(span: CollectedSpan, pid: number, task: number, parent: number): void {
    const { name, key, parentKey } = span;
    const track = this.#builder.asyncTrack(pid, Category.task, `0x${task.toString(16)}`, name);
    const text =
      `{"task":${task}` +
      (parent === 0 ? '' : `,"parent":${parent}`) +
      (key === ''
        ? ''
        : `,"trace_id":"${key.slice(0, TRACE_ID_DIGITS)}","span_id":"${key.slice(TRACE_ID_DIGITS)}"`) +
      (parentKey === '' || key === '' ? '' : `,"parent_span_id":"${parentKey.slice(TRACE_ID_DIGITS)}"`);
    const bytes = encoder.encode(`${text}}`);
    this.#slice(span, track, this.#strings.intern(Category.task), this.#strings.args(bytes, 0, bytes.length));
  }

  #slice(span: CollectedSpan, track: number, category: number, args: number): void {
    const { name, start, duration } = span;
    const label = this.#strings.intern(name);
    if (duration < 0) this.#builder.unfinished(track, label, category, start, args);
    else this.#builder.slice(track, label, category, start, duration, args);
  }

  /** Adds the events before a moment, which stand at the end. */
  #addEvents(events: OrderedEvent[], before: number): void {
    while (events.length > 0 && events[events.length - 1]!.key < before) {
      const { at, event } = events.pop()!;
      const args = this.#arguments(this.#tasks[at]!, event, NO_BYTES);
      const name = this.#strings.intern(event.name);
      this.#builder.instant(this.#tracks[at]!, name, this.#category, event.time, args);
    }
  }

  #addArrows(at: number): void {
    const parent = this.#parents[at]!;
    if (parent >= 0 && this.#localParent(at) < 0) this.#arrow(parent, at);
    for (const key of this.#spans[at]!.links) {
      const from = this.#byKey.get(key);
      if (from !== undefined) this.#arrow(from, at);
    }
  }

  /** From one span to another: it leaves the first at the last moment at which it can. */
  #arrow(from: number, to: number): void {
    const [origin, target] = [this.#spans[from]!, this.#spans[to]!];
    const end = origin.duration < 0 ? target.start : origin.start + origin.duration;
    const leaves = Math.max(origin.start, Math.min(end, target.start));
    const name = this.#strings.intern('link');
    const category = this.#strings.intern(Category.flow);
    const flow = this.#builder.flow(`${from} ${to}`);
    this.#builder.flowEvent(3, this.#tracks[from]!, name, category, leaves, flow);
    this.#builder.flowEvent(5, this.#tracks[to]!, name, category, target.start, flow);
  }

  /** String id of arguments, with the task first and those of the scope last. */
  #arguments(
    task: number,
    { argsFrom, argsTo }: { readonly argsFrom: number; readonly argsTo: number },
    scope: Uint8Array,
  ): number {
    // hot: once a span.
    const members = this.#texts.slice(argsFrom, argsTo);
    const length = members.length + scope.length;
    if (this.#scratch.length < length + 32) this.#scratch = new Uint8Array(length * 2 + 32);
    const scratch = this.#scratch;
    let at = encoder.encodeInto(task === 0 ? '{' : `{"task":${task}`, scratch).written;
    const own = task === 0 ? members.subarray(1) : members;
    scratch.set(own, at);
    at += own.length;
    scratch.set(scope, at);
    at += scope.length;
    if (at === 1) return 0;
    scratch[at++] = 0x7d;
    return this.#strings.args(scratch, 0, at);
  }
}

interface OrderedEvent {
  readonly at: number;
  readonly event: CollectedEvent;
  readonly key: number;
}

/** Events of all spans, the last one first; none before its span. */
function eventsInOrder(spans: readonly CollectedSpan[]): OrderedEvent[] {
  const events: OrderedEvent[] = [];
  for (const [at, { start, events: own }] of spans.entries()) {
    for (const event of own) events.push({ at, event, key: Math.max(event.time, start) });
  }
  return events.sort((a, b) => b.key - a.key);
}

/** Spans by begin, of one begin parents first and the longer first. */
function inOrder(spans: readonly CollectedSpan[]): Uint32Array {
  const length = ({ duration }: CollectedSpan): number => (duration < 0 ? Infinity : duration);
  const order = Uint32Array.from(spans.keys());
  return order.sort((a, b) => {
    const [one, other] = [spans[a]!, spans[b]!];
    if (one.start !== other.start) return one.start - other.start;
    const [first, second] = [length(one), length(other)];
    if (first !== second) return second > first ? 1 : -1;
    if (one.key !== '' && one.key === other.parentKey) return -1;
    if (other.key !== '' && other.key === one.parentKey) return 1;
    return a - b;
  });
}
