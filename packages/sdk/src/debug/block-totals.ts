/**
 * What blocked event loops, by stack, from what is written to their tracks. A block counts once, with the stack that was seen first;
 * its time is divided among the stacks that were seen, as in `ttrace pprof --type block`: each has the time until the next was seen.
 */
import { Argument } from '@ttrace/format/vocabulary';
import type { CountedStack, DebugFrame } from './debug-protocol.ts';
import { framesOf, parseFrame, type StackLabels, StackTotals } from './stack-totals.ts';

/** A block that goes on. */
interface OpenBlock {
  frames: readonly DebugFrame[];
  readonly labels: StackLabels;
  /** Until when its time has been counted. */
  since: number;
}

export class BlockTotals {
  readonly #totals = new StackTotals();
  /** By track. */
  readonly #open = new Map<number, OpenBlock>();

  begin(track: number, name: string, start: number, thread: string, task: string, args: string): void {
    const { stack, region, location } = parsed(args);
    const labels = { thread, task, region: typeof region === 'string' ? region : '' };
    const frames = framesOf(stack) ?? [named(name, location)];
    this.#totals.add(frames, labels, 1, 0);
    this.#open.set(track, { frames, labels, since: start });
  }

  /** It was seen with another stack, or the same again. */
  seen(track: number, time: number, args: string): void {
    const open = this.#open.get(track);
    if (open === undefined) return;
    this.#count(open, time);
    open.frames = framesOf(parsed(args)[Argument.stack]) ?? open.frames;
  }

  end(track: number, time: number): void {
    const open = this.#open.get(track);
    if (open === undefined) return;
    this.#count(open, time);
    this.#open.delete(track);
  }

  /** With those that go on, up to this time. */
  stacks(time: number): CountedStack[] {
    for (const open of this.#open.values()) this.#count(open, time);
    return this.#totals.stacks();
  }

  #count(open: OpenBlock, time: number): void {
    if (time <= open.since) return;
    this.#totals.add(open.frames, open.labels, 0, time - open.since);
    open.since = time;
  }
}

function parsed(args: string): Record<string, unknown> {
  try {
    return JSON.parse(args) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function named(name: string, location: unknown): DebugFrame {
  return typeof location === 'string' ? parseFrame(`${name} (${location})`) : [name, '', 0];
}
