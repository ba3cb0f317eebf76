/**
 * Events of a trace as markers of a Firefox profile: each kind has a schema, which says what its fields are and where they are shown.
 * Markers lie on threads: what lies on none, such as a task, goes to the first thread of its process.
 */
import { Argument, Category, EventKind } from '@ttrace/format';
import { parseFrame } from '../stack-frame.ts';
import type { TraceIndex } from '../trace-index.ts';
import type { FirefoxStacks } from './firefox-stacks.ts';

interface Field {
  readonly key: string;
  readonly label: string;
  readonly format: string;
}

const TASK: Field = { key: 'task', label: 'Task', format: 'integer' };
const LOCATION: Field = { key: 'location', label: 'Where', format: 'file-path' };
const ARGUMENTS: Field = { key: 'arguments', label: 'Arguments', format: 'sanitized-string' };
const FLOW: Field = { key: 'flow', label: 'Message', format: 'flow-id' };

/** A kind of marker: what it is called, which category it has, and what is known of it. */
interface Kind {
  readonly name: string;
  readonly label: string;
  readonly color: string;
  readonly fields: readonly Field[];
  readonly description: string;
  /** Text of the marker's row in tables and charts, `{marker.name}` unless given. */
  readonly table?: string;
}

const kind = (
  name: string,
  label: string,
  color: string,
  fields: readonly Field[],
  description: string,
): Kind => ({
  name,
  label,
  color,
  fields: [...fields, TASK, ARGUMENTS],
  description,
});

/** By category of the event; the first is for all others. */
const KINDS: readonly Kind[] = [
  kind('slice', 'Other', 'grey', [], 'A stretch of time or a moment of a kind that ttrace does not know.'),
  kind(Category.region, 'Region', 'blue', [], 'A stretch of code that the program marks.'),
  {
    ...kind(
      Category.task,
      'Task',
      'purple',
      [{ key: 'parent', label: 'Parent', format: 'integer' }],
      'An operation of the program, which may go on over threads and time. Shown on the first thread of its process.',
    ),
    table: '#{marker.data.task} {marker.name}',
  },
  kind(
    Category.loop,
    'Event loop',
    'red',
    [LOCATION, { key: 'region', label: 'Region', format: 'string' }],
    'A turn of the event loop that took long. One that blocked it bears the name and the stack of what was running.',
  ),
  kind(Category.gc, 'GC', 'orange', [], 'A garbage collection.'),
  kind(Category.wait, 'Wait', 'yellow', [], 'Waiting for another thread, a lock or a pool.'),
  kind(
    Category.message,
    'Message',
    'lightblue',
    [FLOW],
    'Sending a message to another thread, or handling one.',
  ),
  {
    ...kind(
      Category.log,
      'Log',
      'green',
      [{ key: 'message', label: 'Message', format: 'sanitized-string' }],
      'A log.',
    ),
    table: '{marker.data.message}',
  },
  kind(Category.error, 'Error', 'magenta', [], 'An error that nothing caught.'),
  kind(Category.http, 'HTTP', 'brown', [], 'A request that this process makes.'),
  kind(Category.socket, 'Socket', 'brown', [], 'A wait for the other end of a connection.'),
  kind(Category.pool, 'Thread pool', 'lightred', [], 'An operation of the thread pool of Node.js.'),
];

/** Categories of the profile, in the order of their numbers. The one behind those of the markers is of functions that were sampled. */
export const CATEGORIES: readonly object[] = [
  ...KINDS.map(({ label, color }) => ({ name: label, color, subcategories: ['Other'] })),
  { name: 'JavaScript', color: 'yellow', subcategories: ['Other'] },
];
/** Number of the category of functions. */
export const JAVASCRIPT: number = KINDS.length;

/** `meta.markerSchema`. */
export const MARKER_SCHEMAS: readonly object[] = KINDS.map(({ name, label, fields, description, table }) => ({
  name,
  tooltipLabel: `${label}: {marker.name}`,
  tableLabel: table ?? '{marker.name}',
  chartLabel: '{marker.name}',
  display: ['marker-chart', 'marker-table', 'timeline-overview'],
  fields,
  description,
}));

/** Values of `phase`: a moment, and a stretch with both ends. */
const INSTANT = 0;
const INTERVAL = 1;
const START = 2;

/** Markers of one thread as columns; times in milliseconds since the trace's begin. */
export class FirefoxMarkers {
  readonly #index: TraceIndex;
  readonly #stacks: FirefoxStacks;
  readonly #kinds: Map<number, number>;
  readonly #data: string[] = [];
  readonly #name: number[] = [];
  readonly #startTime: number[] = [];
  readonly #endTime: (number | null)[] = [];
  readonly #phase: number[] = [];
  readonly #category: number[] = [];

  constructor(index: TraceIndex, stacks: FirefoxStacks) {
    this.#index = index;
    this.#stacks = stacks;
    this.#kinds = new Map(KINDS.map(({ name }, at) => [index.category(name), at]));
    this.#kinds.delete(-1);
  }

  /** Adds a slice or an instant. @param flow number of the message that it sends or takes, 0 for none. */
  add(row: number, flow: number): void {
    const { kind: kinds, start, value, name, category } = this.#index.trace.columns;
    const isSlice = kinds[row] === EventKind.slice;
    const at = this.#millis(start[row]!);
    const number = this.#kinds.get(category[row]!) ?? 0;
    this.#data.push(JSON.stringify(this.#payload(row, number, flow)));
    this.#name.push(this.#stacks.string(this.#index.trace.strings.text(name[row]!) || '(unnamed)'));
    this.#startTime.push(at);
    const isOpen = isSlice && value[row]! < 0;
    this.#endTime.push(isSlice && !isOpen ? this.#millis(start[row]! + value[row]!) : null);
    this.#phase.push(isSlice ? (isOpen ? START : INTERVAL) : INSTANT);
    this.#category.push(number);
  }

  /** `RawMarkerTable`, its values as JSON text by column. */
  get columns(): Readonly<Record<string, readonly (string | number | null)[]>> {
    return {
      data: this.#data,
      name: this.#name,
      startTime: this.#startTime,
      endTime: this.#endTime,
      phase: this.#phase,
      category: this.#category,
    };
  }

  get length(): number {
    return this.#name.length;
  }

  #millis(nanos: number): number {
    return (nanos - this.#index.start) / 1e6;
  }

  #payload(row: number, number: number, flow: number): object {
    const { name: type, fields } = KINDS[number]!;
    const rest: Record<string, unknown> = { ...this.#index.argsOf(row) };
    const payload: Record<string, unknown> = { type };
    const cause = this.#cause(rest, row);
    for (const { key, format } of fields) {
      const given = rest[key];
      if (given === undefined || (format === 'integer') !== (typeof given === 'number')) continue;
      payload[key] = format === 'integer' ? given : String(given);
      delete rest[key];
    }
    if (flow > 0) payload.flow = this.#stacks.string(flow.toString(16));
    if (Object.keys(rest).length > 0) payload.arguments = JSON.stringify(rest);
    return cause === undefined ? payload : { ...payload, cause };
  }

  /** The stack that an event carries, which is taken out of its arguments. */
  #cause(args: Record<string, unknown>, row: number): object | undefined {
    const stack = args[Argument.stack];
    if (!Array.isArray(stack) || stack.length === 0) return undefined;
    delete args[Argument.stack];
    const frames = stack.map((text) => parseFrame(String(text))).reverse();
    return {
      time: this.#millis(this.#index.trace.columns.start[row]!),
      stack: this.#stacks.stackOf(frames),
    };
  }
}
