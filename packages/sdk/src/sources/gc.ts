/**
 * Garbage collections as slices on the thread that they stopped. Node.js reports them after the turn in which they happened,
 * with exact times; those of the last stretch before a thread ends are never reported.
 */
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { Category } from '@ttrace/format/vocabulary';
import { RecordKind } from '../ring.ts';
import { record, sourceName } from '../thread-recorder.ts';

const NAMES: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'GC minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'GC major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'GC incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'GC weak callbacks'],
]);

export function startGc(): () => void {
  const observer = new PerformanceObserver((list) => write(list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  return () => {
    write(observer.takeRecords());
    observer.disconnect();
  };
}

function write(entries: readonly PerformanceEntry[]): void {
  for (const entry of entries) {
    const { kind } = (entry as PerformanceEntry & { readonly detail: { readonly kind: number } }).detail;
    const name = sourceName(Category.gc, NAMES.get(kind) ?? 'GC');
    record(RecordKind.slice, name, 0, entry.startTime, entry.startTime + entry.duration);
  }
}
