/** Why the flight recorder wrote a trace: the triggers that fired, from their marks. */
import { Category, EventKind, FLIGHT_TRIGGER, type Trace } from '@ttrace/format';

/** One trigger that came true. Times in nanoseconds. */
export interface FiredTrigger {
  /** As it was written, such as `block>200ms`. */
  readonly trigger: string;
  /** What it was about: a function, task, collection, error or signal. */
  readonly what: string;
  /** When it fired. */
  readonly timeNanos: number;
  /** How long what it was about had lasted by then; undefined for errors, calls and signals. */
  readonly durationNanos: number | undefined;
}

/** The triggers in the order in which they fired; none in a trace that the flight recorder has not written. */
export function firedTriggers(trace: Trace): FiredTrigger[] {
  const { kind, start, name, category, args } = trace.columns;
  const [own, mark] = [trace.strings.find(Category.ttrace), trace.strings.find(FLIGHT_TRIGGER)];
  if (own === -1 || mark === -1) return [];
  const fired: FiredTrigger[] = [];
  for (let row = 0; row < trace.length; row++) {
    if (name[row] !== mark || category[row] !== own || kind[row] !== EventKind.instant) continue;
    const facts = parsed(trace.strings.text(args[row]!));
    fired.push({
      trigger: String(facts.trigger ?? ''),
      what: String(facts.what ?? ''),
      timeNanos: start[row]!,
      durationNanos: typeof facts.duration_ms === 'number' ? facts.duration_ms * 1e6 : undefined,
    });
  }
  return fired.sort((a, b) => a.timeNanos - b.timeNanos);
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
