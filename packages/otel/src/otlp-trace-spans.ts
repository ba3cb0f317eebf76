/**
 * The spans of a trace, each made when it is asked for, so that there is never more than a batch of them. Trees and ids come from SpanTree
 * and SpanIds, which rows are spans from SpanRoles, names from otlp-semantics.
 */
import { Category, type Trace } from '@ttrace/format';
import { parsedArguments } from './otlp-arguments.ts';
import { SpanIds } from './otlp-ids.ts';
import { countIn, Role, type SpanChoice, SpanRoles } from './otlp-roles.ts';
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

/** How many of what a trace has. */
export interface SpanCounts {
  readonly spans: number;
  /** Of all spans that were made so far. */
  readonly events: number;
  readonly links: number;
  /** Spans by category. */
  readonly byCategory: ReadonlyMap<string, number>;
  /** What does not become a span, an event or a link, by what it is. */
  readonly leftOut: ReadonlyMap<string, number>;
  /** What is lost before anything is sent, by what it is: of links, those of all spans that were made so far. */
  readonly unsendable: ReadonlyMap<string, number>;
}

/** Bytes of `{"task":}`. */
const TASK_LENGTH = 9;
const NO_ARGUMENTS = {};
/** Most events, and most links, of one span: receivers and their batches end somewhere. */
const MAX_ITEMS = 8192;
const NO_ATTRIBUTES: OtlpAttributes = [];
const UNFINISHED = ['ttrace.unfinished', true] as const;
const NANOS_A_MILLI = 1e6;
/** In `#threads`: not looked at yet. */
const UNKNOWN = -2;

export class TraceSpans implements CutCounter {
  /** Texts that were cut so far. */
  cut = 0;
  /** Events, links and attributes that had no room in their spans so far. */
  crowdedOut = 0;
  readonly #trace: Trace;
  readonly #tree: SpanTree;
  readonly #ids: SpanIds;
  readonly #roles: SpanRoles;
  readonly #errorCategory: number;
  /** By row of a span: what is the same operation, whose arguments it takes over. */
  readonly #twins: ReadonlyMap<number, number>;
  readonly #shared = new Map<number, SharedAttributes>();
  /** By track: that of its thread, as `threadOf` gives it. */
  readonly #threads: Int32Array;
  /** By pid. */
  readonly #tracks = new Map<number, number[]>();
  #events = 0;
  #links = 0;
  #lastRoot = -1;
  #lastTraceId = '';
  #lastParent = -1;
  #lastParentId = '';

  constructor(trace: Trace, choice: SpanChoice = {}) {
    this.#trace = trace;
    this.#tree = new SpanTree(trace);
    this.#ids = new SpanIds(trace, this.#tree.ordinals);
    this.#roles = new SpanRoles(trace, this.#tree, choice);
    this.#threads = new Int32Array(trace.tracks.length).fill(UNKNOWN);
    this.#errorCategory = trace.strings.find(Category.error);
    const span = trace.strings.find(Category.span);
    // A second span of the same ids is another operation, of which nothing is taken over.
    const twins = [...this.#tree.twins].filter(([row]) => trace.columns.category[row] !== span);
    this.#twins = new Map(twins.map(([row, first]) => [first, row]));
  }

  get counts(): SpanCounts {
    const { spans, byCategory, leftOut, unsendable } = this.#roles;
    return { spans, byCategory, leftOut, unsendable, events: this.#events, links: this.#links };
  }

  /** The spans of one process, track by track. */
  *spansOf(pid: number): Generator<OtlpSpan> {
    const { rows } = this.#tree;
    const { role } = this.#roles;
    for (const track of this.#tracksOf(pid)) {
      for (let at = rows.offsets[track]!; at < rows.offsets[track + 1]!; at++) {
        const row = rows.rows[at]!;
        if (role[row] === Role.span || role[row] === Role.moment) yield this.#span(row);
      }
    }
  }

  #tracksOf(pid: number): readonly number[] {
    if (this.#tracks.size === 0) {
      for (const [track, { pid: own }] of this.#trace.tracks.entries()) {
        const known = this.#tracks.get(own);
        if (known === undefined) this.#tracks.set(own, [track]);
        else known.push(track);
      }
    }
    return this.#tracks.get(pid) ?? [];
  }

  /** What is left of a span that is larger than a request may be: all but its events, links and own attributes. */
  bared(span: OtlpSpan): OtlpSpan {
    const { events, links, attributes } = span;
    this.crowdedOut += events.length + links.length + attributes.length;
    return {
      ...span,
      attributes: NO_ATTRIBUTES,
      events: [],
      links: [],
      droppedAttributes: withMore(span.droppedAttributes, attributes.length),
      droppedEvents: withMore(span.droppedEvents, events.length),
      droppedLinks: withMore(span.droppedLinks, links.length),
    };
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
    const isMoment = this.#roles.role[row] === Role.moment;
    const category = strings.text(columns.category[row]!);
    const name = strings.text(columns.name[row]!);
    const meaning = this.#meaningOf(row, category, name, isMoment);
    // What began before the recording did says so.
    const start = columns.start[row]! - meaning.beforeMs * NANOS_A_MILLI;
    const { events, links, hasError, crowdedEvents, crowdedLinks } = this.#itemsOf(row, start, meaning);
    if (meaning.badLinks > 0) countIn(this.#roles.unsendable, 'links without valid ids', meaning.badLinks);
    const isUnfinished = !isMoment && columns.value[row]! < 0;
    return {
      traceId,
      spanId: this.#spanIdOf(row),
      parentSpanId: this.#parentOf(row, traceId, isMoment),
      traceState: meaning.traceState,
      flags: meaning.flags,
      scope: meaning.scope,
      name: name === '' ? '(no name)' : safeText(name, this),
      kind: meaning.kind,
      start,
      end: isMoment ? start : columns.start[row]! + this.#roles.durationOf(row),
      shared: this.#sharedOf(columns.track[row]!, columns.category[row]!),
      attributes: isUnfinished ? [...meaning.attributes, UNFINISHED] : meaning.attributes,
      events,
      links,
      droppedAttributes: meaning.droppedAttributes,
      droppedEvents: withMore(meaning.droppedEvents, crowdedEvents),
      droppedLinks: withMore(meaning.droppedLinks, meaning.badLinks + crowdedLinks),
      status: hasError ? SpanStatus.error : meaning.status,
      statusMessage: meaning.statusMessage,
    };
  }

  #parentOf(row: number, traceId: string, isMoment: boolean): string {
    const own = this.#tree.ownIds.get(row);
    if (own !== undefined && own.parentSpanId !== '') return own.parentSpanId;
    const parent = isMoment ? -1 : this.#tree.ownerAmong(row, this.#roles.role);
    if (parent < 0 || this.#traceIdOf(parent) !== traceId) return '';
    if (parent !== this.#lastParent) {
      this.#lastParent = parent;
      this.#lastParentId = this.#spanIdOf(parent);
    }
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
    const meaning = meaningOf(category, name, this.#argumentsOf(args), this);
    const twin = this.#twins.get(row);
    return twin === undefined ? meaning : this.#joined(meaning, twin);
  }

  /** A span with the arguments of the task or request that is the same operation, as far as it has none of that name. */
  #joined(meaning: Meaning, twin: number): Meaning {
    const { columns, strings } = this.#trace;
    const category = strings.text(columns.category[twin]!);
    const name = strings.text(columns.name[twin]!);
    const { attributes } = meaningOf(category, name, this.#argumentsOf(columns.args[twin]!), this);
    const known = new Set(meaning.attributes.map(([key]) => key));
    const added = attributes.filter(([key]) => key !== 'ttrace.task' && !known.has(key));
    return added.length === 0 ? meaning : { ...meaning, attributes: [...meaning.attributes, ...added] };
  }

  #argumentsOf(id: number): Readonly<Record<string, unknown>> {
    return id === 0 ? NO_ARGUMENTS : parsedArguments(this.#trace.strings.text(id));
  }

  #sharedOf(track: number, category: number): SharedAttributes {
    // Tracks of tasks, of which there may be millions, have all the same.
    let thread = this.#threads[track]!;
    if (thread === UNKNOWN) {
      thread = threadOf(this.#trace.tracks, track);
      this.#threads[track] = thread;
    }
    const key = thread * this.#trace.strings.size + category;
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      const list = threadAttributes(this.#trace.tracks[thread], this.#trace.strings.text(category), this);
      shared = { list, encoded: undefined };
      this.#shared.set(key, shared);
    }
    return shared;
  }

  #itemsOf(row: number, start: number, meaning: Meaning): Items {
    if (!this.#roles.hasItems(row) && meaning.links.length === 0 && meaning.events.length === 0)
      return NO_ITEMS;
    const events: OtlpEvent[] = meaning.events.map(({ afterMs, ...event }) => ({
      ...event,
      time: start + Math.round(afterMs * NANOS_A_MILLI),
    }));
    const links: OtlpLink[] = [...meaning.links];
    let hasError = false;
    for (const item of this.#roles.itemsOf(row)) {
      if (this.#roles.role[item] === Role.link) links.push(this.#link(item));
      else {
        hasError ||= this.#trace.columns.category[item] === this.#errorCategory;
        events.push(this.#event(item));
      }
    }
    const crowdedEvents = events.splice(MAX_ITEMS).length;
    const crowdedLinks = links.splice(MAX_ITEMS).length;
    this.crowdedOut += crowdedEvents + crowdedLinks;
    this.#events += events.length;
    this.#links += links.length;
    return { events, links, hasError, crowdedEvents, crowdedLinks };
  }

  #event(row: number): OtlpEvent {
    const { columns, strings } = this.#trace;
    const category = strings.text(columns.category[row]!);
    const name = strings.text(columns.name[row]!);
    const event = eventOf(category, name, this.#argumentsOf(columns.args[row]!), this);
    return { ...event, time: columns.start[row]! };
  }

  #link(row: number): OtlpLink {
    const { columns, strings } = this.#trace;
    const origin = this.#roles.originOf(columns.value[row]!);
    const name = strings.text(columns.name[row]!);
    const attributes: OtlpAttributes = name === '' ? NO_ATTRIBUTES : [['ttrace.flow', safeText(name, this)]];
    return {
      traceId: this.#traceIdOf(origin),
      spanId: this.#spanIdOf(origin),
      traceState: '',
      flags: 0,
      attributes,
      droppedAttributes: 0,
    };
  }
}

/** A count with more; no receiver takes one that 32 bits do not hold. */
function withMore(count: number, more: number): number {
  return Math.min(count + more, 0xff_ff_ff_ff);
}

interface Items {
  readonly events: readonly OtlpEvent[];
  readonly links: readonly OtlpLink[];
  /** Whether one of the events is an error that nothing caught. */
  readonly hasError: boolean;
  readonly crowdedEvents: number;
  readonly crowdedLinks: number;
}

const NO_ITEMS: Items = { events: [], links: [], hasError: false, crowdedEvents: 0, crowdedLinks: 0 };
