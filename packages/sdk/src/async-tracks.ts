/**
 * The tracks of what spans time and threads: one a task, and lanes for regions of async functions, used again when free, so
 * that a thousand of them one after another take one row.
 */
import { Category } from '@ttrace/format/vocabulary';
import type { StringRef, TraceWriter, TrackRef } from '@ttrace/format/writers';

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
  readonly #tasks = new Map<number, TrackRef>();
  /** When tasks ended whose begin has not been read yet: another thread's ring, read later, holds it. */
  readonly #earlyEnds = new Map<number, { time: number; text: string }>();
  readonly #regions = new Map<number, { lane: Lane; free: Lane[] }>();
  /** Lanes that are free, by category and name. */
  readonly #lanes = new Map<string, Lane[]>();
  #laneCount = 0;

  constructor(writer: TraceWriter, pid: number) {
    this.#writer = writer;
    this.#pid = pid;
    this.#task = writer.string(Category.task);
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
    this.endTask(id, end.time, end.text);
  }

  /** @param text more attributes as the text of a JSON object, or ''. */
  endTask(id: number, time: number, text: string): void {
    const track = this.#tasks.get(id);
    if (track === undefined) {
      // Not begun yet, or ended before: perhaps by another thread that had adopted it.
      if (this.#earlyEnds.size < MAX_EARLY_ENDS) this.#earlyEnds.set(id, { time, text });
      return;
    }
    this.#tasks.delete(id);
    this.#writer.end(track, time, text);
    this.#writer.release(track);
  }

  beginRegion(
    id: number,
    category: string,
    name: string,
    label: StringRef,
    time: number,
    task: number,
    text: string,
  ): void {
    const kind = `${category} ${name}`;
    let free = this.#lanes.get(kind);
    if (free === undefined) {
      free = [];
      this.#lanes.set(kind, free);
    }
    const lane = takeLane(free, time) ?? {
      track: this.#writer.asyncTrack(this.#pid, category, this.#laneId(category, name), name),
      end: 0,
    };
    this.#regions.set(id, { lane, free });
    this.#writer.begin(lane.track, label, this.#writer.string(category), time, task, text);
  }

  /** Rows that the program names have events of other names: formats without names for tracks read it out of the id. */
  #laneId(category: string, name: string): string {
    const id = `0x${(++this.#laneCount).toString(16)}`;
    return category === Category.timing ? `${id} ${name}` : id;
  }

  /** @param text more attributes as the text of a JSON object, or ''. */
  endRegion(id: number, time: number, text: string): void {
    const open = this.#regions.get(id);
    if (open === undefined) return;
    this.#regions.delete(id);
    this.#writer.end(open.lane.track, time, text);
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
