/** What the rules find: something that is probably wrong with the program, how bad it is, where to look, and what to do. */
import type { TableLink } from './table.ts';
import type { TraceIndex } from './trace-index.ts';
import type { WorstCase } from './worst-case.ts';

/** high: users notice it; medium: worth a look; low: good to know. */
export type Severity = 'high' | 'medium' | 'low';

export interface Finding {
  /** Name of the rule, stable: `blocked-loop`. */
  readonly rule: string;
  readonly severity: Severity;
  /** What is wrong, with the figures of the worst case, as one sentence. */
  readonly sentence: string;
  /** How many cases. */
  readonly count: number;
  /** Time that it costs, in nanoseconds, as far as that can be said; findings of one severity are ranked by it. */
  readonly costNanos: number;
  /** What to do, as one sentence. */
  readonly advice: string;
  /** Undefined for what is no matter of time, such as a damaged file. */
  readonly worst: WorstCase | undefined;
  /** The table that has all cases, and the filter that leaves only these. */
  readonly link: TableLink | undefined;
  /** Rows of all cases that are blocks; of a lock, those of its holds. By these it is told which findings have one cause. */
  readonly cases: readonly number[];
  /** Findings that this one says as well. */
  readonly also: readonly AlsoFound[];
}

/** A finding that is part of another one, for they have one cause. */
export interface AlsoFound {
  readonly rule: string;
  /** What the link leads to, in a few words. */
  readonly text: string;
  readonly link: TableLink;
}

/** One rule of `ttrace lint`. */
export interface Rule {
  readonly id: string;
  /** What it looks for and from when on it speaks, in a sentence. */
  readonly help: string;
  readonly find: (index: TraceIndex) => readonly Found[];
}

/** A finding as its rule tells it, which knows nothing of others. */
export type Found = Omit<Finding, 'cases' | 'also'> & Partial<Pick<Finding, 'cases'>>;

const ORDER: readonly Severity[] = ['high', 'medium', 'low'];

/** Whether one is as bad as another, or worse. */
export function isAtLeast(severity: Severity, than: Severity): boolean {
  return ORDER.indexOf(severity) <= ORDER.indexOf(than);
}

/** The worst first: by severity, then by what it costs. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) =>
      ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) || b.costNanos - a.costNanos || b.count - a.count,
  );
}
