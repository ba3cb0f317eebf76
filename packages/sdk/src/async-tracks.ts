/**
 * The tracks of what spans time and threads: one a task, and lanes for regions of async functions, used again when free, so
 * that a thousand of them one after another take one row.
 */
import { Category, type StringRef, type TraceWriter, type TrackRef } from '@ttrace/format';

/** Ends that are remembered until their task begins. */
const MAX_EARLY_ENDS = 10_000;

/** Free lanes that are looked at for one that is free early enough. */
const MAX_LOOKED_AT = 8;

/** A track for regions of one name, one at a time. */
interface Lane {
  readonly track: TrackRef;
  /** When its last region ended. */
  end: number;
}

export class AsyncTracks {
  readonly #writer: TraceWriter;
  readonly #pid: number;
  readonly #task: StringRef;
  readonly #region: StringRef;
  readonly #tasks = new Map<number, TrackRef>();
  /** When tasks ended whose begin has not been read yet: another thread's ring, read later, holds it. */
  readonly #earlyEnds = new Map<number, number>();
  readonly #regions = new Map<number, { lane: Lane; free: Lane[] }>();
  /** Lanes that are free, by name. */
  readonly #lanes = new Map<string, Lane[]>();
  #laneCount = 0;

  constructor(writer: TraceWriter, pid: number) {
    this.#writer = writer;
    this.#pid = pid;
    this.#task = writer.string(Category.task);
    this.#region = writer.string(Category.region);
  }

  /** @param text attributes as the text of a JSON object, or ''. */
  beginTask(id: number, name: string, label: StringRef, time: number, parent: number, text: string): void {
    const track = this.#writer.asyncTrack(this.#pid, Category.task, `0x${id.toString(16)}`, name);
    const own = parent === 0 ? '' : `"parent":${parent}`;
    const rest = text === '' ? '' : text.slice(1, -1);
    const args = own === '' && rest === '' ? '' : `{${own}${own !== '' && rest !== '' ? ',' : ''}${rest}}`;
    this.#tasks.set(id, track);
    this.#writer.begin(track, label, this.#task, time, id, args);
    const end = this.#earlyEnds.get(id);
    if (end === undefined) return;
    this.#earlyEnds.delete(id);
    this.endTask(id, end);
  }

  endTask(id: number, time: number): void {
    const track = this.#tasks.get(id);
    if (track === undefined) {
      // Not begun yet, or ended before: perhaps by another thread that had adopted it.
      if (this.#earlyEnds.size < MAX_EARLY_ENDS) this.#earlyEnds.set(id, time);
      return;
    }
    this.#tasks.delete(id);
    this.#writer.end(track, time);
    this.#writer.release(track);
  }

  beginRegion(id: number, name: string, label: StringRef, time: number, task: number, text: string): void {
    let free = this.#lanes.get(name);
    if (free === undefined) {
      free = [];
      this.#lanes.set(name, free);
    }
    const lane = takeLane(free, time) ?? {
      track: this.#writer.asyncTrack(
        this.#pid,
        Category.region,
        `0x${(++this.#laneCount).toString(16)}`,
        name,
      ),
      end: 0,
    };
    this.#regions.set(id, { lane, free });
    this.#writer.begin(lane.track, label, this.#region, time, task, text);
  }

  endRegion(id: number, time: number): void {
    const open = this.#regions.get(id);
    if (open === undefined) return;
    this.#regions.delete(id);
    this.#writer.end(open.lane.track, time);
    open.lane.end = time;
    open.free.push(open.lane);
  }
}

/** A lane that was free at this time. The last one need not be: what another thread ended, or ended late, may be read before. */
function takeLane(free: Lane[], time: number): Lane | undefined {
  for (let i = free.length - 1; i >= 0 && i >= free.length - MAX_LOOKED_AT; i--) {
    if (free[i]!.end <= time) return free.splice(i, 1)[0];
  }
  return undefined;
}
