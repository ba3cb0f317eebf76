/** Reads asynchronous slices out of a JSON trace, for tests of the sources. */
import { readEvents, type TraceEvent } from './program.ts';

/** An asynchronous slice; without its end if the trace has none. Times in microseconds. */
export interface AsyncSlice {
  readonly name: string;
  readonly start: number;
  readonly end: number | undefined;
  /** Those of the begin and of the end. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** The asynchronous slices in a file, by the time of their begin. */
export function asyncSlices(file: string): AsyncSlice[] {
  const open = new Map<string, TraceEvent>();
  const found: AsyncSlice[] = [];
  for (const event of readEvents(file)) {
    const track = `${event.cat} ${event.id2?.local ?? event.id}`;
    if (event.ph === 'b') open.set(track, event);
    const begin = open.get(track);
    if (event.ph !== 'e' || begin === undefined) continue;
    open.delete(track);
    found.push({
      name: begin.name ?? '',
      start: begin.ts,
      end: event.ts,
      args: { ...begin.args, ...event.args },
    });
  }
  for (const { name, ts, args } of open.values()) {
    found.push({ name: name ?? '', start: ts, end: undefined, args: args ?? {} });
  }
  return found.sort((a, b) => a.start - b.start);
}

/** How many slices there are of each name that one of the prefixes begins. */
export function countByName(slices: readonly AsyncSlice[], ...prefixes: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name } of slices) {
    if (prefixes.some((prefix) => name.startsWith(prefix))) counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
