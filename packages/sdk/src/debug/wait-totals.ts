/**
 * Waits by what they are for and what was around them. What is around a wait on a thread is written later than the wait, when it ends, or
 * is still open: so a wait is counted only after the next round, when all of it is known. That of a wait on a track of its own is
 * the task that it belongs to. Time in a wait inside another counts for the inner one alone.
 */
import { Category } from '@ttrace/format/vocabulary';
import type { CountedStack, DebugFrame } from './debug-protocol.ts';
import { type StackLabels, StackTotals } from './stack-totals.ts';

/** A wait that has ended. */
interface EndedWait {
  readonly name: string;
  readonly task: string;
  readonly start: number;
  readonly end: number;
  nanos: number;
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

  /** A slice that has ended. */
  slice(name: string, category: string, start: number, end: number, task: string): void {
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
    if (category === Category.wait) this.#add(name, task, start, end, Math.max(0, own));
  }

  begin(name: string, category: string, start: number, task: string): void {
    this.#begun.push({ name, category, start, task });
  }

  end(time: number): void {
    const open = this.#begun.pop();
    if (open !== undefined) this.slice(open.name, open.category, open.start, time, open.task);
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

  #add(name: string, task: string, start: number, end: number, nanos: number): void {
    this.#waits.push({
      name,
      task,
      start,
      end,
      nanos,
      around: new Map(),
      region: '',
      isInWait: false,
      hasSeenOpen: false,
    });
  }

  #count({ name, task, nanos, around, region }: EndedWait): void {
    const outer = [...around].sort(([a], [b]) => b - a).map(([, text]) => text);
    this.#totals.add([name, ...outer], { thread: this.name, task, region }, nanos);
  }
}

export class WaitTotals {
  readonly #totals = new StackTotals();

  /** @param names innermost first. */
  add(names: readonly string[], labels: StackLabels, nanos: number): void {
    const frames = names.map((name): DebugFrame => [name, '', 0]);
    this.#totals.add(frames, labels, 1, nanos);
  }

  stacks(): CountedStack[] {
    return this.#totals.stacks();
  }
}
