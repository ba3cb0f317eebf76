/**
 * Of all windows of a length, those in which loops were least available. Exact: available time is piecewise linear in where a window begins,
 * so that it is least where a window begins or ends at an edge of a step, or as early or late as it may begin.
 *
 * Most of these places need no look. A window that begins later than another lacks at most what was available between the two begins: what
 * is so much better than the worst so far has no worse neighbours for that long. Only where all windows are alike each edge is looked at.
 */
import { type Availability, areaAt, stepAt } from './availability.ts';

/** A window and how much of it was available, 0 to 1. Times in nanoseconds since the trace's origin. */
export interface Window {
  readonly start: number;
  readonly end: number;
  readonly utilization: number;
}

/** A window that is worse by no more than this part of its length counts as equal: less than rounding. */
const TOLERANCE = 1e-12;

/**
 * The window of a length with the least available time. One of them where several are equal.
 * @param guess where a bad window may begin, such as where that of another length does: the better the guess, the faster.
 * @param from earliest and latest begin; all where left out.
 * @returns undefined where no such window fits.
 */
export function worstWindow(
  availability: Availability,
  length: number,
  guess?: number,
  from: number = availability.times[0]!,
  to: number = availability.times[availability.length]! - length,
): Window | undefined {
  if (availability.length === 0 || !(length > 0) || !(from <= to)) return undefined;
  const best = firstGuess(availability, length, from, to, guess);
  improve(availability, length, from, to, best);
  const utilization = Math.min(1, Math.max(0, best.area / length));
  return { start: best.start, end: best.start + length, utilization };
}

/** Parts of the time in which the worst windows are looked for one by one: what is found takes windows from two or three of them only. */
const PARTS = 64;

/**
 * The worst windows of a length that do not overlap, the worst first: each is the worst of those that none before it overlaps. A single step
 * that is longer than the window counts once. Windows that were available throughout are left out.
 */
export function worstWindows(availability: Availability, length: number, count: number): Window[] {
  const { times, length: steps } = availability;
  if (steps === 0) return [];
  let open: { readonly from: number; readonly to: number; readonly worst: Window }[] = [];
  const add = (from: number, to: number): void => {
    const worst = worstWindow(availability, length, undefined, from, to);
    if (worst !== undefined) open.push({ from, to, worst });
  };
  const [first, last] = [times[0]!, times[steps]! - length];
  const edge = (part: number): number =>
    part === PARTS ? last : first + Math.floor(((last - first) * part) / PARTS);
  for (let part = 0; part < PARTS && first <= last; part++) add(edge(part), edge(part + 1));
  const found: Window[] = [];
  while (found.length < count && open.length > 0) {
    const { worst } = open.reduce((a, b) => (b.worst.utilization < a.worst.utilization ? b : a));
    if (worst.utilization >= 1) break;
    found.push(worst);
    const step = stepAt(availability, worst.start);
    const isWithin = worst.end <= times[step + 1]!;
    const until = Math.min(worst.start, isWithin ? times[step]! : Infinity) - length;
    const after = Math.max(worst.end, isWithin ? times[step + 1]! : -Infinity);
    const before = open;
    open = before.filter(({ from, to }) => to <= until || from >= after);
    for (const { from, to } of before) {
      if (to <= until || from >= after) continue;
      add(from, until);
      add(after, to);
    }
  }
  return found;
}

/** The window that is the worst so far: where it begins, and its available time. */
interface Best {
  start: number;
  area: number;
}

/** Windows that are looked at before all others: the worse the first, the more of the others need no look. */
const GUESSES = 64;

function firstGuess(
  availability: Availability,
  length: number,
  from: number,
  to: number,
  guess: number | undefined,
): Best {
  const { times, lowestStep } = availability;
  const best = { start: from, area: Infinity };
  const look = (wish: number): void => {
    const start = Math.min(to, Math.max(from, wish));
    const begin = stepAt(availability, start);
    const end = stepAt(availability, start + length, begin);
    const area = areaAt(availability, start + length, end) - areaAt(availability, start, begin);
    if (area < best.area) Object.assign(best, { start, area });
  };
  if (guess !== undefined) look(guess);
  look(times[lowestStep]!);
  for (let i = 0; i <= GUESSES; i++) look(from + Math.floor(((to - from) * i) / GUESSES));
  look(to);
  return best;
}

// hot: where all windows are alike this looks at each edge, 12 ns each; so no calls but to gallop, and no objects.
function improve(availability: Availability, length: number, from: number, to: number, best: Best): void {
  const { times, levels, areas, lowest, length: steps } = availability;
  const margin = TOLERANCE * length;
  const least = lowest * length + margin;
  let { start, area } = best;
  let at = from;
  // The steps in which the window begins and ends.
  let begin = stepAt(availability, at);
  let end = stepAt(availability, at + length, begin);
  while (area > least) {
    const before = areas[begin]! + (at - times[begin]!) * levels[begin]!;
    const here = areas[end]! + (at + length - times[end]!) * levels[end]! - before;
    if (here < area) {
      area = here;
      start = at;
    }
    // No window is worse that begins before so much more time was available.
    const enough = before + (here > area ? here - area : 0) + margin;
    let beginEdge = times[begin + 1]!;
    let endEdge = times[end + 1]! - length;
    // Mostly that is before the next edge. A multiplication tells, as a division would.
    if (areas[begin + 1]! <= enough || before + (endEdge - at) * levels[begin]! <= enough) {
      if (areas[begin + 1]! <= enough) begin = lastUpTo(areas, steps - 1, enough, begin + 1);
      const level = levels[begin]!;
      const next =
        level > 0 ? Math.max(at, times[begin]! + (enough - areas[begin]!) / level) : times[begin + 1]!;
      if (times[end + 1]! <= next + length) end = lastUpTo(times, steps - 1, next + length, end + 1);
      beginEdge = times[begin + 1]!;
      endEdge = times[end + 1]! - length;
    }
    at = Math.min(beginEdge, endEdge);
    if (!(at < to)) break;
    if (beginEdge <= at) begin++;
    if (endEdge <= at) end++;
  }
  best.start = start;
  best.area = area;
}

/** The last place from `low` to `most` whose value is no larger; that at `low` is not. */
function lastUpTo(values: Float64Array, most: number, value: number, low: number): number {
  let last = Math.min(low, most);
  let stride = 1;
  while (last + stride <= most && values[last + stride]! <= value) {
    last += stride;
    stride *= 2;
  }
  for (let high = Math.min(most + 1, last + stride); high - last > 1; ) {
    const middle = (last + high) >>> 1;
    if (values[middle]! <= value) last = middle;
    else high = middle;
  }
  return last;
}
