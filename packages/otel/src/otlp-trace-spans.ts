/**
 * The spans of a trace: which rows are spans, which are events and links of them, and each span made when it is asked for, so that
 * there is never more than a batch of them. Trees and ids come from SpanTree and SpanIds, names from otlp-semantics.
 */
import { Category, EventKind, type Trace, timeRange } from '@ttrace/format';
import { parsedArguments } from './otlp-arguments.ts';
import { SpanIds } from './otlp-ids.ts';
import { type CutCounter, safeText } from './otlp-safe-value.ts';
import { eventOf, type Meaning, meaningOf, plainMeaning } from './otlp-semantics.ts';
import {
  type OtlpAttributes,
  type OtlpEvent,
  type OtlpLink,
  type OtlpSpan,
  type SharedAttributes,
  SpanStatus,
} from './otlp-span.ts';
import { threadAttributes, threadOf } from './otlp-thread-attributes.ts';
import { SpanTree } from './otlp-tree.ts';

/** Which part of a trace becomes spans. What is left out leaves the ids of the rest as they are. */
export interface SpanChoice {
  /** Rows, by stretch of time, task, thread; all without it. */
  readonly isWanted?: (row: number) => boolean;
  /** Shortest slice that becomes a span, in nanoseconds. Instants that belong to no span need none. */
  readonly minNanos?: number;
  /** Categories of slices and instants; all without it. */
  readonly categories?: ReadonlySet<string>;
}

/** How many of what a trace has. */
export interface SpanCounts {
  readonly spans: number;
  readonly events: number;
  readonly links: number;
  /** Spans by category; '' is that of events that have none. */
  readonly byCategory: ReadonlyMap<string, number>;
  /** What does not become a span, an event or a link, by what it is. */
  readonly leftOut: ReadonlyMap<string, number>;
}

/** Values in `#role`. */
const SPAN = 1;
const EVENT = 2;
const LINK = 3;
/** An instant that belongs to nothing: a span without a length. */
const MOMENT = 4;

/** Bytes of `{"task":}`. */
const TASK_LENGTH = 9;
const NO_ARGUMENTS = {};
/** Most events, and most links, of one span: receivers and their batches end somewhere. */
const MAX_ITEMS = 8192;
const NO_ATTRIBUTES: OtlpAttributes = [];
const UNFINISHED = ['ttrace.unfinished', true] as const;

export class TraceSpans implements CutCounter {
  /** Texts that were cut so far. */
  cut = 0;
  /** Events and links that had no room in their spans so far. */
  crowdedOut = 0;
  readonly counts: SpanCounts;
  readonly #trace: Trace;
  readonly #tree: SpanTree;
  readonly #ids: SpanIds;
  readonly #end: number;
  readonly #errorCategory: number;
  readonly #role: Uint8Array;
  /** Rows of events and links by the row of their span: `#items[#offsets[row]] …`. */
  readonly #offsets: Uint32Array;
  readonly #items: Uint32Array;
  /** By flow: the row of the span where it begins. */
  readonly #origins = new Map<number, number>();
  #lastRoot = -1;
  #lastTraceId = '';
  #lastParent = -1;
  #lastParentId = '';
  readonly #shared = new Map<number, SharedAttributes>();

  constructor(trace: Trace, choice: SpanChoice = {}) {
    this.#trace = trace;
    this.#tree = new SpanTree(trace);
    this.#ids = new SpanIds(trace, this.#tree.ordinals);
    this.#end = timeRange(trace).end;
    this.#errorCategory = trace.strings.find(Category.error);
    this.#role = new Uint8Array(trace.length);
    this.#offsets = new Uint32Array(trace.length + 1);
    const owners = new Int32Array(trace.length).fill(-1);
    this.counts = this.#chooseAll(choice, owners);
    this.#items = this.#gather(owners);
  }

  /** The spans of one process, track by track. */
  *spansOf(pid: number): Generator<OtlpSpan> {
    const { rows } = this.#tree;
    for (const [track, { pid: own }] of this.#trace.tracks.entries()) {
      if (own !== pid) continue;
      for (let at = rows.offsets[track]!; at < rows.offsets[track + 1]!; at++) {
        const row = rows.rows[at]!;
        const role = this.#role[row];
        if (role === SPAN || role === MOMENT) yield this.#span(row);
      }
    }
  }

  /** What is left of a span that is larger than a request may be: all but its events, links and own attributes. */
  bared(span: OtlpSpan): OtlpSpan {
    const { events, links, attributes } = span;
    this.crowdedOut += events.length + links.length;
    this.cut += attributes.length;
    return {
      ...span,
      attributes: NO_ATTRIBUTES,
      events: [],
      links: [],
      droppedEvents: span.droppedEvents + events.length,
      droppedLinks: span.droppedLinks + links.length,
    };
  }

  #chooseAll(choice: SpanChoice, owners: Int32Array): SpanCounts {
    const { kind } = this.#trace.columns;
    const leftOut = new Map<string, number>();
    const leave = (what: string): void => void leftOut.set(what, (leftOut.get(what) ?? 0) + 1);
    const inOrder = new Uint8Array(this.#trace.length);
    for (const row of this.#tree.rows.rows) inOrder[row] = 1;
    for (let row = 0; row < this.#trace.length; row++) {
      const reason = inOrder[row] === 1 ? this.#reasonAgainst(row, choice) : 'events with damaged times';
      if (reason !== undefined) leave(reason);
      else if (kind[row] === EventKind.slice) this.#role[row] = SPAN;
      else this.#role[row] = kind[row] === EventKind.instant ? EVENT : LINK;
    }
    for (let row = 0; row < this.#trace.length; row++) {
      if (this.#role[row] === EVENT) this.#placeEvent(row, owners, leave);
      else if (kind[row] === EventKind.flowOut && this.#role[row] === LINK) this.#placeOrigin(row, leave);
    }
    for (let row = 0; row < this.#trace.length; row++) {
      if (this.#role[row] === LINK) this.#placeLink(row, owners, leave);
    }
    return this.#counted(leftOut);
  }

  /** Why a row is not sent; undefined when it is. */
  #reasonAgainst(row: number, { isWanted, minNanos, categories }: SpanChoice): string | undefined {
    const { columns, strings } = this.#trace;
    const kind = columns.kind[row]!;
    if (kind === EventKind.counter) return 'counter samples';
    const category = strings.text(columns.category[row]!);
    if (kind === EventKind.slice) {
      if (category === Category.sample) return 'CPU samples';
      if (category === Category.loop && !strings.text(columns.args[row]!).includes('"blocked":true'))
        return 'event-loop turns';
    }
    const isArrow = kind >= EventKind.flowOut;
    if (!isArrow && categories?.has(category) === false) return 'events of other categories';
    if (isWanted?.(row) === false) return 'events outside the filter';
    if (kind === EventKind.slice && minNanos !== undefined && this.#durationOf(row) < minNanos)
      return 'slices shorter than the filter';
    return undefined;
  }

  #placeEvent(row: number, owners: Int32Array, leave: (what: string) => void): void {
    const owner = this.#tree.ownerAmong(row, this.#role);
    if (owner >= 0) {
      owners[row] = owner;
      return;
    }
    // What belongs to something that is not sent is not sent either; what belongs to nothing stands alone.
    this.#role[row] = this.#tree.owner[row] === -1 ? MOMENT : 0;
    if (this.#role[row] === 0) leave('instants of what is left out');
  }

  #placeOrigin(row: number, leave: (what: string) => void): void {
    const owner = this.#tree.ownerAmong(row, this.#role);
    const flow = this.#trace.columns.value[row]!;
    this.#role[row] = 0;
    if (owner < 0) leave('ends of arrows outside spans');
    else if (!this.#origins.has(flow)) this.#origins.set(flow, owner);
  }

  #placeLink(row: number, owners: Int32Array, leave: (what: string) => void): void {
    const owner = this.#tree.ownerAmong(row, this.#role);
    const origin = this.#origins.get(this.#trace.columns.value[row]!);
    if (owner >= 0 && origin !== undefined) {
      owners[row] = owner;
      return;
    }
    this.#role[row] = 0;
    leave('ends of arrows outside spans');
  }

  #counted(leftOut: ReadonlyMap<string, number>): SpanCounts {
    const { category } = this.#trace.columns;
    const numbers = new Map<number, number>();
    let spans = 0;
    let events = 0;
    let links = 0;
    for (let row = 0; row < this.#trace.length; row++) {
      const role = this.#role[row]!;
      if (role === EVENT) events++;
      else if (role === LINK) links++;
      else if (role !== 0) {
        spans++;
        numbers.set(category[row]!, (numbers.get(category[row]!) ?? 0) + 1);
      }
    }
    const byCategory = [...numbers].sort((a, b) => b[1] - a[1]);
    return {
      spans,
      events,
      links,
      byCategory: new Map(byCategory.map(([id, count]) => [this.#trace.strings.text(id), count])),
      leftOut,
    };
  }

  /** Rows of events and links by span; counts in `#offsets` on the way. */
  #gather(owners: Int32Array): Uint32Array {
    const offsets = this.#offsets;
    const { rows } = this.#tree.rows;
    for (const owner of owners) if (owner >= 0) offsets[owner + 1]!++;
    for (let row = 0; row < owners.length; row++) offsets[row + 1]! += offsets[row]!;
    const next = offsets.slice();
    const items = new Uint32Array(offsets[owners.length]!);
    for (const row of rows) if (owners[row]! >= 0) items[next[owners[row]!]!++] = row;
    return items;
  }

  #durationOf(row: number): number {
    const { start, value } = this.#trace.columns;
    return value[row]! < 0 ? this.#end - start[row]! : value[row]!;
  }

  /** Which trace a span is of. */
  #traceIdOf(row: number): string {
    const own = this.#tree.ownIds.get(row);
    if (own !== undefined) return own.traceId;
    const known = this.#tree.root[row]!;
    const root = known < 0 ? row : known;
    // Spans of one trace come together as a rule.
    if (root !== this.#lastRoot) {
      this.#lastRoot = root;
      this.#lastTraceId = this.#tree.ownIds.get(root)?.traceId ?? this.#ids.traceId(root);
    }
    return this.#lastTraceId;
  }

  #spanIdOf(row: number): string {
    return this.#tree.ownIds.get(row)?.spanId ?? this.#ids.spanId(row);
  }

  #span(row: number): OtlpSpan {
    // hot: once a span.
    const { columns, strings } = this.#trace;
    const traceId = this.#traceIdOf(row);
    const start = columns.start[row]!;
    const isMoment = this.#role[row] === MOMENT;
    const category = strings.text(columns.category[row]!);
    const name = strings.text(columns.name[row]!);
    const meaning = this.#meaningOf(row, category, name, isMoment);
    const { events, links, crowded, hasError } = this.#itemsOf(row, meaning.links);
    const shared = this.#sharedOf(columns.track[row]!, columns.category[row]!);
    const isUnfinished = !isMoment && columns.value[row]! < 0;
    return {
      traceId,
      spanId: this.#spanIdOf(row),
      parentSpanId: this.#parentOf(row, traceId),
      traceState: meaning.traceState,
      name: name === '' ? '(no name)' : safeText(name, this),
      kind: meaning.kind,
      start,
      end: isMoment ? start : start + this.#durationOf(row),
      shared,
      attributes: isUnfinished ? [...meaning.attributes, UNFINISHED] : meaning.attributes,
      events,
      links,
      droppedEvents: crowded.events,
      droppedLinks: crowded.links,
      status: hasError ? SpanStatus.error : meaning.status,
      statusMessage: meaning.statusMessage,
    };
  }

  #parentOf(row: number, traceId: string): string {
    const own = this.#tree.ownIds.get(row);
    if (own !== undefined && own.parentSpanId !== '') return own.parentSpanId;
    const parent = this.#role[row] === MOMENT ? -1 : this.#tree.ownerAmong(row, this.#role);
    if (parent < 0) return '';
    if (parent === this.#lastParent) return this.#lastParentId;
    this.#lastParent = parent;
    this.#lastParentId = this.#traceIdOf(parent) === traceId ? this.#spanIdOf(parent) : '';
    return this.#lastParentId;
  }

  #meaningOf(row: number, category: string, name: string, isMoment: boolean): Meaning {
    const args = this.#trace.columns.args[row]!;
    if (isMoment) {
      const { attributes } = eventOf(category, name, this.#argumentsOf(args), this);
      return { ...plainMeaning(category, name, 0), attributes };
    }
    // Most slices have a task and nothing else.
    const task = args === 0 ? 0 : this.#tree.taskOf(row);
    const length = task === 0 ? 0 : TASK_LENGTH + String(task).length;
    if (this.#trace.strings.byteLengthOf(args) === length) return plainMeaning(category, name, task);
    return meaningOf(category, name, this.#argumentsOf(args), this);
  }

  #argumentsOf(id: number): Readonly<Record<string, unknown>> {
    return id === 0 ? NO_ARGUMENTS : parsedArguments(this.#trace.strings.text(id));
  }

  #sharedOf(track: number, category: number): SharedAttributes {
    // Tracks of tasks, of which there may be millions, have all the same.
    const thread = threadOf(this.#trace.tracks, track);
    const key = thread * this.#trace.strings.size + category;
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      const list = threadAttributes(this.#trace.tracks[thread], this.#trace.strings.text(category));
      shared = { list, encoded: undefined };
      this.#shared.set(key, shared);
    }
    return shared;
  }

  #itemsOf(row: number, own: readonly OtlpLink[] | undefined): Items {
    const from = this.#offsets[row]!;
    const to = this.#offsets[row + 1]!;
    if (from === to && own === undefined) return NO_ITEMS;
    const events: OtlpEvent[] = [];
    const links: OtlpLink[] = own === undefined ? [] : [...own];
    const crowded = { events: 0, links: 0 };
    let hasError = false;
    for (let at = from; at < to; at++) {
      const item = this.#items[at]!;
      if (this.#role[item] === EVENT) {
        hasError ||= this.#trace.columns.category[item] === this.#errorCategory;
        if (events.length < MAX_ITEMS) events.push(this.#event(item));
        else crowded.events++;
        // A span that says what it is linked to knows it better.
      } else if (own !== undefined) continue;
      else if (links.length < MAX_ITEMS) links.push(this.#link(item));
      else crowded.links++;
    }
    this.crowdedOut += crowded.events + crowded.links;
    return { events, links, crowded, hasError };
  }

  #event(row: number): OtlpEvent {
    const { columns, strings } = this.#trace;
    const category = strings.text(columns.category[row]!);
    const event = eventOf(
      category,
      strings.text(columns.name[row]!),
      this.#argumentsOf(columns.args[row]!),
      this,
    );
    return { ...event, time: columns.start[row]! };
  }

  #link(row: number): OtlpLink {
    const { columns, strings } = this.#trace;
    const origin = this.#origins.get(columns.value[row]!)!;
    const name = strings.text(columns.name[row]!);
    const attributes: OtlpAttributes = name === '' ? NO_ATTRIBUTES : [['ttrace.flow', safeText(name, this)]];
    return { traceId: this.#traceIdOf(origin), spanId: this.#spanIdOf(origin), attributes };
  }
}

interface Items {
  readonly events: readonly OtlpEvent[];
  readonly links: readonly OtlpLink[];
  readonly crowded: { readonly events: number; readonly links: number };
  readonly hasError: boolean;
}

const NO_ITEMS: Items = { events: [], links: [], crowded: { events: 0, links: 0 }, hasError: false };
