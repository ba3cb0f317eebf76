/**
 * What each row of a trace is among spans: a span, an event or a link of one, or nothing, and then why. Knows which part of the trace was
 * asked for; what is left out changes no id of the rest.
 */
import { Category, EventKind, SpanArrow, type Trace, timeRange } from '@ttrace/format';
import type { SpanTree } from './otlp-tree.ts';

/** Which part of a trace becomes spans. */
export interface SpanChoice {
  /** Rows, by stretch of time, task, thread; all without it. */
  readonly isWanted?: (row: number) => boolean;
  /** Shortest slice that becomes a span, in nanoseconds. Instants that belong to no span need none. */
  readonly minNanos?: number;
  /** Categories of slices and instants; all without it. */
  readonly categories?: ReadonlySet<string>;
}

/** Roles of rows; 0 = none. A moment is an instant that belongs to nothing: a span without a length. */
export const Role = { span: 1, event: 2, link: 3, moment: 4 } as const;

export class SpanRoles {
  /** By row. */
  readonly role: Uint8Array;
  /** Spans by category. */
  readonly byCategory: ReadonlyMap<string, number>;
  /** Rows that have no role, by what they are. */
  readonly leftOut: Map<string, number> = new Map();
  /** What would have a role and cannot be sent, by what it is. */
  readonly unsendable: Map<string, number> = new Map();
  readonly spans: number;
  readonly #trace: Trace;
  readonly #tree: SpanTree;
  readonly #end: number;
  readonly #span: number;
  readonly #flow: number;
  readonly #spanArrows: ReadonlySet<number>;
  /** By flow: the row of the span where it begins. */
  readonly #origins = new Map<number, number>();
  /** Rows of events and links by the row of their span: `#items[#offsets[row]] …`. */
  readonly #offsets: Uint32Array;
  readonly #items: Uint32Array;

  constructor(trace: Trace, tree: SpanTree, choice: SpanChoice) {
    this.#trace = trace;
    this.#tree = tree;
    this.#end = timeRange(trace).end;
    this.#span = trace.strings.find(Category.span);
    this.#flow = trace.strings.find(Category.flow);
    this.#spanArrows = new Set(Object.values(SpanArrow).map((name) => trace.strings.find(name)));
    this.role = new Uint8Array(trace.length);
    this.#offsets = new Uint32Array(trace.length + 1);
    this.#choose(choice);
    this.#items = this.#gather(this.#place());
    const counts = this.#count();
    this.byCategory = counts;
    this.spans = [...counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Rows of the events and links of a span, in order of time. */
  itemsOf(row: number): Uint32Array {
    return this.#items.subarray(this.#offsets[row]!, this.#offsets[row + 1]!);
  }

  /** Whether a span has events or links. */
  hasItems(row: number): boolean {
    return this.#offsets[row] !== this.#offsets[row + 1];
  }

  /** Row of the span where an arrow begins. */
  originOf(flow: number): number {
    return this.#origins.get(flow) ?? -1;
  }

  /** How long a slice lasts: without an end, as long as the trace. */
  durationOf(row: number): number {
    const { start, value } = this.#trace.columns;
    return value[row]! < 0 ? this.#end - start[row]! : value[row]!;
  }

  #choose(choice: SpanChoice): void {
    const { kind } = this.#trace.columns;
    const inOrder = new Uint8Array(this.#trace.length);
    for (const row of this.#tree.rows.rows) inOrder[row] = 1;
    for (let row = 0; row < this.#trace.length; row++) {
      if (inOrder[row] !== 1) {
        countIn(this.unsendable, 'events with damaged times', 1);
        continue;
      }
      const reason = this.#reasonAgainst(row, choice);
      if (reason !== undefined) this.#leave(reason);
      else if (kind[row] === EventKind.slice) this.role[row] = Role.span;
      else this.role[row] = kind[row] === EventKind.instant ? Role.event : Role.link;
    }
    for (const [row, first] of this.#tree.twins) {
      if (this.role[row] !== Role.span || this.role[first] !== Role.span) continue;
      this.role[row] = 0;
      if (this.#isOfOpenTelemetry(row)) countIn(this.unsendable, 'spans with the ids of another span', 1);
      else this.#leave('slices that are the same operation as a span');
    }
  }

  #isOfOpenTelemetry(row: number): boolean {
    return this.#trace.columns.category[row] === this.#span;
  }

  /** Why a row is not sent; undefined when it is. */
  #reasonAgainst(row: number, { isWanted, minNanos, categories }: SpanChoice): string | undefined {
    const { columns, strings } = this.#trace;
    const kind = columns.kind[row]!;
    if (kind === EventKind.counter) return 'counter samples';
    const category = strings.text(columns.category[row]!);
    if (kind === EventKind.slice) {
      if (this.#isSpanArrow(row)) return 'ends of arrows between spans';
      if (category === Category.sample) return 'CPU samples';
      if (category === Category.loop && !strings.text(columns.args[row]!).includes('"blocked":true'))
        return 'event-loop turns';
    }
    const isArrow = kind >= EventKind.flowOut;
    if (!isArrow && categories?.has(category) === false) return 'events of other categories';
    if (isWanted?.(row) === false) return 'events outside the filter';
    if (kind === EventKind.slice && minNanos !== undefined && this.durationOf(row) < minNanos)
      return 'slices shorter than the filter';
    return undefined;
  }

  /** Finds the spans of events and links: by row, -1 for none. */
  #place(): Int32Array {
    const { columns, length } = this.#trace;
    const owners = new Int32Array(length).fill(-1);
    for (let row = 0; row < length; row++) {
      if (this.role[row] === Role.event) this.#placeEvent(row, owners);
      else if (columns.kind[row] === EventKind.flowOut && this.role[row] === Role.link)
        this.#placeOrigin(row);
    }
    for (let row = 0; row < length; row++) if (this.role[row] === Role.link) this.#placeLink(row, owners);
    return owners;
  }

  #placeEvent(row: number, owners: Int32Array): void {
    const owner = this.#tree.ownerAmong(row, this.role);
    if (owner >= 0) {
      owners[row] = owner;
      return;
    }
    // What belongs to something that is not sent is not sent either; what belongs to nothing stands alone.
    this.role[row] = this.#tree.owner[row] === -1 ? Role.moment : 0;
    if (this.role[row] === 0) this.#leave('instants of what is left out');
  }

  #isSpanArrow(row: number): boolean {
    const { category, name } = this.#trace.columns;
    return row >= 0 && category[row] === this.#flow && this.#spanArrows.has(name[row]!);
  }

  #placeOrigin(row: number): void {
    if (this.#isSpanArrow(this.#tree.owner[row]!)) {
      this.role[row] = 0;
      return;
    }
    const owner = this.#tree.ownerAmong(row, this.role);
    const flow = this.#trace.columns.value[row]!;
    this.role[row] = 0;
    if (owner < 0) this.#leave('ends of arrows outside spans');
    else if (!this.#origins.has(flow)) this.#origins.set(flow, owner);
  }

  #placeLink(row: number, owners: Int32Array): void {
    if (this.#isSpanArrow(this.#tree.owner[row]!)) {
      this.role[row] = 0;
      return;
    }
    const owner = this.#tree.ownerAmong(row, this.role);
    // A span of OpenTelemetry says itself what it is linked to: in a file of OTLP arrows show just that, and parents elsewhere.
    const isTold = owner >= 0 && this.#isOfOpenTelemetry(owner);
    if (owner >= 0 && !isTold && this.originOf(this.#trace.columns.value[row]!) >= 0) {
      owners[row] = owner;
      return;
    }
    this.role[row] = 0;
    if (!isTold) this.#leave('ends of arrows outside spans');
  }

  /** Rows of events and links by span; counts in `#offsets` on the way. */
  #gather(owners: Int32Array): Uint32Array {
    const offsets = this.#offsets;
    for (const owner of owners) if (owner >= 0) offsets[owner + 1]!++;
    for (let row = 0; row < owners.length; row++) offsets[row + 1]! += offsets[row]!;
    const next = offsets.slice();
    const items = new Uint32Array(offsets[owners.length]!);
    for (const row of this.#tree.rows.rows) if (owners[row]! >= 0) items[next[owners[row]!]!++] = row;
    return items;
  }

  #count(): ReadonlyMap<string, number> {
    const { category } = this.#trace.columns;
    const counts = new Map<number, number>();
    for (let row = 0; row < this.#trace.length; row++) {
      if (this.role[row] !== Role.span && this.role[row] !== Role.moment) continue;
      counts.set(category[row]!, (counts.get(category[row]!) ?? 0) + 1);
    }
    const sorted = [...counts].sort((a, b) => b[1] - a[1]);
    return new Map(sorted.map(([id, count]) => [this.#trace.strings.text(id), count]));
  }

  #leave(what: string): void {
    countIn(this.leftOut, what, 1);
  }
}

/** Adds to one of several counts. */
export function countIn(counts: Map<string, number>, what: string, count: number): void {
  counts.set(what, (counts.get(what) ?? 0) + count);
}
