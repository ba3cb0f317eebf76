/** Lengths of garbage collections by kind, over all threads. */
import { Category, EventKind } from '@ttrace/format';
import type { TraceIndex } from './trace-index.ts';

/** Finished ones in nanoseconds, sorted, by name such as `GC minor`. */
export function gcDurations(index: TraceIndex): ReadonlyMap<string, Float64Array> {
  const { kind, category, value } = index.trace.columns;
  const gc = index.category(Category.gc);
  const lists = new Map<string, number[]>();
  for (let row = 0; row < index.trace.length; row++) {
    if (category[row] !== gc || kind[row] !== EventKind.slice || value[row]! < 0) continue;
    const name = index.nameOf(row);
    const list = lists.get(name);
    if (list === undefined) lists.set(name, [value[row]!]);
    else list.push(value[row]!);
  }
  return new Map([...lists].map(([name, list]) => [name, Float64Array.from(list).sort()]));
}
