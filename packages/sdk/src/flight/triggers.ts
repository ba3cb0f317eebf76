/**
 * What makes the flight recorder write a file by itself: its triggers as objects and as text. Watching for them is
 * trigger-watch.ts's.
 */
import { TraceUsageError } from '../trace-usage-error.ts';

/**
 * One reason to write a file. As text: `block>200ms`, `task>1s`, `task:checkout>1s`, `task>p99*3`, `gc>50ms`, `region:render`,
 * `region:render>50ms`, `error`, `signal:SIGUSR2`.
 */
export type FlightTrigger =
  /** An event loop has been blocked for longer; fires while it is. */
  | { readonly on: 'block'; readonly overMs: number }
  /** A task takes longer, of any name or of one; fires while it goes on. */
  | { readonly on: 'task'; readonly overMs: number; readonly name?: string }
  /** A task took so many times the 99th percentile of its own name; after 100 tasks of that name. */
  | { readonly on: 'task'; readonly timesP99: number; readonly name?: string }
  /** A garbage collection stopped its thread for longer. */
  | { readonly on: 'gc'; readonly overMs: number }
  /** The function in a region of this name was called, or took longer. */
  | { readonly on: 'region'; readonly name: string; readonly overMs?: number }
  /** An error that nothing caught. */
  | { readonly on: 'error' }
  /** The process got this signal. Only where it does not end the process already: the recorder listens to it. */
  | { readonly on: 'signal'; readonly signal: NodeJS.Signals };

/** Signals that Node.js leaves to the program and that are not needed to end it. */
const SIGNALS: readonly string[] = ['SIGUSR2', 'SIGHUP', 'SIGQUIT', 'SIGCONT', 'SIGBREAK'];

const FORMS =
  'block>200ms, task>1s, task:NAME>1s, task>p99*3, gc>50ms, region:NAME, region:NAME>50ms, error, signal:SIGUSR2, with commas between them';
const UNIT_MS: Readonly<Record<string, number>> = { us: 1e-3, ms: 1, s: 1e3, m: 60e3 };
const LIMIT = />\s*\d+(\.\d+)?\s*(us|ms|s|m)$/;
const MAX_MS = 24 * 3600e3;
const MAX_TIMES = 1000;

/**
 * Reads triggers from text, several with commas between them. A task's name may hold anything but a comma: those that have one
 * need the object form.
 * @throws TraceUsageError `bad-option`
 */
export function parseTriggers(text: string): FlightTrigger[] {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (words.length === 0) throw bad(`there is no trigger in '${text}'`);
  return words.map(parseTrigger);
}

/**
 * Checks triggers of any form: text, an object, or a list of both.
 * @throws TraceUsageError `bad-option`
 */
export function chooseTriggers(value: unknown): FlightTrigger[] {
  if (typeof value === 'string') return parseTriggers(value);
  if (Array.isArray(value)) return value.flatMap((item: unknown) => chooseTriggers(item));
  if (typeof value === 'object' && value !== null) return [checkTrigger(value)];
  throw bad(`a trigger must be text or an object such as { on: 'block', overMs: 200 }, got ${typeof value}`);
}

/** The trigger as it is written in text, also in the file that it causes. */
export function triggerText(trigger: FlightTrigger): string {
  if (trigger.on === 'error') return 'error';
  if (trigger.on === 'signal') return `signal:${trigger.signal}`;
  const name = 'name' in trigger && trigger.name !== undefined ? `:${trigger.name}` : '';
  if (trigger.on === 'region' && trigger.overMs === undefined) return `region${name}`;
  const limit = 'timesP99' in trigger ? `p99*${trigger.timesP99}` : durationText(trigger.overMs ?? 0);
  return `${trigger.on}${name}>${limit}`;
}

function parseTrigger(word: string): FlightTrigger {
  if (word === 'error') return { on: 'error' };
  if (word.startsWith('signal:')) return checkTrigger({ on: 'signal', signal: word.slice(7) });
  if (word.startsWith('region:') && !LIMIT.test(word))
    return checkTrigger({ on: 'region', name: word.slice(7) });
  // A name may contain the sign.
  const sign = word.lastIndexOf('>');
  const [what, limit] = sign < 0 ? [word, ''] : [word.slice(0, sign).trim(), word.slice(sign + 1).trim()];
  const [on = '', ...names] = what.split(':');
  const isTask = on === 'task';
  const name = names.length === 0 ? {} : { name: names.join(':') };
  const times = /^p99\s*\*\s*(\d+(?:\.\d+)?)$/.exec(limit);
  if (isTask && times !== null) return checkTrigger({ on: 'task', timesP99: Number(times[1]), ...name });
  const duration = /^(\d+(?:\.\d+)?)\s*(us|ms|s|m)$/.exec(limit);
  if (duration === null || !['task', 'block', 'gc', 'region'].includes(on)) {
    throw bad(`there is no trigger ${word}`);
  }
  const overMs = Number(duration[1]) * UNIT_MS[duration[2]!]!;
  return checkTrigger({ on, overMs, ...name });
}

/** @param given with values of any kind. */
function checkTrigger(given: object): FlightTrigger {
  const { on, overMs, timesP99, name, signal, ...rest } = given as Record<string, unknown>;
  const allowed: Record<string, readonly unknown[]> = {
    block: [timesP99, name, signal],
    gc: [timesP99, name, signal],
    task: [signal],
    region: [timesP99, signal],
    error: [overMs, timesP99, name, signal],
    signal: [overMs, timesP99, name],
  };
  const foreign = typeof on === 'string' ? allowed[on] : undefined;
  if (foreign === undefined) throw bad(`a trigger's 'on' must be block, task, gc, region, error or signal`);
  const extra = Object.keys(rest);
  if (extra.length > 0 || foreign.some((value) => value !== undefined)) {
    throw bad(
      `a trigger on ${String(on)} has something that it cannot have: ${Object.keys(given).join(', ')}`,
    );
  }
  if (on === 'error') return { on };
  if (on === 'signal') {
    if (typeof signal === 'string' && SIGNALS.includes(signal))
      return { on, signal: signal as NodeJS.Signals };
    throw bad(`a trigger's signal must be one of ${SIGNALS.join(', ')}, got ${String(signal)}`);
  }
  if (on === 'region') {
    if (typeof name !== 'string' || name === '') throw bad('a trigger on a region needs its name');
    return overMs === undefined ? { on, name } : { on, name, overMs: checkMs(overMs) };
  }
  if (on !== 'task') return { on: on as 'block' | 'gc', overMs: checkMs(overMs) };
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw bad(`a trigger's task name must be a text that is not empty`);
  }
  const own = name === undefined ? {} : { name };
  if (timesP99 === undefined) return { on, overMs: checkMs(overMs), ...own };
  if (overMs !== undefined) throw bad('a trigger on a task has overMs or timesP99, not both');
  if (typeof timesP99 !== 'number' || !(timesP99 >= 1 && timesP99 <= MAX_TIMES)) {
    throw bad(`a trigger's times of the p99 must be from 1 to ${MAX_TIMES}, got ${String(timesP99)}`);
  }
  return { on, timesP99, ...own };
}

function checkMs(value: unknown): number {
  if (typeof value === 'number' && value > 0 && value <= MAX_MS) return value;
  throw bad(`a trigger's length must be more than 0 and at most 24 hours, got ${String(value)} ms`);
}

function durationText(ms: number): string {
  if (ms >= 1000 && ms % 1000 === 0) return `${ms / 1000}s`;
  return ms < 1 ? `${Math.round(ms * 1e6) / 1e3}us` : `${ms}ms`;
}

function bad(message: string): TraceUsageError {
  return new TraceUsageError('bad-option', `${message}; there are ${FORMS}`);
}
