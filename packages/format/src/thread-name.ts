/**
 * Naming threads, the same for every format. A thread is a pid and a tid: two threads that share them, one after the other
 * or by mistake, become one track, and all that shows it is that the track gets a second name.
 */
import type { Track } from './trace.ts';
import type { TraceBuilder } from './trace-builder.ts';
import { Category, loopTrackName, sampleTrackName } from './vocabulary.ts';

/** What `Trace.skipped` counts when a thread that has a name gets a different one; `validateTrace` knows it. */
export const SECOND_THREAD_NAME = 'second name of a thread';

/** Names a thread. The last name stands; another one before it is counted. */
export function nameThread(builder: TraceBuilder, track: Track, name: string): void {
  if (track.name !== '' && name !== '' && track.name !== name) builder.skip(SECOND_THREAD_NAME);
  track.name = name;
}

/** Gives the tracks of event loops and of samples the names of their threads, which JSON does not say: their id is the thread's. */
export function nameThreadLanes(tracks: readonly Track[]): void {
  const isLane = ({ kind, category }: Track): boolean =>
    kind === 'async' && (category === Category.loop || category === Category.sample);
  const lanes = tracks.filter(isLane);
  if (lanes.length === 0) return;
  const threads = new Map(
    tracks.filter(({ kind }) => kind === 'thread').map(({ pid, tid, name }) => [`${pid} ${tid}`, name]),
  );
  for (const lane of lanes) {
    const thread = threads.get(`${lane.pid} ${Number(lane.id)}`);
    if (thread === undefined) continue;
    lane.name = lane.category === Category.loop ? loopTrackName(thread) : sampleTrackName(thread);
  }
}

/** Gives the rows that a program names itself their names, which JSON does not say: they stand behind the number in the id. */
export function nameTimingRows(tracks: readonly Track[]): void {
  for (const track of tracks) {
    if (track.kind !== 'async' || track.category !== Category.timing) continue;
    const space = track.id.indexOf(' ');
    if (space > 0) track.name = track.id.slice(space + 1);
  }
}
