/**
 * How available event loops were, as a function of time: 1 where a loop could have run another callback, 0 where it could not, for several
 * threads the mean of those alive. What the utilisation curve, its worst windows and its percentiles are computed from.
 *
 * Times are nanoseconds since the trace's origin. Of one thread all sums are exact; means are rounded as doubles are.
 */
import { shareAt, THREAD_STATES, type ThreadTimeline } from './thread-states.ts';

/** What may count as time in which a loop could run nothing else. */
export const STOPS = ['blocks', 'gc', 'waits', 'running'] as const;
export type Stop = (typeof STOPS)[number];

/** What counts unless asked otherwise: ordinary turns are what a loop is there for. */
export const DEFAULT_STOPS: readonly Stop[] = ['blocks', 'gc', 'waits'];

/** A step function: step i goes from `times[i]` to `times[i + 1]`, neighbours differ in level. */
export interface Availability {
  /** Number of steps; 0 where there is no time at all. */
  readonly length: number;
  /** One more than there are steps, as `areas` has. */
  readonly times: Float64Array;
  /** 0 to 1. */
  readonly levels: Float64Array;
  /** Available time before `times[i]`, in nanoseconds. */
  readonly areas: Float64Array;
  /** The lowest level, and the longest step that has it. */
  readonly lowest: number;
  readonly lowestStep: number;
}

/**
 * The availability of threads, of each that of one: from when the first of them begins to when the last ends. A moment at which none is
 * alive counts as available. Linear in the steps, times the number of threads, eight at most and the logarithm of what is more.
 */
export function availabilityOf(threads: readonly ThreadAvailability[]): Availability {
  return withAreas(sumOfAll(threads.filter(({ length }) => length > 0)));
}

/** Available time between the first moment and `time`, which lies in step `at`. */
export function areaAt({ areas, times, levels }: Availability, time: number, at: number): number {
  return areas[at]! + (time - times[at]!) * levels[at]!;
}

/** The step that holds a moment, the later one at an edge; found quickly when it is not far after step `from`. */
export function stepAt({ times, length }: Availability, time: number, from = 0): number {
  let low = from;
  let stride = 1;
  while (low + stride < length && times[low + stride]! <= time) {
    low += stride;
    stride *= 2;
  }
  let high = Math.min(length, low + stride);
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (times[middle]! <= time) low = middle;
    else high = middle;
  }
  return low;
}

/** Availabilities added up: step i has `sums[i]` over the `alive[i]` threads that live in it. */
export interface ThreadAvailability {
  readonly length: number;
  readonly times: Float64Array;
  readonly sums: Float64Array;
  readonly alive: Uint32Array;
}

/**
 * The availability of one thread between two moments; neighbours of one level are one step. Linear in the stretches of its timeline.
 *
 * A collection within a block is a collection: what does not count `gc` asks how it would be without any.
 */
export function availabilityIn(
  timeline: ThreadTimeline,
  stops: readonly Stop[],
  from: number,
  to: number,
): ThreadAvailability {
  // hot: once a stretch, most of which are one with those before: only the pages of memory that are written are ever taken.
  const { starts, states, length } = timeline;
  const levels = Float64Array.from(levelsByState(stops));
  const countsRunning = stops.includes('running');
  const out = room(length);
  const { times, sums } = out;
  let steps = 0;
  let lastLevel = Number.NaN;
  let lastEnd = 0;
  for (let i = 0; i < length; i++) {
    const start = Math.max(starts[i]!, from);
    const end = Math.min(starts[i + 1]!, to);
    if (end <= start) continue;
    const level = countsRunning ? levels[states[i]!]! - shareAt(timeline, i) : levels[states[i]!]!;
    if (level !== lastLevel) {
      times[steps] = start;
      sums[steps++] = level;
      lastLevel = level;
    }
    lastEnd = end;
  }
  times[steps] = lastEnd;
  out.alive.fill(1, 0, steps);
  return cut(out, steps);
}

function levelsByState(stops: readonly Stop[]): readonly number[] {
  return THREAD_STATES.map((state) => {
    switch (state) {
      case 'blocked':
        return stops.includes('blocks') ? 0 : 1;
      case 'gc':
        return stops.includes('gc') ? 0 : 1;
      case 'waiting':
        return stops.includes('waits') ? 0 : 1;
      case 'running':
        return stops.includes('running') ? 0 : 1;
      default:
        return 1;
    }
  });
}

/** Threads that are added at once: more would make each step look at more of them, fewer would copy each step more often. */
const AT_ONCE = 8;

function sumOfAll(parts: readonly ThreadAvailability[]): ThreadAvailability {
  let rest = parts;
  while (rest.length > 1) {
    const sums: ThreadAvailability[] = [];
    for (let i = 0; i < rest.length; i += AT_ONCE) sums.push(added(rest.slice(i, i + AT_ONCE)));
    rest = sums;
  }
  return rest[0] ?? cut(room(0), 0);
}

// hot: 20 million steps of four threads that wait all the time take 1 s, so neighbours are joined here and not by a call a step.
function added(parts: readonly ThreadAvailability[]): ThreadAvailability {
  const out = room(parts.reduce((sum, { length }) => sum + length + 1, 0));
  const { times, sums, alive } = out;
  // Of each its next step: step 0 before its life, one past the last after it.
  const steps = parts.map(() => 0);
  let length = 0;
  let time = Math.min(...parts.map((part) => part.times[0]!));
  const end = Math.max(...parts.map((part) => part.times[part.length]!));
  while (time < end) {
    let sum = 0;
    let living = 0;
    let next = end;
    for (let p = 0; p < parts.length; p++) {
      const part = parts[p]!;
      let step = steps[p]!;
      while (step <= part.length && part.times[step]! <= time) step++;
      steps[p] = step;
      if (step > part.length) continue;
      if (part.times[step]! < next) next = part.times[step]!;
      if (step === 0) continue;
      sum += part.sums[step - 1]!;
      living += part.alive[step - 1]!;
    }
    if (length === 0 || sums[length - 1] !== sum || alive[length - 1] !== living) {
      times[length] = time;
      sums[length] = sum;
      alive[length++] = living;
    }
    time = next;
  }
  times[length] = end;
  return cut(out, length);
}

function room(length: number): ThreadAvailability {
  return {
    length,
    times: new Float64Array(length + 1),
    sums: new Float64Array(length),
    alive: new Uint32Array(length),
  };
}

function cut({ times, sums, alive }: ThreadAvailability, length: number): ThreadAvailability {
  return {
    length,
    times: times.subarray(0, length === 0 ? 0 : length + 1),
    sums: sums.subarray(0, length),
    alive: alive.subarray(0, length),
  };
}

/** Takes over the arrays of the sum. Steps of one mean are joined, also where they are means of different numbers of threads. */
function withAreas({ length, times, sums: levels, alive }: ThreadAvailability): Availability {
  let steps = 0;
  for (let i = 0; i < length; i++) {
    const level = alive[i] === 0 ? 1 : Math.min(1, Math.max(0, levels[i]! / alive[i]!));
    if (steps > 0 && levels[steps - 1] === level) continue;
    times[steps] = times[i]!;
    levels[steps++] = level;
  }
  if (length > 0) times[steps] = times[length]!;
  const areas = new Float64Array(length === 0 ? 0 : steps + 1);
  let lowest = 1;
  let lowestStep = 0;
  let longest = 0;
  for (let i = 0; i < steps; i++) {
    const time = times[i + 1]! - times[i]!;
    areas[i + 1] = areas[i]! + levels[i]! * time;
    if (levels[i]! > lowest || (levels[i] === lowest && time <= longest)) continue;
    lowest = levels[i]!;
    longest = time;
    lowestStep = i;
  }
  return { length: steps, times, levels, areas, lowest, lowestStep };
}
