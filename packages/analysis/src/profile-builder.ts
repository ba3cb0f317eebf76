/** Adds up a profile: interns frames, stacks and labels, so that an event costs a few look-ups and no object. */
import { PairTable } from './pair-table.ts';
import type { Profile, ProfileLabels, ProfileSample } from './profile.ts';
import type { Frame } from './stack-frame.ts';
import { tasksOf } from './tasks.ts';
import type { TraceIndex } from './trace-index.ts';

/** The number of an empty stack. */
export const NO_STACK = 0;

export class ProfileBuilder {
  readonly #index: TraceIndex;
  readonly #frames: Frame[] = [];
  readonly #frameIds = new Map<string, number>();
  /** Frames by the string id of a name that stands for itself; 0 = none yet, else the frame + 1. */
  readonly #named: Uint32Array;
  /** Pairs of the stack around and a frame + 1; the first is the empty stack. */
  readonly #stacks = new PairTable();
  /** Names in labels, the first ''; and their numbers + 1 by string id, 0 = none yet. */
  readonly #texts: string[] = [''];
  readonly #textIds = new Map<string, number>([['', 0]]);
  readonly #ofString: Uint32Array;
  /** Pairs of a thread's name and a task's name, then of these and a region's name. */
  readonly #places = new PairTable();
  readonly #labels = new PairTable();
  /** Pairs of a stack and labels. */
  readonly #samples = new PairTable();
  readonly #counts: number[] = [];
  readonly #nanos: number[] = [];

  constructor(index: TraceIndex) {
    this.#index = index;
    this.#named = new Uint32Array(index.trace.strings.size);
    this.#ofString = new Uint32Array(index.trace.strings.size);
    this.#stacks.idOf(0, 0);
  }

  /** Number of a frame. */
  frame(frame: Frame): number {
    const key = `${frame.name}\n${frame.file}\n${frame.line}`;
    let id = this.#frameIds.get(key);
    if (id === undefined) {
      id = this.#frames.push(frame) - 1;
      this.#frameIds.set(key, id);
    }
    return id;
  }

  /** Number of a frame that is only a name, by its string id. */
  named(name: number): number {
    const known = this.#named[name]!;
    if (known > 0) return known - 1;
    const id = this.frame({ name: this.#index.trace.strings.text(name), file: '', line: 0 });
    this.#named[name] = id + 1;
    return id;
  }

  /** Number of the stack that has a frame on top of another stack. */
  stack(around: number, frame: number): number {
    return this.#stacks.idOf(around, frame + 1);
  }

  /** Number of a name in labels; 0 is ''. */
  text(text: string): number {
    let id = this.#textIds.get(text);
    if (id === undefined) {
      id = this.#texts.push(text) - 1;
      this.#textIds.set(text, id);
    }
    return id;
  }

  /** Number of a name in labels, by its string id. */
  textOf(string: number): number {
    const known = this.#ofString[string]!;
    if (known > 0) return known - 1;
    const id = this.text(this.#index.trace.strings.text(string));
    this.#ofString[string] = id + 1;
    return id;
  }

  /** Number of the labels of an event. @param thread, @param region numbers of names. @param task number of the task. */
  labels(thread: number, task: number, region: number): number {
    const name = task === 0 ? 0 : this.textOf(this.taskName(task));
    return this.#labels.idOf(this.#places.idOf(thread, name), region);
  }

  /** String id of a task's name; 0 when its begin is not in the trace. */
  taskName(task: number): number {
    const row = tasksOf(this.#index).byNumber(task)?.row;
    return row === undefined ? 0 : this.#index.trace.columns.name[row]!;
  }

  add(stack: number, labels: number, count: number, nanos: number): void {
    const id = this.#samples.idOf(stack, labels);
    this.#counts[id] = (this.#counts[id] ?? 0) + count;
    this.#nanos[id] = (this.#nanos[id] ?? 0) + nanos;
  }

  /** What has been added, the longest first. */
  finish(): Pick<Profile, 'frames' | 'samples' | 'count' | 'nanos'> {
    const samples: ProfileSample[] = [];
    let count = 0;
    let nanos = 0;
    for (let id = 0; id < this.#samples.size; id++) {
      const values: [number, number] = [this.#counts[id]!, this.#nanos[id]!];
      const stack = this.#stackOf(this.#samples.firstOf(id));
      samples.push({ stack, values, labels: this.#labelsOf(this.#samples.secondOf(id)) });
      count += values[0];
      nanos += values[1];
    }
    samples.sort((a, b) => b.values[1] - a.values[1]);
    return { frames: this.#frames, samples, count, nanos };
  }

  #stackOf(id: number): number[] {
    const stack: number[] = [];
    for (let at = id; at !== NO_STACK; at = this.#stacks.firstOf(at))
      stack.push(this.#stacks.secondOf(at) - 1);
    return stack;
  }

  #labelsOf(id: number): ProfileLabels {
    const place = this.#labels.firstOf(id);
    return {
      thread: this.#texts[this.#places.firstOf(place)]!,
      task: this.#texts[this.#places.secondOf(place)]!,
      region: this.#texts[this.#labels.secondOf(id)]!,
    };
  }
}
