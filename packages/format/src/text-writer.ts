/**
 * The readable text twin of a trace: one line an event, for goldens and `ttrace dump`. text-reader.ts reads it back.
 *
 * Grammar (a line each; blank lines and lines that begin with `#` mean nothing; STRING is a JSON string, WORD a bare
 * word or a STRING, `-` for none; TIME is seconds since the origin with a sign, DURATION seconds or `open`):
 *
 *     # ttrace text 1                                     first line
 *     origin NANOS                                        absolute time of TIME 0, on the producer's clock
 *     clock MONOTONIC_NANOS WALL_MILLIS
 *     meta WORD JSON
 *     process PID STRING [sort=N]
 *     track PID/TID thread STRING [sort=N] [dropped=N]    PID/TID stands for the track from here on
 *     track PID process STRING [sort=N] [dropped=N]       … PID
 *     track aN async PID WORD(category) STRING(id) STRING(name) …           … aN
 *     track cN counter PID STRING(id) STRING(name) [unit=STRING] …          … cN
 *     skipped COUNT STRING(reason)
 *     error CODE OFFSET STRING(message)                   reading the original ended here
 *     slice TRACK TIME DURATION WORD(category) STRING(name) [JSON(args)]
 *     instant TRACK TIME WORD(category) STRING(name) [JSON(args)]
 *     counter TRACK TIME VALUE STRING(name)
 *     flow-out|flow-step|flow-in TRACK TIME FLOW WORD(category) STRING(name)
 */
import { EventKind, type Trace, type Track } from './trace.ts';
import type { TraceFormatError } from './trace-format-error.ts';

/** What the text of a trace begins with. */
export const TEXT_MAGIC = '# ttrace text 1';

/** Names of the kinds of events in text, by `EventKind`. */
export const TEXT_KINDS: readonly string[] = [
  'slice',
  'instant',
  'counter',
  'flow-out',
  'flow-step',
  'flow-in',
];

/**
 * Writes a trace as text, line by line, without line ends: what the file says about itself first, then the events in
 * file order. Two traces with the same text hold the same events on the same tracks.
 */
export function* textLines(trace: Trace): Generator<string, void, undefined> {
  yield TEXT_MAGIC;
  yield* headerLines(trace);
  const labels = trackLabels(trace.tracks);
  for (let row = 0; row < trace.length; row++) yield eventLine(trace, row, labels);
}

/** What an event's line calls each track, by index: `12/13`, `12`, `a1`, `c1`. */
export function trackLabels(tracks: readonly Track[]): string[] {
  let asyncs = 0;
  let counters = 0;
  return tracks.map((track) => {
    if (track.kind === 'thread') return `${track.pid}/${track.tid}`;
    if (track.kind === 'process') return String(track.pid);
    return track.kind === 'async' ? `a${++asyncs}` : `c${++counters}`;
  });
}

/** The line of one event. @param labels come from `trackLabels`. */
export function eventLine(trace: Trace, row: number, labels: readonly string[]): string {
  const { columns, strings } = trace;
  const kind = columns.kind[row]!;
  const value = columns.value[row]!;
  const place = `${TEXT_KINDS[kind]} ${labels[columns.track[row]!]} ${timeText(columns.start[row]!)}`;
  const name = JSON.stringify(strings.text(columns.name[row]!));
  if (kind === EventKind.counter) return `${place} ${numberText(value)} ${name}`;
  const label = `${word(strings.text(columns.category[row]!))} ${name}`;
  if (kind === EventKind.slice) {
    const duration = value === -1 ? 'open' : secondsText(value);
    return `${place} ${duration} ${label}${argsText(strings.text(columns.args[row]!))}`;
  }
  if (kind === EventKind.instant) return `${place} ${label}${argsText(strings.text(columns.args[row]!))}`;
  return `${place} ${numberText(value)} ${label}`;
}

function* headerLines(trace: Trace): Generator<string, void, undefined> {
  if (trace.origin !== 0n) yield `origin ${trace.origin}`;
  if (trace.clock !== undefined) yield `clock ${trace.clock.monotonicNanos} ${trace.clock.wallMillis}`;
  for (const [name, json] of trace.metadata) yield `meta ${word(name)} ${oneLine(json)}`;
  for (const { pid, name, sortIndex } of trace.processes) {
    yield `process ${pid} ${JSON.stringify(name)}${property('sort', sortIndex)}`;
  }
  const labels = trackLabels(trace.tracks);
  for (const [index, track] of trace.tracks.entries()) yield trackLine(track, labels[index]!);
  for (const [reason, count] of trace.skipped) yield `skipped ${count} ${JSON.stringify(reason)}`;
  if (trace.error !== undefined) yield errorLine(trace.error);
}

function trackLine(track: Track, label: string): string {
  const name = JSON.stringify(track.name);
  const rest = property('sort', track.sortIndex) + property('dropped', track.dropped);
  const unit = track.unit === '' ? '' : ` unit=${JSON.stringify(track.unit)}`;
  const id = JSON.stringify(track.id);
  if (track.kind === 'async') {
    return `track ${label} async ${track.pid} ${word(track.category)} ${id} ${name}${unit}${rest}`;
  }
  if (track.kind === 'counter') return `track ${label} counter ${track.pid} ${id} ${name}${unit}${rest}`;
  return `track ${label} ${track.kind} ${name}${unit}${rest}`;
}

function errorLine({ code, offset, message }: TraceFormatError): string {
  // The constructor adds the offset to the message.
  return `error ${code} ${offset} ${JSON.stringify(message.replace(/ \(at byte \d+\)$/, ''))}`;
}

function property(name: string, value: number): string {
  return value === 0 ? '' : ` ${name}=${value}`;
}

/** A category: bare where that cannot be misread, `-` for none, else a JSON string. */
function word(text: string): string {
  if (text === '') return '-';
  return /^[A-Za-z_][\w.,:/-]*$/.test(text) ? text : JSON.stringify(text);
}

function argsText(args: string): string {
  return args === '' ? '' : ` ${oneLine(args)}`;
}

/** In JSON a raw line end can only be white space between tokens. */
function oneLine(json: string): string {
  return /[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, ' ') : json;
}

function timeText(nanos: number): string {
  return nanos < 0 ? secondsText(nanos) : `+${secondsText(nanos)}`;
}

/** Nanoseconds as seconds, exactly: nine decimals, more where a producer gave parts of a nanosecond. */
function secondsText(nanos: number): string {
  if (!Number.isFinite(nanos)) return numberText(nanos);
  const size = Math.abs(nanos);
  const whole = Math.floor(size);
  const seconds = Math.floor(whole / 1e9);
  const digits = String(whole - seconds * 1e9).padStart(9, '0');
  const part = size === whole ? '' : fractionDigits(size - whole);
  return `${nanos < 0 ? '-' : ''}${seconds}.${digits}${part}`;
}

function fractionDigits(part: number): string {
  return part.toFixed(6).slice(2).replace(/0+$/, '');
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  return Number.isFinite(value) ? String(value) : value > 0 ? 'inf' : '-inf';
}
