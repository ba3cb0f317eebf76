/** Puts samples together into a profile: each frame once, and each stack with the same labels once, its values added up. */
import type { StackProfile, StackSample } from '@ttrace/pprof';

/** What is measured. */
export type ValueTypes = StackProfile['valueTypes'];

/** A profile without what is the same for all of them. */
export interface BuiltProfile {
  readonly frames: StackProfile['frames'];
  readonly samples: readonly StackSample[];
}

interface Sum {
  readonly stack: readonly number[];
  readonly labels: Readonly<Record<string, string>>;
  readonly values: number[];
}

export class ProfileBuilder {
  readonly #frames: StackProfile['frames'][number][] = [];
  readonly #frameIds = new Map<string, number>();
  readonly #sums = new Map<string, Sum>();

  /** Number of a frame. @param line from 1, 0 where it is not known. */
  frame(name: string, file = '', line = 0): number {
    const key = `${name}\n${file}\n${line}`;
    let id = this.#frameIds.get(key);
    if (id === undefined) {
      id = this.#frames.push({ name, file, line }) - 1;
      this.#frameIds.set(key, id);
    }
    return id;
  }

  /** @param stack frames, innermost first. */
  add(stack: readonly number[], values: readonly number[], labels: Readonly<Record<string, string>>): void {
    const key = `${stack.join()}\n${JSON.stringify(labels)}`;
    const sum = this.#sums.get(key);
    if (sum === undefined) this.#sums.set(key, { stack, labels, values: [...values] });
    else for (const [i, value] of values.entries()) sum.values[i]! += value;
  }

  /** Without samples of which nothing is left. */
  finish(): BuiltProfile {
    const samples = [...this.#sums.values()].filter(({ values }) => values.some((value) => value !== 0));
    return { frames: this.#frames, samples };
  }
}
