/**
 * Stacks of Chrome trace events: inline (`stack`) or by reference into the file's table (`sf`, `stackFrames`), which may
 * stand behind all events. So rows and references are collected, and become the argument `stack` when all is read.
 */

import { StringTable } from './strings.ts';
import type { TraceBuilder } from './trace-builder.ts';

/** A longer chain of parents is taken for a circle. */
const MAX_FRAMES = 1000;

interface Frame {
  readonly name?: unknown;
  readonly parent?: unknown;
}

export class StackFrames {
  readonly #builder: TraceBuilder;
  #table: ReadonlyMap<string, Frame> = new Map();
  /** Distinct stacks: `#id` for a reference, `=text` for an inline one. */
  readonly #keys = new StringTable();
  readonly #rowOf: number[] = [];
  readonly #keyOf: number[] = [];

  constructor(builder: TraceBuilder) {
    this.#builder = builder;
  }

  /** Takes the table of frames, `{ "5": { "name": "f", "parent": "4" } }`, as valid JSON. */
  setTable(json: string): void {
    this.#table = new Map(Object.entries((JSON.parse(json) ?? {}) as Record<string, Frame>));
  }

  /** Remembers that the next row refers to the frame `id`, its innermost. */
  refer(id: string): void {
    this.#note(`#${id}`);
  }

  /** Remembers the stack of the next row, given as JSON: an array of frames, or a text. Keeps its order. */
  inline(json: string): void {
    const stack = JSON.parse(json) as unknown;
    this.#note(`=${Array.isArray(stack) ? stack.map((frame) => textOf(frame)).join('\n') : textOf(stack)}`);
  }

  /** Adds the stacks to the arguments of their rows, innermost frame first, one a line. */
  resolve(): void {
    const members = new Map<number, string>();
    for (const [i, row] of this.#rowOf.entries()) {
      const key = this.#keyOf[i]!;
      let member = members.get(key);
      if (member === undefined) {
        member = `"stack":${JSON.stringify(this.#stackOf(this.#keys.text(key)))}`;
        members.set(key, member);
      }
      const args = this.#builder.strings.text(this.#builder.argsAt(row));
      const text = args.length > 2 ? `${args.slice(0, -1)},${member}}` : `{${member}}`;
      this.#builder.setArgs(row, this.#builder.strings.intern(text));
    }
    this.#rowOf.length = 0;
  }

  #note(key: string): void {
    this.#rowOf.push(this.#builder.length);
    this.#keyOf.push(this.#keys.intern(key));
  }

  #stackOf(key: string): string {
    if (key.startsWith('=')) return key.slice(1);
    const names: string[] = [];
    let id = key.slice(1);
    for (let frame = this.#table.get(id); frame !== undefined; frame = this.#table.get(id)) {
      names.push(textOf(frame?.name));
      if (frame?.parent === undefined || names.length >= MAX_FRAMES) break;
      id = textOf(frame.parent);
    }
    // No table: the reference is all there is.
    return names.length > 0 ? names.join('\n') : id;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
