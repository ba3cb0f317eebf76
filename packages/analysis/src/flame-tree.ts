/** The stacks of a profile as one tree, outermost functions first, in which each node knows the time of all above it: a flame graph. */
import type { Profile } from './profile.ts';

/** A function where it stands on the stack. */
export interface FlameNode {
  /** Its number in the tree: a node comes before those that it called, the longest first. The root, which stands for all, is 0. */
  readonly id: number;
  /** Index into the profile's frames, -1 for the root. */
  readonly frame: number;
  readonly parent: FlameNode | undefined;
  /** The longest first. */
  readonly children: readonly FlameNode[];
  /** Of this node and all that it called; and of it alone. */
  readonly count: number;
  readonly nanos: number;
  readonly selfNanos: number;
}

export interface FlameTree {
  readonly root: FlameNode;
  /** By their numbers. */
  readonly nodes: readonly FlameNode[];
}

interface Growing {
  id: number;
  readonly frame: number;
  readonly parent: Growing | undefined;
  readonly byFrame: Map<number, Growing>;
  children: Growing[];
  count: number;
  nanos: number;
  selfNanos: number;
}

/** Makes the tree. The same profile gives the same numbers. */
export function flameTree({ samples }: Profile): FlameTree {
  const root = grow(-1, undefined);
  for (const { stack, values } of samples) {
    let node = root;
    add(node, values);
    for (let at = stack.length - 1; at >= 0; at--) {
      let next = node.byFrame.get(stack[at]!);
      if (next === undefined) {
        next = grow(stack[at]!, node);
        node.byFrame.set(stack[at]!, next);
        node.children.push(next);
      }
      node = next;
      add(node, values);
    }
    node.selfNanos += values[1];
  }
  return { root, nodes: numbered(root) };
}

function grow(frame: number, parent: Growing | undefined): Growing {
  return { id: 0, frame, parent, byFrame: new Map(), children: [], count: 0, nanos: 0, selfNanos: 0 };
}

function add(node: Growing, [count, nanos]: readonly [number, number]): void {
  node.count += count;
  node.nanos += nanos;
}

function numbered(root: Growing): Growing[] {
  const nodes: Growing[] = [];
  const left = [root];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    node.id = nodes.push(node) - 1;
    node.children.sort((a, b) => b.nanos - a.nanos || a.frame - b.frame);
    for (let at = node.children.length - 1; at >= 0; at--) left.push(node.children[at]!);
  }
  return nodes;
}
