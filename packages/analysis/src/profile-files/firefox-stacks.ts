/**
 * Strings, functions, frames and stacks of a Firefox profile: tables that all of its threads share, in which a stack is a frame on top of an
 * earlier stack. Only the columns that a trace can fill hold anything.
 */
import { PairTable } from '../pair-table.ts';
import type { Frame } from '../stack-frame.ts';

/** Index of a category in the profile's list. */
export type CategoryIndex = number;

/** No stack. */
export const NO_STACK = -1;

export class FirefoxStacks {
  readonly #strings: string[] = [];
  readonly #stringIds = new Map<string, number>();
  readonly #sources = new Map<string, number>();
  readonly #frameIds = new Map<string, number>();
  readonly #funcName: number[] = [];
  readonly #funcSource: (number | null)[] = [];
  readonly #frameLine: (number | null)[] = [];
  /** Pairs of an earlier stack + 1 and a frame. */
  readonly #stacks = new PairTable();
  readonly #category: CategoryIndex;

  /** @param category of all frames. */
  constructor(category: CategoryIndex) {
    this.#category = category;
  }

  /** Index of a text in the profile's strings. */
  string(text: string): number {
    let id = this.#stringIds.get(text);
    if (id === undefined) {
      id = this.#strings.push(text) - 1;
      this.#stringIds.set(text, id);
    }
    return id;
  }

  frame({ name, file, line }: Frame): number {
    const key = `${name}\n${file}\n${line}`;
    let id = this.#frameIds.get(key);
    if (id === undefined) {
      id = this.#funcName.push(this.string(name)) - 1;
      this.#funcSource.push(file === '' ? null : this.#source(file));
      this.#frameLine.push(line > 0 ? line : null);
      this.#frameIds.set(key, id);
    }
    return id;
  }

  /** The stack that has a frame on top of another, NO_STACK for none below it. */
  stack(below: number, frame: number): number {
    return this.#stacks.idOf(below + 1, frame);
  }

  /** A stack of frames, the outermost first. */
  stackOf(frames: Iterable<Frame>): number {
    let stack = NO_STACK;
    for (const frame of frames) stack = this.stack(stack, this.frame(frame));
    return stack;
  }

  /** `Profile.shared`. One function a frame: a trace says where a function is, not which line of it was running. */
  get shared(): object {
    const frames = this.#funcName.length;
    const each = <T>(value: T): T[] => new Array<T>(frames).fill(value);
    return {
      stackTable: this.#stackTable(),
      frameTable: {
        address: each(-1),
        lib: each(-1),
        inlineDepth: each(0),
        category: each(this.#category),
        subcategory: each(0),
        func: Array.from({ length: frames }, (_, at) => at),
        nativeSymbol: each(null),
        innerWindowID: each(0),
        line: this.#frameLine,
        column: each(null),
        originalLocation: each(null),
        length: frames,
      },
      funcTable: {
        name: this.#funcName,
        isJS: each(true),
        relevantForJS: each(false),
        resource: each(-1),
        source: this.#funcSource,
        lineNumber: this.#frameLine,
        columnNumber: each(null),
        originalLocation: each(null),
        length: frames,
      },
      resourceTable: { name: [], host: [], type: [], length: 0 },
      nativeSymbols: { libIndex: [], address: [], name: [], functionSize: [], length: 0 },
      sources: this.#sourceTable(),
      sourceLocationTable: { source: [], line: [], column: [], length: 0 },
      stringArray: this.#strings,
    };
  }

  #stackTable(): object {
    const length = this.#stacks.size;
    const stacks = Array.from({ length }, (_, at) => at);
    return {
      frame: stacks.map((at) => this.#stacks.secondOf(at)),
      // Distance back to the stack below, 0 for none.
      prefixOffset: stacks.map((at) =>
        this.#stacks.firstOf(at) === 0 ? 0 : at - this.#stacks.firstOf(at) + 1,
      ),
      length,
    };
  }

  #source(file: string): number {
    const known = this.#sources.get(file);
    if (known !== undefined) return known;
    this.string(file);
    this.#sources.set(file, this.#sources.size);
    return this.#sources.size - 1;
  }

  #sourceTable(): object {
    const files = [...this.#sources.keys()];
    return {
      id: files.map(() => null),
      filename: files.map((file) => this.string(file)),
      startLine: files.map(() => 1),
      startColumn: files.map(() => 1),
      sourceMapURL: files.map(() => null),
      content: files.map(() => null),
      length: files.length,
    };
  }
}
