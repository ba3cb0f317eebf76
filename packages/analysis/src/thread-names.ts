/** How a thread is told from all others of the trace: for people, and in a filter. */
import type { Thread, TraceIndex } from './trace-index.ts';

/** `main`; `main of api (pid 42)` in a trace of several processes, which each have one. */
export function threadLabel({ trace }: TraceIndex, { pid, name }: Thread): string {
  if (trace.processes.length < 2) return name;
  const process = trace.processes.find((each) => each.pid === pid)?.name ?? '';
  return process === '' ? `${name} of pid ${pid}` : `${name} of ${process} (pid ${pid})`;
}

/** The label of the thread that a track belongs to; '' for what no thread has. */
export function labelOfTrack(index: TraceIndex, track: number): string {
  const thread = index.threadOf(track);
  return thread === undefined ? '' : threadLabel(index, thread);
}

/** What a filter calls it. */
export function threadKey({ trace }: TraceIndex, { pid, tid, name }: Thread): string {
  return trace.processes.length < 2 ? name : `${pid}/${tid}`;
}
