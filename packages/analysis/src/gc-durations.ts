/** Lengths of garbage collections by kind, over all threads. */
import { collectionsIn } from './collections.ts';
import type { TraceIndex } from './trace-index.ts';

/** Finished ones in nanoseconds, sorted, by name such as `GC minor`. */
export function gcDurations(index: TraceIndex): ReadonlyMap<string, Float64Array> {
  const { value } = index.trace.columns;
  const collections = collectionsIn(index);
  const lists = new Map<string, number[]>();
  for (const row of collections.rows) {
    if (value[row]! < 0) continue;
    const name = collections.kindOf(row);
    const list = lists.get(name);
    if (list === undefined) lists.set(name, [value[row]!]);
    else list.push(value[row]!);
  }
  return new Map([...lists].map(([name, list]) => [name, Float64Array.from(list).sort()]));
}
