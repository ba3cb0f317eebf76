/**
 * Where in which trace tasks and messages are, in memory that all threads share: by the ids of tasks and flows, which are unique in
 * the process. An entry stays until one with the same remainder comes: who asks late may find nothing, never another's.
 */
import { TRACE_ENTRIES, TRACE_OFFSET } from './ring.ts';
import { control } from './thread-recorder.ts';
import type { SpanContext } from './traceparent.ts';

/** An entry: the id it is of, four integers of the trace's id, two of the span's, flags. */
const INTS = 8;
const table = new Int32Array(control.buffer, TRACE_OFFSET, TRACE_ENTRIES * INTS);
const words = new Uint32Array(control.buffer, TRACE_OFFSET, TRACE_ENTRIES * INTS);

/** Files a context under the id of a task or a flow. */
export function fileTrace(id: number, { traceId, spanId, flags }: SpanContext): void {
  const at = (id % TRACE_ENTRIES) * INTS;
  // Whoever reads it now sees that it is nobody's.
  Atomics.store(table, at, 0);
  for (let i = 0; i < 4; i++) words[at + 1 + i] = Number.parseInt(traceId.slice(i * 8, i * 8 + 8), 16);
  for (let i = 0; i < 2; i++) words[at + 5 + i] = Number.parseInt(spanId.slice(i * 8, i * 8 + 8), 16);
  words[at + 7] = flags;
  Atomics.store(table, at, id | 0);
}

/** The context that was filed under an id, by any thread. */
export function filedTrace(id: number): SpanContext | undefined {
  if (id <= 0) return undefined;
  const at = (id % TRACE_ENTRIES) * INTS;
  if (Atomics.load(table, at) !== (id | 0)) return undefined;
  const context = { traceId: hex(at + 1, 4), spanId: hex(at + 5, 2), flags: words[at + 7]!, state: '' };
  return Atomics.load(table, at) === (id | 0) ? context : undefined;
}

function hex(at: number, count: number): string {
  let text = '';
  for (let i = at; i < at + count; i++) text += words[i]!.toString(16).padStart(8, '0');
  return text;
}
