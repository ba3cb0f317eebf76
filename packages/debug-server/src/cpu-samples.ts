/** Makes stacks of a CPU profile of V8's: each sample with the line that was running and its time. */
import type { ProfileBuilder } from './profile-builder.ts';
import { type CallFrame, sourceFrame } from './source-frames.ts';

/** A profile as the inspector gives it. */
export interface CpuProfile {
  readonly nodes: readonly CpuNode[];
  /** Microseconds of `process.hrtime`. */
  readonly startTime: number;
  readonly samples?: readonly number[];
  /** Microseconds since the sample before, the first since `startTime`. */
  readonly timeDeltas?: readonly number[];
}

interface CpuNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
  /** How often each line of the function was running, where it was innermost. */
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[];
}

/** A moment at which something was running. */
export interface CpuSample {
  /** Nanoseconds of `process.hrtime`. */
  readonly time: number;
  /** Numbers of the builder's frames, innermost first. */
  readonly stack: readonly number[];
}

/** What V8 says when the thread waits for events, and what all stacks begin with. */
const NOTHING: ReadonlySet<string> = new Set(['(idle)', '(root)']);
const COLLECTOR = '(garbage collector)';

/** In the order of time; without those that found the thread idle. */
export function cpuSamples(profile: CpuProfile, builder: ProfileBuilder): CpuSample[] {
  const stacks = new NodeStacks(profile.nodes, builder);
  const found: CpuSample[] = [];
  let micros = profile.startTime;
  // V8 does not say what was running when a collection began: what the sample before had found.
  let running: readonly number[] = [];
  for (const [i, id] of (profile.samples ?? []).entries()) {
    micros += profile.timeDeltas?.[i] ?? 0;
    const own = stacks.next(id);
    const isCollecting = stacks.isCollecting(id);
    if (!isCollecting) running = own ?? [];
    if (own !== undefined) {
      found.push({ time: micros * 1000, stack: isCollecting ? [...own, ...running] : own });
    }
  }
  return found.sort((a, b) => a.time - b.time);
}

class NodeStacks {
  readonly #builder: ProfileBuilder;
  readonly #nodes: ReadonlyMap<number, CpuNode>;
  readonly #parents = new Map<number, number>();
  readonly #callers = new Map<number, readonly number[]>();
  /** Lines that are left to be given to a node's samples: V8 does not say which sample found which. */
  readonly #lines = new Map<number, number[]>();

  constructor(nodes: readonly CpuNode[], builder: ProfileBuilder) {
    this.#builder = builder;
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
    for (const { id, children = [] } of nodes) for (const child of children) this.#parents.set(child, id);
  }

  isCollecting(id: number): boolean {
    return this.#nodes.get(id)?.callFrame.functionName === COLLECTOR;
  }

  /** The stack of the next sample of a node; undefined for one that found nothing. */
  next(id: number): readonly number[] | undefined {
    const node = this.#nodes.get(id);
    if (node === undefined || NOTHING.has(node.callFrame.functionName)) return undefined;
    return [this.#frame(node, this.#nextLine(node)), ...this.#callersOf(id)];
  }

  #frame({ callFrame }: CpuNode, line: number): number {
    const { name, file, line: mapped } = sourceFrame(callFrame, line);
    return this.#builder.frame(name, file, mapped);
  }

  #nextLine({ id, positionTicks = [] }: CpuNode): number {
    let lines = this.#lines.get(id);
    if (lines === undefined) {
      lines = positionTicks.flatMap(({ line, ticks }) => new Array<number>(ticks).fill(line));
      this.#lines.set(id, lines);
    }
    return lines.pop() ?? 0;
  }

  #callersOf(id: number): readonly number[] {
    const known = this.#callers.get(id);
    if (known !== undefined) return known;
    const parent = this.#parents.get(id);
    const node = parent === undefined ? undefined : this.#nodes.get(parent);
    const callers =
      node === undefined || NOTHING.has(node.callFrame.functionName)
        ? []
        : [this.#frame(node, 0), ...this.#callersOf(parent!)];
    this.#callers.set(id, callers);
    return callers;
  }
}
