/** What a trace cannot tell because nobody recorded it: said where an empty table would otherwise look as if all were well. */
import { Category, MetadataName } from '@ttrace/format';
import { areCollectionsRecorded } from './collections.ts';
import { shareText, timeText } from './quantity.ts';
import type { TraceIndex } from './trace-index.ts';

/** Whether any event loop was recorded: no block must not mean that nobody looked. */
export function areLoopsRecorded({ trace }: TraceIndex): boolean {
  return trace.tracks.some(
    ({ kind, category, name }) =>
      (kind === 'async' && category === Category.loop) ||
      (kind === 'counter' && name.endsWith(' loop utilization')),
  );
}

/** A table's `note`, where there is one. */
export interface Note {
  readonly note?: string;
}

/** @param lost what a table therefore does not have, as a clause: `what blocked one cannot be found`. */
export function loopNote(index: TraceIndex, lost: string): Note {
  return areLoopsRecorded(index)
    ? {}
    : { note: `No event loop was recorded: ${lost}. ttrace run records those of Node.js programs.` };
}

/** Of a trace of another producer that has nothing of a category. @param what it in the plural, such as `tasks`. */
export function producerNote(index: TraceIndex, category: string, what: string): Note {
  const isOurs = index.trace.metadata.has(MetadataName.recording);
  return isOurs || index.category(category) >= 0
    ? {}
    : { note: `The producer of this trace records no ${what}: whether there were any it cannot tell.` };
}

/** Says what CPU samples know of collections, where nothing else does. */
export function collectionNote(index: TraceIndex): Note {
  if (areCollectionsRecorded(index)) return {};
  const seen = sampledCollections(index);
  return {
    note: `No garbage collection was recorded${seen.length === 0 ? ': how much there was this trace cannot tell' : `; CPU samples found ${seen.join(', ')}`}.`,
  };
}

/** What V8's profiler calls the moments in which it meets a collection. */
const COLLECTOR = '(garbage collector)';

function sampledCollections(index: TraceIndex): string[] {
  const { name, track } = index.trace.columns;
  const wanted = index.trace.strings.find(COLLECTOR);
  const times = new Map<number, number>();
  for (const row of index.rowsOf(Category.sample)) {
    if (name[row] !== wanted) continue;
    const time = index.endOf(row) - index.trace.columns.start[row]!;
    times.set(track[row]!, (times.get(track[row]!) ?? 0) + time);
  }
  return index.threads
    .filter(({ sampleTrack }) => sampleTrack >= 0)
    .map(({ name: thread, sampleTrack, start, end }) => {
      const nanos = times.get(sampleTrack) ?? 0;
      return `the collector in ${timeText(nanos)} of ${thread}, ${shareText(end > start ? nanos / (end - start) : 0)} of its time`;
    });
}
