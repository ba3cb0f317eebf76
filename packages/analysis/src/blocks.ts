/**
 * What blocked event loops: turns that the recorder called blocks, grouped by the function that was running, with where it is.
 * A block without a stack, and one whose thread was in no function of the program, is grouped under what is known of it.
 */
import {
  Argument,
  Category,
  EventKind,
  loopTrackName,
  type Trace,
  type Track,
  timeRange,
} from '@ttrace/format';

/** One culprit. Times in nanoseconds. */
export interface BlockStats {
  /** What was running, such as `hash auth.js:12 → pbkdf2Sync`; `blocked` when that is not known. */
  readonly name: string;
  /** `file:line` of the function; '' when not known. */
  readonly location: string;
  readonly count: number;
  /** Of these, how many have no end in the trace, because it was cut off. They count as long as the trace goes on. */
  readonly unfinished: number;
  readonly totalNanos: number;
  readonly maxNanos: number;
  /** Begin of the longest one. */
  readonly worstStartNanos: number;
  /** Names of the threads that were blocked. */
  readonly threads: readonly string[];
  /** Frames of the longest one's first stack, innermost first: `function (file:line:column)`. */
  readonly stack: readonly string[];
}

interface Group {
  name: string;
  location: string;
  count: number;
  unfinished: number;
  totalNanos: number;
  maxNanos: number;
  worstStartNanos: number;
  stack: readonly string[];
  readonly threads: Set<string>;
}

/** Blocks by culprit, the longest total first. Linear in the number of rows. */
export function blockStats(trace: Trace): BlockStats[] {
  const { kind, start, value, name, category, track, args } = trace.columns;
  const loop = trace.strings.find(Category.loop);
  if (loop === -1) return [];
  const { end } = timeRange(trace);
  const groups = new Map<string, Group>();
  for (let row = 0; row < trace.length; row++) {
    if (category[row] !== loop || kind[row] !== EventKind.slice || args[row] === 0) continue;
    const facts = parsed(trace.strings.text(args[row]!));
    if (facts[Argument.blocked] !== true) continue;
    const location = textOf(facts[Argument.location]);
    const label = trace.strings.text(name[row]!);
    const group = groupFor(groups, label, location, start[row]!);
    const isUnfinished = value[row]! < 0;
    const duration = isUnfinished ? end - start[row]! : value[row]!;
    group.count++;
    if (isUnfinished) group.unfinished++;
    group.totalNanos += duration;
    group.threads.add(threadOf(trace, trace.tracks[track[row]!]!));
    if (duration <= group.maxNanos && group.count > 1) continue;
    group.maxNanos = duration;
    group.worstStartNanos = start[row]!;
    const stack = facts[Argument.stack];
    group.stack = Array.isArray(stack) ? stack.map(textOf) : [];
  }
  return [...groups.values()]
    .map((group) => ({ ...group, threads: [...group.threads].sort() }))
    .sort((a, b) => b.totalNanos - a.totalNanos || (a.name < b.name ? -1 : 1));
}

function groupFor(groups: Map<string, Group>, name: string, location: string, start: number): Group {
  const key = `${name}\n${location}`;
  let group = groups.get(key);
  if (group === undefined) {
    group = {
      name,
      location,
      count: 0,
      unfinished: 0,
      totalNanos: 0,
      maxNanos: 0,
      worstStartNanos: start,
      stack: [],
      threads: new Set(),
    };
    groups.set(key, group);
  }
  return group;
}

/** The thread that a loop's track belongs to. */
function threadOf({ tracks }: Trace, { pid, name }: Track): string {
  const own = tracks.find(
    (track) => track.kind === 'thread' && track.pid === pid && loopTrackName(track.name) === name,
  );
  return own?.name ?? name;
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
