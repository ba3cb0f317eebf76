/**
 * Collects the flow ids of a Perfetto trace and turns them into flow rows when all are known. A TrackEvent says only
 * that it takes part in a flow, or ends it; which event is the first one follows from the times, and packets of
 * different threads stand in no order of time.
 */
import { EventKind } from './trace.ts';
import type { TraceBuilder } from './trace-builder.ts';

/** What an event says of its part in a flow. `any` = by time; the others come from older events, which do say. */
export const FlowPart = { any: 0, last: 1, out: 2, step: 3, in: 4 } as const;
export type FlowPart = (typeof FlowPart)[keyof typeof FlowPart];

interface FlowPoint {
  readonly part: FlowPart;
  readonly track: number;
  readonly name: number;
  readonly category: number;
  readonly time: number;
}

export class PerfettoFlows {
  readonly #points = new Map<string, FlowPoint[]>();
  /** Whether this producer marks the ends of flows; else the last event of a flow is its end. */
  #hasLast = false;

  get isEmpty(): boolean {
    return this.#points.size === 0;
  }

  add(key: string, part: FlowPart, track: number, name: number, category: number, time: number): void {
    if (part === FlowPart.last) this.#hasLast = true;
    const point = { part, track, name, category, time };
    const points = this.#points.get(key);
    if (points === undefined) this.#points.set(key, [point]);
    else points.push(point);
  }

  /** Adds a row for every point. An id that is used again after its end names another flow. */
  finish(builder: TraceBuilder): void {
    for (const [key, points] of this.#points) {
      points.sort(
        (a, b) => a.time - b.time || Number(a.part === FlowPart.last) - Number(b.part === FlowPart.last),
      );
      let from = 0;
      for (let generation = 0; from < points.length; generation++) {
        const to = endOfFlow(points, from);
        const flow = builder.flow(generation === 0 ? key : `${key} ${generation}`);
        for (let i = from; i < to; i++) {
          const { track, name, category, time } = points[i]!;
          builder.flowEvent(this.#kind(points, i, from, to), track, name, category, time, flow);
        }
        from = to;
      }
    }
    this.#points.clear();
  }

  #kind(points: readonly FlowPoint[], i: number, from: number, to: number): 3 | 4 | 5 {
    switch (points[i]!.part) {
      case FlowPart.out:
        return EventKind.flowOut;
      case FlowPart.step:
        return EventKind.flowStep;
      case FlowPart.in:
      case FlowPart.last:
        return EventKind.flowIn;
      default:
        if (isFirst(points, from, i)) return EventKind.flowOut;
        return i === to - 1 && !this.#hasLast ? EventKind.flowIn : EventKind.flowStep;
    }
  }
}

/** Where the flow that begins at `from` ends: before the first event that goes on after both a start and an end. */
function endOfFlow(points: readonly FlowPoint[], from: number): number {
  let hasStart = false;
  let hasEnd = false;
  for (let i = from; i < points.length; i++) {
    const isLast = points[i]!.part === FlowPart.last;
    if (!isLast && hasStart && hasEnd) return i;
    if (isLast) hasEnd = true;
    else hasStart = true;
  }
  return points.length;
}

/** Whether no event before `i` goes on with the flow that begins at `from`. Clocks of threads may differ by a little. */
function isFirst(points: readonly FlowPoint[], from: number, i: number): boolean {
  for (let k = from; k < i; k++) if (points[k]!.part !== FlowPart.last) return false;
  return true;
}
