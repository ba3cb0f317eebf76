/** What `validateTrace` reports, and how a defect is counted while the rows go by. */
import type { Trace } from './trace.ts';

/**
 * - `error`: cannot be true, or part of the file is lost; a viewer shows it wrong or not at all
 * - `warning`: incomplete or ambiguous; a viewer shows most of it
 * - `info`: unusual and harmless
 */
export type Severity = 'error' | 'warning' | 'info';

/** Where a finding was first seen. */
export interface FindingExample {
  /** Nanoseconds since the origin. */
  readonly time: number;
  /** Index into `Trace.tracks`. */
  readonly track: number;
  /** The event's name. */
  readonly name: string;
}

/** One kind of defect, with how often it occurs. */
export interface Finding {
  /** Stable name, such as `partial-overlap`. */
  readonly rule: string;
  readonly severity: Severity;
  readonly count: number;
  /** What it is and what it does to a reader, in one sentence. */
  readonly message: string;
  /** Absent where the defect belongs to no event. */
  readonly example: FindingExample | undefined;
}

/** Counts one defect and remembers where it was first seen. Made for one pass over a trace. */
export class DefectCounter {
  readonly #trace: Trace;
  #count = 0;
  #first = -1;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /** @param row where it was seen. */
  add(row: number): void {
    if (this.#count++ === 0 || row < this.#first) this.#first = row;
  }

  /** One finding, or none when nothing was counted. */
  finding(rule: string, severity: Severity, message: string): Finding[] {
    if (this.#count === 0) return [];
    return [{ rule, severity, count: this.#count, message, example: exampleOf(this.#trace, this.#first) }];
  }
}

/** How a row is shown as an example. */
export function exampleOf({ columns, strings }: Trace, row: number): FindingExample {
  return { time: columns.start[row]!, track: columns.track[row]!, name: strings.text(columns.name[row]!) };
}
