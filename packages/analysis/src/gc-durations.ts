/** Lengths of garbage collections by kind, over all threads. */
import { Category, EventKind } from '@ttrace/format';
import type { TraceIndex } from './trace-index.ts';

/** Finished ones in nanoseconds, sorted, by name such as `GC minor`. */
export function gcDurations(index: TraceIndex): ReadonlyMap<string, Float64Array> {
  const { kind, value } = index.trace.columns;
  const lists = new Map<string, number[]>();
  for (const row of index.rowsOf(Category.gc)) {
    if (kind[row] !== EventKind.slice || value[row]! < 0) continue;
    const name = index.nameOf(row);
    const list = lists.get(name);
    if (list === undefined) lists.set(name, [value[row]!]);
    else list.push(value[row]!);
  }
  return new Map([...lists].map(([name, list]) => [name, Float64Array.from(list).sort()]));
}
