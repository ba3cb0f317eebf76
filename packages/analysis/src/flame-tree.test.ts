/** Flame trees against a slow definition: a node has the values of all samples whose stacks begin with its path. */
import { expect, test } from 'vitest';
import { type FlameNode, flameTree } from './flame-tree.ts';
import type { Profile } from './profile.ts';

const labels = { thread: '', task: '', region: '' };
const samples = [
  { stack: [2, 1, 0], values: [1, 50] as const, labels },
  { stack: [1, 0], values: [2, 20] as const, labels },
  { stack: [3, 1, 0], values: [1, 60] as const, labels },
  { stack: [0, 0], values: [1, 5] as const, labels },
  { stack: [2], values: [4, 200] as const, labels },
];
const { nodes, root } = flameTree({ samples } as unknown as Profile);

function path(node: FlameNode): number[] {
  return node.parent === undefined ? [] : [...path(node.parent), node.frame];
}

test('each node has what all stacks through it have', () => {
  for (const node of nodes) {
    const own = path(node);
    const through = samples.filter(({ stack }) => own.every((frame, at) => stack.at(-1 - at) === frame));
    expect(node.nanos).toBe(through.reduce((sum, { values }) => sum + values[1], 0));
    expect(node.count).toBe(through.reduce((sum, { values }) => sum + values[0], 0));
    expect(node.selfNanos).toBe(node.nanos - node.children.reduce((sum, { nanos }) => sum + nanos, 0));
  }
});

test('nodes are numbered outermost first and the longest first, the root 0', () => {
  expect(root.id).toBe(0);
  expect(nodes.map(({ id }) => id)).toEqual(nodes.map((_, at) => at));
  expect(nodes.map(path)).toEqual([[], [2], [0], [0, 1], [0, 1, 3], [0, 1, 2], [0, 0]]);
});
