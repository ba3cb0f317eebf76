/**
 * Where the boxes of a flame graph stand: levels from the root down, widths as parts of the whole. What would be too narrow to see shares
 * one box beside its siblings, so that a graph of any size is a page that browsers can draw.
 */
import type { FlameNode } from '@ttrace/analysis';

export interface FlameBox {
  /** The function; of narrow ones that share a box, the function that called them. */
  readonly node: FlameNode;
  /** How many narrow ones share the box; 0 for a box that is the node itself. */
  readonly folded: number;
  readonly level: number;
  /** Parts of one. */
  readonly x: number;
  readonly width: number;
  readonly nanos: number;
  /** Whether it called what is in focus: it is shown as wide as that. */
  readonly isAround: boolean;
}

export interface FlameLayout {
  readonly boxes: readonly FlameBox[];
  readonly levels: number;
}

/** A box is five elements of a page, which with its table stays below five thousand. */
const MAX_BOXES = 600;
const MIN_WIDTH = 0.001;

/** Lays out what a node called, below all that called it. */
export function flameLayout(focus: FlameNode, maxBoxes: number = MAX_BOXES): FlameLayout {
  for (let minWidth = MIN_WIDTH; ; minWidth *= 2) {
    const layout = layoutAt(focus, minWidth, maxBoxes);
    if (layout !== undefined) return layout;
  }
}

/** Undefined when there are too many boxes, unless nothing narrower can be left out. */
function layoutAt(focus: FlameNode, minWidth: number, maxBoxes: number): FlameLayout | undefined {
  const boxes: FlameBox[] = [];
  const around: FlameNode[] = [];
  for (let node = focus.parent; node !== undefined; node = node.parent) around.unshift(node);
  around.forEach((node, level) => {
    boxes.push({ node, folded: 0, level, x: 0, width: 1, nanos: node.nanos, isAround: true });
  });
  let levels = around.length;
  const left: { node: FlameNode; level: number; x: number }[] = [{ node: focus, level: levels, x: 0 }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { node, level, x } = next;
    const width = widthOf(node.nanos, focus);
    boxes.push({ node, folded: 0, level, x, width, nanos: node.nanos, isAround: false });
    levels = Math.max(levels, level + 1);
    let at = x;
    let folded = 0;
    let nanos = 0;
    for (const child of node.children) {
      const childWidth = widthOf(child.nanos, focus);
      if (childWidth >= minWidth) left.push({ node: child, level: level + 1, x: at });
      else {
        folded++;
        nanos += child.nanos;
      }
      if (childWidth >= minWidth) at += childWidth;
    }
    const foldedWidth = widthOf(nanos, focus);
    if (folded > 0 && foldedWidth >= minWidth) {
      boxes.push({ node, folded, level: level + 1, x: at, width: foldedWidth, nanos, isAround: false });
      levels = Math.max(levels, level + 2);
    }
    if (boxes.length > maxBoxes && minWidth < 1) return undefined;
  }
  // Keyboards go from the outermost to the innermost, and from left to right.
  boxes.sort((a, b) => a.level - b.level || a.x - b.x);
  return { boxes, levels };
}

function widthOf(nanos: number, focus: FlameNode): number {
  return focus.nanos > 0 ? nanos / focus.nanos : 0;
}
