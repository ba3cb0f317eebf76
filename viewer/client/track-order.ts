/**
 * The order of a process's rows: main with its event loop and samples, what is asynchronous, each worker with its own, and counters last, of which
 * each thread has eight. By itself the bundle puts all counters between main and the workers.
 */
import type { Bundle, UiTrack } from './perfetto-bundle.ts';

/** What the bundle sorts by, the smallest first: a number, whole or not. */
type Ranked = { -readonly [Key in keyof UiTrack]: UiTrack[Key] } & { trackKindPriority: number };

const MAIN = 0;
const ASYNC = 1;
const FIRST_WORKER = 2;
/** What the rows of a thread end with, and where they stand beside it: first the life of a worker, which is called as it is. */
const OWN_ROWS = [
  ['', -0.25],
  [' event loop', 0.25],
  [' samples', 0.5],
] as const;

/** Orders the rows of each trace that is opened from now on. */
export function orderTracks({ globals }: Bundle): void {
  const dispatch = globals._dispatch;
  globals._dispatch = (action) => {
    if (action.type === 'addTracks') rankTracks(action.args.tracks as Ranked[]);
    dispatch(action);
  };
}

function rankTracks(tracks: readonly Ranked[]): void {
  const { compare } = new Intl.Collator([], { numeric: true });
  const threads = tracks.filter(({ kind }) => kind === 'ChromeSliceTrack');
  const workers = threads
    .filter(({ trackKindPriority }) => trackKindPriority !== MAIN)
    .sort((a, b) => compare(a.name, b.name));
  for (const [at, worker] of workers.entries()) worker.trackKindPriority = FIRST_WORKER + at;
  // Perfetto ends a thread's name with its number.
  const rankOf = new Map(
    threads.map(({ name, trackKindPriority }) => [name.replace(/ \d+$/, ''), trackKindPriority]),
  );
  for (const track of tracks) {
    if (track.kind === 'AsyncSliceTrack') track.trackKindPriority = asyncRank(track.name, rankOf);
    else if (track.kind === 'CounterTrack') track.trackKindPriority = FIRST_WORKER + workers.length;
  }
}

function asyncRank(name: string, rankOf: ReadonlyMap<string, number>): number {
  for (const [ending, beside] of OWN_ROWS) {
    const thread = name.endsWith(ending) ? rankOf.get(name.slice(0, name.length - ending.length)) : undefined;
    if (thread !== undefined) return thread + beside;
  }
  return ASYNC;
}
