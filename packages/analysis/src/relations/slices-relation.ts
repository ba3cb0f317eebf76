/** All slices of a trace, asynchronous ones included. */
import { EventKind } from '@ttrace/format';
import type { TraceIndex } from '../trace-index.ts';
import { column, defineRelation, optional, type Relation } from './relation.ts';
import { ARGUMENTS, CATEGORY, NAME, PLACE, startReader, TASK, WALL, whole } from './row-columns.ts';

export const SLICES: Relation = defineRelation<number>(
  'slices',
  'A slice, a stretch of time on a thread or an asynchronous one: regions, collections, waits, samples, turns, …',
  (index) => rowsOfKind(index, EventKind.slice),
  [
    column('slice_id', 'int64', 'Its number in the trace.', () => (row) => row),
    optional('parent_id', 'int64', 'The slice around it on the same track.', (index) => (row) => {
      const parent = index.parentOf(row);
      return parent < 0 ? null : parent;
    }),
    NAME,
    CATEGORY,
    optional('start_ns', 'int64', 'Begin, since the first event of the trace.', startReader),
    optional('duration_ns', 'int64', 'How long it lasted; null when it has no end in the trace.', (index) => {
      const { value } = index.trace.columns;
      return (row) => (value[row]! < 0 ? null : whole(value[row]!));
    }),
    optional('self_ns', 'int64', 'Of that, what no slice inside it has.', (index) => {
      const self = selfTimes(index);
      const { value } = index.trace.columns;
      return (row) => (value[row]! < 0 ? null : whole(self[row]!));
    }),
    WALL,
    TASK,
    ...PLACE,
    optional('async_id', 'text', 'Id of an asynchronous slice, as the file has it.', (index) => {
      const { tracks, columns } = index.trace;
      return (row) => tracks[columns.track[row]!]!.id || null;
    }),
    ARGUMENTS,
  ],
);

/** Row numbers of one kind of event, in the order of the file. */
export function rowsOfKind({ trace }: TraceIndex, kind: EventKind): Uint32Array {
  const kinds = trace.columns.kind;
  let count = 0;
  for (let row = 0; row < trace.length; row++) if (kinds[row] === kind) count++;
  const rows = new Uint32Array(count);
  for (let row = 0, at = 0; row < trace.length; row++) if (kinds[row] === kind) rows[at++] = row;
  return rows;
}

/** Durations less those of the slices directly inside, by row. */
function selfTimes(index: TraceIndex): Float64Array {
  const { kind, start, value } = index.trace.columns;
  const self = Float64Array.from(value.subarray(0, index.trace.length));
  for (let row = 0; row < index.trace.length; row++) {
    const parent = kind[row] === EventKind.slice ? index.parentOf(row) : -1;
    // Of a slice that goes on past the end of the one around it, what lies in that one.
    if (parent >= 0)
      self[parent]! -= Math.max(0, Math.min(index.endOf(row), index.endOf(parent)) - start[row]!);
  }
  return self.map((time) => Math.max(0, time));
}
