/**
 * Naming threads, the same for every format. A thread is a pid and a tid: two threads that share them, one after the other
 * or by mistake, become one track, and all that shows it is that the track gets a second name.
 */
import type { Track } from './trace.ts';
import type { TraceBuilder } from './trace-builder.ts';
import { Category, loopTrackName } from './vocabulary.ts';

/** What `Trace.skipped` counts when a thread that has a name gets a different one; `validateTrace` knows it. */
export const SECOND_THREAD_NAME = 'second name of a thread';

/** Names a thread. The last name stands; another one before it is counted. */
export function nameThread(builder: TraceBuilder, track: Track, name: string): void {
  if (track.name !== '' && name !== '' && track.name !== name) builder.skip(SECOND_THREAD_NAME);
  track.name = name;
}

/** Gives the tracks of event loops the names of their threads, which JSON does not say: their id is the thread's. */
export function nameEventLoops(tracks: readonly Track[]): void {
  const loops = tracks.filter(({ kind, category }) => kind === 'async' && category === Category.loop);
  if (loops.length === 0) return;
  const threads = new Map(
    tracks.filter(({ kind }) => kind === 'thread').map(({ pid, tid, name }) => [`${pid} ${tid}`, name]),
  );
  for (const loop of loops) {
    const thread = threads.get(`${loop.pid} ${Number(loop.id)}`);
    if (thread !== undefined) loop.name = loopTrackName(thread);
  }
}
