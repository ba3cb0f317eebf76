/** What the program, or the recorder, says of an event: its arguments, without those that tie it to a task and to a trace of OpenTelemetry. */
import { Argument } from '@ttrace/format';
import { parsedArgs, type TraceIndex } from './trace-index.ts';

/** A name and its value as text. */
export type Attribute = readonly [name: string, value: string];

const TIES: ReadonlySet<string> = new Set([Argument.task, Argument.parent]);
const IDS: ReadonlySet<string> = new Set([
  Argument.traceId,
  Argument.spanId,
  Argument.parentSpanId,
  'trace_state',
]);

/** All attributes of an event, in the order of the trace. */
export function attributesOf(index: TraceIndex, row: number): readonly Attribute[] {
  return attributesIn(index.argsOf(row));
}

function attributesIn(args: Readonly<Record<string, unknown>>): Attribute[] {
  return Object.entries(args)
    .filter(([name, value]) => !TIES.has(name) && value !== undefined)
    .map(([name, value]) => [name, argumentText(value)]);
}

/** A value of an argument as people type it: a text without quotes, anything else as JSON. */
export function argumentText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `url=/orders/17 status=200` of arguments that stand in a trace as text, in full: what the filter `text` looks in beside the arguments themselves. */
export function attributesLine(args: string): string {
  return lineOf(attributesIn(parsedArgs(args)));
}

function lineOf(attributes: readonly Attribute[]): string {
  return attributes.map(([name, value]) => `${name}=${value}`).join(' ');
}

const MOST_OF_VALUE = 40;
const MOST_IN_ALL = 120;
const COMMA = 44;

/** The same, short: without ids, without what the event's name says already, clipped. '' where nothing is left. */
export function tellingAttributes(index: TraceIndex, row: number): string {
  if (!hasSeveralArguments(index, row)) return '';
  const eventName = index.nameOf(row);
  const telling = attributesOf(index, row)
    .filter(([name, value]) => !IDS.has(name) && !(value.length > 2 && eventName.includes(value)))
    .map(([name, value]): Attribute => [name, clipped(value, MOST_OF_VALUE)]);
  return clipped(lineOf(telling), MOST_IN_ALL);
}

function clipped(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Whether there can be anything beside the task's number: told from the bytes, for most of millions of tasks have nothing else. */
function hasSeveralArguments({ trace: { columns, strings } }: TraceIndex, row: number): boolean {
  const args = columns.args[row]!;
  const length = strings.byteLengthOf(args);
  for (let at = 0; at < length; at++) if (strings.byteAt(args, at) === COMMA) return true;
  return false;
}
