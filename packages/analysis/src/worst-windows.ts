/**
 * Of all windows of a length, those in which loops were least available. Exact: available time is piecewise linear in where a window begins,
 * so that it is least where a window begins or ends at an edge of a step, or as early or late as it may begin.
 *
 * Branch and bound over those places: of windows that begin between a and b none has less than lies between b and a + length, which rules out
 * most of a long trace at once. Only where all windows are alike, all places are looked at.
 */
import { type Availability, areaAt, stepAt } from './availability.ts';

/** A window and how much of it was available, 0 to 1. Times in nanoseconds since the trace's origin. */
export interface Window {
  readonly start: number;
  readonly end: number;
  readonly utilization: number;
}

/** Edges in a range that are looked at one by one. */
const LEAF = 256;
/** A range that is better by no more than this part of the window is not looked into: less than rounding. */
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
  const { start, area } = search(availability, length, from, to, guess);
  return { start, end: start + length, utilization: Math.min(1, Math.max(0, area / length)) };
}

/**
 * The worst windows of a length that do not overlap, the worst first: each is the worst of those that none before it overlaps. A single step
 * that is longer than the window counts once. Windows that were available throughout are left out.
 */
export function worstWindows(availability: Availability, length: number, count: number): Window[] {
  const { times, length: steps } = availability;
  if (steps === 0) return [];
  const open: { from: number; to: number; worst: Window }[] = [];
  const add = (from: number, to: number): void => {
    const worst = worstWindow(availability, length, undefined, from, to);
    if (worst !== undefined) open.push({ from, to, worst });
  };
  add(times[0]!, times[steps]! - length);
  const found: Window[] = [];
  while (found.length < count && open.length > 0) {
    open.sort((a, b) => b.worst.utilization - a.worst.utilization || b.worst.start - a.worst.start);
    const { from, to, worst } = open.pop()!;
    if (worst.utilization >= 1) break;
    found.push(worst);
    const step = stepAt(availability, worst.start);
    const isWithin = worst.end <= times[step + 1]!;
    add(from, Math.min(worst.start, isWithin ? times[step]! : Infinity) - length);
    add(Math.max(worst.end, isWithin ? times[step + 1]! : 0), to);
  }
  return found;
}

/** A range of begins, with the steps in which the windows at its ends begin and end. */
interface Range {
  readonly from: number;
  readonly to: number;
  readonly firstBegin: number;
  readonly lastBegin: number;
  readonly firstEnd: number;
  readonly lastEnd: number;
}

/** The window that is the worst so far: where it begins, and its available time. */
interface Best {
  start: number;
  area: number;
}

function search(
  availability: Availability,
  length: number,
  from: number,
  to: number,
  guess: number | undefined,
): Best {
  const { times, lowest, lowestStep } = availability;
  const best = { start: from, area: Infinity };
  for (const wish of [from, to, guess ?? from, times[lowestStep]!]) {
    const at = Math.min(to, Math.max(from, wish));
    const area = availableIn(availability, at, length);
    if (area >= best.area) continue;
    best.start = at;
    best.area = area;
  }
  const margin = TOLERANCE * length;
  const least = lowest * length + margin;
  const visit = (range: Range, atLeast: number): void => {
    if (atLeast >= best.area - margin || best.area <= least) return;
    const edges = range.lastBegin - range.firstBegin + range.lastEnd - range.firstEnd;
    // Parts as wide as the window have no useful bound: then one sweep is faster than finding that out.
    const partWidth = ((range.to - range.from) / edges) * LEAF;
    if (edges <= LEAF || partWidth > length) {
      lookAtEdges(availability, length, range, best);
      return;
    }
    const [one, two] = halves(availability, length, range);
    const [ofOne, ofTwo] = [bound(availability, length, one), bound(availability, length, two)];
    if (ofOne <= ofTwo) visit(one, ofOne);
    visit(two, ofTwo);
    if (ofOne > ofTwo) visit(one, ofOne);
  };
  const firstBegin = stepAt(availability, from);
  const firstEnd = stepAt(availability, from + length, firstBegin);
  const lastBegin = stepAt(availability, to, firstBegin);
  visit(
    { from, to, firstBegin, lastBegin, firstEnd, lastEnd: stepAt(availability, to + length, lastBegin) },
    0,
  );
  return best;
}

function availableIn(availability: Availability, from: number, length: number): number {
  const begin = stepAt(availability, from);
  const end = stepAt(availability, from + length, begin);
  return areaAt(availability, from + length, end) - areaAt(availability, from, begin);
}

/** No window of the range has less available time. */
function bound(availability: Availability, length: number, { from, to, lastBegin, firstEnd }: Range): number {
  const certain = areaAt(availability, from + length, firstEnd) - areaAt(availability, to, lastBegin);
  return Math.max(certain, availability.lowest * length);
}

/** Parts a range at the edge in its middle. */
function halves(availability: Availability, length: number, range: Range): [Range, Range] {
  const { times } = availability;
  const { firstBegin, lastBegin, firstEnd, lastEnd } = range;
  let middleBegin = (firstBegin + lastBegin + 1) >>> 1;
  let middleEnd = (firstEnd + lastEnd + 1) >>> 1;
  let at: number;
  if (lastBegin - firstBegin >= lastEnd - firstEnd) {
    at = times[middleBegin]!;
    middleEnd = stepBetween(availability, at + length, firstEnd, lastEnd);
  } else {
    at = times[middleEnd]! - length;
    middleBegin = stepBetween(availability, at, firstBegin, lastBegin);
  }
  return [
    { ...range, to: at, lastBegin: middleBegin, lastEnd: middleEnd },
    { ...range, from: at, firstBegin: middleBegin, firstEnd: middleEnd },
  ];
}

/** As `stepAt`, of the steps from `low` to `high`. */
function stepBetween({ times }: Availability, time: number, low: number, high: number): number {
  let first = low;
  let last = high;
  while (first < last) {
    const middle = (first + last + 1) >>> 1;
    if (times[middle]! <= time) first = middle;
    else last = middle - 1;
  }
  return first;
}

/**
 * Looks at the windows of a range that begin where the level falls or end where it rises: anywhere else a window a little earlier or later is
 * no better.
 */
// hot: one long sweep where all windows are alike, 4 ns an edge; so no calls and no objects.
function lookAtEdges(
  { times, areas, levels }: Availability,
  length: number,
  { firstBegin, lastBegin, firstEnd, lastEnd }: Range,
  best: Best,
): void {
  let { start, area } = best;
  let other = firstEnd;
  for (let i = firstBegin + 1; i <= lastBegin; i++) {
    if (levels[i]! >= levels[i - 1]!) continue;
    const end = times[i]! + length;
    while (other < lastEnd && times[other + 1]! <= end) other++;
    const value = areas[other]! + (end - times[other]!) * levels[other]! - areas[i]!;
    if (value >= area) continue;
    area = value;
    start = times[i]!;
  }
  other = firstBegin;
  for (let i = firstEnd + 1; i <= lastEnd; i++) {
    if (levels[i]! <= levels[i - 1]!) continue;
    const begin = times[i]! - length;
    while (other < lastBegin && times[other + 1]! <= begin) other++;
    const value = areas[i]! - areas[other]! - (begin - times[other]!) * levels[other]!;
    if (value >= area) continue;
    area = value;
    start = begin;
  }
  best.start = start;
  best.area = area;
}
