/** The worst case of a finding: when it was, on which thread, in which task, and where in the source. */
import { type Block, functionOf } from './blocks.ts';
import { parseFrame } from './stack-frame.ts';
import type { Span } from './table.ts';
import { labelOfTrack } from './thread-names.ts';
import type { TraceIndex } from './trace-index.ts';

/** One case, as far as the trace tells. Times in nanoseconds since the first event. */
export interface WorstCase extends Span {
  /** Name of its thread, with its process where there are several; '' for what no thread has. */
  readonly thread: string;
  /** Number of its task, 0 for none. */
  readonly task: number;
  /** What was running; '' where that is not known. */
  readonly function: string;
  /** `file:line` of that function; '' where there is none. */
  readonly location: string;
}

/** A case of which only its stretch is known, and what is given; times since the trace's origin. */
export function worstCase(index: TraceIndex, { start, end, ...known }: Span & Partial<WorstCase>): WorstCase {
  return {
    thread: '',
    task: 0,
    function: '',
    location: '',
    ...known,
    start: start - index.start,
    end: end - index.start,
  };
}

/** The case that is an event. */
export function caseOfRow(index: TraceIndex, row: number): WorstCase {
  const { start, track } = index.trace.columns;
  return worstCase(index, {
    start: start[row]!,
    end: Math.max(start[row]!, index.endOf(row)),
    thread: labelOfTrack(index, track[row]!),
    task: index.taskOf(row),
  });
}

/** The case that is a block. */
export function caseOfBlock(index: TraceIndex, block: Block): WorstCase {
  const { start, end, task, location, name, stack } = block;
  const thread = labelOfBlock(index, block);
  const own = stack.map(parseFrame).find(({ file, line }) => `${file}:${line}` === location);
  return worstCase(index, { start, end, thread, task, location, function: own?.name ?? functionOf(name) });
}

/** The thread of a block, for people. */
export function labelOfBlock(index: TraceIndex, { row, thread }: Block): string {
  return labelOfTrack(index, index.trace.columns.track[row]!) || thread;
}
