/** The waits of a trace, and what their names say: a wait for X is `X wait`, what holds it `X` or `X run`, its end `X wait over`. */
import { Argument, Category, EventKind } from '@ttrace/format';
import { type Filter, isThreadWanted, rowFilter } from './filter.ts';
import { isWaitFor } from './memory-words.ts';
import type { Thread, TraceIndex } from './trace-index.ts';

export const WAIT = ' wait';
export const WAIT_OVER = ' wait over';
export const RUN = ' run';
const ENDINGS = [WAIT_OVER, WAIT, RUN];

/** `lock counter wait` and what holds it have one base: `lock counter`. */
export function baseOf(name: string): string {
  const ending = ENDINGS.find((each) => name.endsWith(each));
  return ending === undefined ? name : name.slice(0, -ending.length);
}

/** Rows of the waits that a filter lets through; its name with or without ` wait`, its thread the one that waited, stopped or not. */
export function waitRows(index: TraceIndex, filter: Filter): number[] {
  const { kind } = index.trace.columns;
  const { name, thread, ...rest } = filter;
  const isWanted = rowFilter(index, rest);
  const rows: number[] = [];
  for (const row of index.rowsOf(Category.wait)) {
    if (kind[row] !== EventKind.slice || !isWanted(row)) continue;
    if (thread !== undefined && !isOfThread(index, row, filter)) continue;
    if (name === undefined || baseOf(index.nameOf(row)) === baseOf(name) || isWaitFor(index, row, name))
      rows.push(row);
  }
  return rows;
}

/** The thread that waited, or that has what is held: the one that a slice lies on, or that it names. Undefined where the trace does not say. */
export function actingThread(index: TraceIndex, row: number): Thread | undefined {
  const { track, args } = index.trace.columns;
  const own = index.threadOf(track[row]!);
  // Jobs of pools run elsewhere than where that is recorded.
  if (own !== undefined || args[row] === 0 || index.nameOf(row).endsWith(RUN)) return own;
  const tids = index.once(noTids);
  let tid = tids[args[row]!]!;
  if (tid === 0) {
    tid = Number(TID.exec(index.trace.strings.text(args[row]!))?.[1] ?? -1);
    tids[args[row]!] = tid;
  }
  return tid < 0 ? undefined : index.threadWith(index.trace.tracks[track[row]!]!.pid, tid);
}

/** Not parsed: each task has arguments of its own. */
const TID = new RegExp(`"${Argument.tid}": *(\\d+)[,} ]`);

/** By string id of arguments; -1 for none, 0 not known yet. */
function noTids({ trace }: TraceIndex): Float64Array {
  return new Float64Array(trace.strings.size);
}

/** Whether a wait or hold is of the thread that a filter names. */
export function isOfThread(index: TraceIndex, row: number, filter: Filter): boolean {
  const thread = actingThread(index, row);
  return thread !== undefined && isThreadWanted(filter, thread);
}
