/** Layouts of flame graphs: nothing overlaps or stands out, and a graph of any size has few boxes. */
import { flameTree, type Profile } from '@ttrace/analysis';
import { expect, it } from 'vitest';
import { flameLayout } from './flame-layout.ts';

const labels = { thread: '', task: '', region: '' };

/** Functions that call each other, five levels deep, with times from a nanosecond to a second. */
function huge(stacks: number): Profile {
  const samples = Array.from({ length: stacks }, (_, i) => ({
    stack: [i, i % 1000, i % 100, i % 10, i % 3],
    values: [1, 1 + ((i * 7919) % 1000) ** 3] as const,
    labels,
  }));
  return { samples } as unknown as Profile;
}

const { root, nodes } = flameTree(huge(50_000));

it.each([0, 1, 7])('boxes below node %d lie within their callers and beside each other', (id) => {
  const { boxes, levels } = flameLayout(nodes[id]!);
  expect(levels).toBe(Math.max(...boxes.map(({ level }) => level)) + 1);
  for (const box of boxes) {
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(1 + 1e-9);
    const around = boxes.find(
      ({ node, folded }) => folded === 0 && node === (box.folded > 0 ? box.node : box.node.parent),
    );
    if (around === undefined) continue;
    expect(around.level).toBe(box.level - 1);
    expect(box.x).toBeGreaterThanOrEqual(around.x - 1e-9);
    expect(box.x + box.width).toBeLessThanOrEqual(around.x + around.width + 1e-9);
  }
  for (let at = 1; at < boxes.length; at++) {
    const [before, box] = [boxes[at - 1]!, boxes[at]!];
    if (before.level === box.level) expect(box.x).toBeGreaterThanOrEqual(before.x + before.width - 1e-9);
  }
});

it('a graph of fifty thousand functions has no more boxes than asked for, and loses no time', () => {
  for (const most of [600, 50, 5]) {
    const { boxes } = flameLayout(root, most);
    expect(boxes.length).toBeLessThanOrEqual(most);
    expect(boxes.filter(({ level }) => level === 0)).toMatchObject([{ width: 1, nanos: root.nanos }]);
    const below = boxes.filter(({ level }) => level === 1);
    if (below.length > 0) expect(below.reduce((sum, { nanos }) => sum + nanos, 0)).toBe(root.nanos);
  }
});

it('what called the node in focus stands above it, as wide', () => {
  const focus = root.children[0]!.children[0]!;
  const { boxes } = flameLayout(focus);
  const above = boxes.slice(0, 3).map(({ node, width, isAround }) => [node.id, width, isAround]);
  expect(above).toEqual([
    [root.id, 1, true],
    [focus.parent!.id, 1, true],
    [focus.id, 1, false],
  ]);
});
