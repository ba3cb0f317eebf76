/**
 * Waits by what they are for, the functions that waited, where the recorder has looked, and what was around them. What is around a wait on a thread is written later than the wait, when it ends, or
 * is still open: so a wait is counted only after the next round, when all of it is known. That of a wait on a track of its own is
 * the task that it belongs to. Time in a wait inside another counts for the inner one alone.
 */
import { Argument, Category } from '@ttrace/format/vocabulary';
import type { CountedStack, DebugFrame } from './debug-protocol.ts';
import { framesOf, type StackLabels, StackTotals } from './stack-totals.ts';

/** A wait that has ended. */
interface EndedWait {
  readonly name: string;
  readonly task: string;
  readonly start: number;
  readonly end: number;
  nanos: number;
  /** Innermost first. */
  readonly frames: readonly DebugFrame[];
  /** Names of what was around it, by when that began. */
  readonly around: Map<number, string>;
  region: string;
  isInWait: boolean;
  hasSeenOpen: boolean;
}

/** Something that is open on a thread. */
export interface OpenSlice {
  readonly name: string;
  readonly category: string;
  readonly start: number;
}

/** What is known of one thread. */
export class ThreadWaits {
  readonly name: string;
  readonly #totals: WaitTotals;
  /** By their ends. */
  #waits: EndedWait[] = [];
  /** Begun, and not ended; outermost first. */
  readonly #begun: (OpenSlice & { readonly task: string })[] = [];

  constructor(name: string, totals: WaitTotals) {
    this.name = name;
    this.#totals = totals;
  }

  /** Whether a slice that is no wait is of any interest. */
  get isWaiting(): boolean {
    return this.#waits.length > 0;
  }

  /** A slice that has ended. @param args of a wait. */
  slice(name: string, category: string, start: number, end: number, task: string, args: string): void {
    const inside: EndedWait[] = [];
    for (let i = this.#waits.length - 1; i >= 0 && this.#waits[i]!.end > start; i--) {
      const wait = this.#waits[i]!;
      if (wait.start >= start && wait.end <= end) inside.push(wait);
    }
    let own = end - start;
    for (const wait of inside) {
      wait.around.set(start, name);
      if (category === Category.region) wait.region ||= name;
      if (category !== Category.wait || wait.isInWait) continue;
      wait.isInWait = true;
      own -= wait.end - wait.start;
    }
    if (category !== Category.wait) return;
    this.#waits.push({
      name,
      task,
      start,
      end,
      nanos: Math.max(0, own),
      frames: stackIn(args),
      around: new Map(),
      region: '',
      isInWait: false,
      hasSeenOpen: false,
    });
  }

  begin(name: string, category: string, start: number, task: string): void {
    this.#begun.push({ name, category, start, task });
  }

  end(time: number, args: string): void {
    const open = this.#begun.pop();
    if (open !== undefined) this.slice(open.name, open.category, open.start, time, open.task, args);
  }

  /** After a round. @param open what is open on the thread now, outermost first. */
  afterRound(open: readonly OpenSlice[]): void {
    if (this.#waits.length === 0) return;
    const later: EndedWait[] = [];
    for (const wait of this.#waits) {
      if (wait.hasSeenOpen) this.#count(wait);
      else {
        this.#see(wait, open);
        later.push(wait);
      }
    }
    this.#waits = later;
  }

  /** The thread has ended. */
  close(): void {
    for (const wait of this.#waits) {
      this.#see(wait, []);
      this.#count(wait);
    }
    this.#waits = [];
  }

  #see(wait: EndedWait, open: readonly OpenSlice[]): void {
    wait.hasSeenOpen = true;
    for (const { name, category, start } of [...this.#begun, ...open]) {
      if (start > wait.start) continue;
      wait.around.set(start, name);
      if (category === Category.region && wait.region === '') wait.region = name;
    }
  }

  #count({ name, task, nanos, frames, around, region }: EndedWait): void {
    const outer = [...around].sort(([a], [b]) => b - a).map(([, text]) => named(text));
    this.#totals.add([named(name), ...frames, ...outer], { thread: this.name, task, region }, nanos);
  }
}

export class WaitTotals {
  readonly #totals = new StackTotals();

  /** @param frames innermost first. */
  add(frames: readonly DebugFrame[], labels: StackLabels, nanos: number): void {
    this.#totals.add(frames, labels, 1, nanos);
  }

  stacks(): CountedStack[] {
    return this.#totals.stacks();
  }
}

/** The frame of what is no function. */
export function named(name: string): DebugFrame {
  return [name, '', 0];
}

/** The functions that waited. */
function stackIn(args: string): readonly DebugFrame[] {
  if (!args.includes(`"${Argument.stack}"`)) return [];
  try {
    return framesOf((JSON.parse(args) as Record<string, unknown>)[Argument.stack]) ?? [];
  } catch {
    return [];
  }
}
