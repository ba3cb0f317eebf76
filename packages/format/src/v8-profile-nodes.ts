/**
 * The tree of a V8 profile from its nodes as JSON has them: nodes that list their children, as profiles do, or that name their parent,
 * as the chunks of a trace do. What is no node is left out.
 */
import type { V8CallFrame } from './v8-profile.ts';

export class V8ProfileNodes {
  readonly frames: Map<number, V8CallFrame> = new Map();
  readonly parents: Map<number, number> = new Map();
  /** How many samples the nodes say that there are. */
  hits = 0;

  /** Returns false for what is no node. */
  add(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false;
    const { id, callFrame, children, parent, hitCount } = value as Record<string, unknown>;
    if (typeof id !== 'number' || typeof callFrame !== 'object' || callFrame === null) return false;
    const { functionName, url, lineNumber } = callFrame as Record<string, unknown>;
    this.frames.set(id, {
      functionName: typeof functionName === 'string' ? functionName : '',
      url: typeof url === 'string' ? url : '',
      lineNumber: typeof lineNumber === 'number' ? lineNumber : -1,
    });
    if (typeof parent === 'number') this.parents.set(id, parent);
    if (typeof hitCount === 'number') this.hits += hitCount;
    if (Array.isArray(children)) {
      for (const child of children) if (typeof child === 'number') this.parents.set(child, id);
    }
    return true;
  }
}
