/** Counts and times by stack and labels, for profiles that go on from the start of the recorder. Bounded. */
import type { CountedStack, DebugFrame } from './debug-protocol.ts';

/** Stacks that are told apart; all others count as one. */
const MAX_STACKS = 20_000;
const OTHERS: readonly DebugFrame[] = [['(other stacks)', '', 0]];

/** What a stack is counted under. */
export interface StackLabels {
  readonly thread: string;
  readonly task: string;
  readonly region: string;
}

interface Total {
  readonly frames: readonly DebugFrame[];
  readonly labels: StackLabels;
  count: number;
  nanos: number;
}

export class StackTotals {
  readonly #totals = new Map<string, Total>();

  /** @param frames innermost first. */
  add(frames: readonly DebugFrame[], labels: StackLabels, count: number, nanos: number): void {
    const { thread, task, region } = labels;
    const key = `${thread}\n${task}\n${region}\n${frames.map((frame) => frame.join('\t')).join('\n')}`;
    let total = this.#totals.get(key);
    if (total === undefined) {
      if (this.#totals.size >= MAX_STACKS && frames !== OTHERS) {
        this.add(OTHERS, { thread: '', task: '', region: '' }, count, nanos);
        return;
      }
      total = { frames, labels, count: 0, nanos: 0 };
      this.#totals.set(key, total);
    }
    total.count += count;
    total.nanos += nanos;
  }

  stacks(): CountedStack[] {
    return [...this.#totals.values()].map(({ frames, labels, count, nanos }) => ({
      frames,
      ...labels,
      count,
      nanos,
    }));
  }
}

/** Frames of what stands under `stack` in a trace; undefined where there are none. */
export function framesOf(stack: unknown): DebugFrame[] | undefined {
  if (!Array.isArray(stack) || stack.length === 0) return undefined;
  return stack.map((text) => parseFrame(String(text)));
}

/** `function (file:line:column)`, as stack-description.ts writes it. */
export function parseFrame(text: string): DebugFrame {
  // Files have brackets in their names, names of functions hardly ever.
  const at = text.indexOf(' (');
  if (at < 0) return [text, '', 0];
  const match = /^(.*?):(\d+)(?::\d+)?\)$/.exec(text.slice(at + 2));
  return [text.slice(0, at), match?.[1] ?? '', Number(match?.[2] ?? 0)];
}
