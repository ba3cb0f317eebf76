/**
 * What a flight window has been told once and keeps for good: strings, pairs of name and category, and the tracks that are not
 * of a single operation, with the facts about them. It grows with the program's names and the threads there are, not with time.
 */
import type { StringRef } from '@ttrace/format/writers';

/** A track that stays: everything but async ones. */
export interface LastingTrack {
  readonly kind: 'process' | 'thread' | 'counter';
  readonly pid: number;
  /** Of a thread, else 0. */
  readonly tid: number;
  readonly name: string;
  readonly sortIndex: number | undefined;
  /** Of a counter. */
  readonly unit: string | undefined;
  /** Arguments by the fact's name. */
  readonly metadata: Map<string, string>;
}

export class FlightNames {
  readonly texts: string[] = [''];
  /** Holes are numbers that are free. */
  readonly tracks: (LastingTrack | undefined)[] = [];
  readonly #free: number[] = [];
  /** By label: one number for a name and a category. */
  readonly nameOf: StringRef[] = [];
  readonly categoryOf: StringRef[] = [];
  /** The last label of each name and the category in it: nearly every name has only one. */
  labelByName: Int32Array = new Int32Array(64);
  categoryByName: Int32Array = new Int32Array(64).fill(-1);
  readonly #refs = new Map<string, StringRef>([['', 0]]);
  readonly #labels = new Map<number, number>();

  /** Keeps a track; the result is its number. */
  keep(track: LastingTrack): number {
    const number = this.#free.pop() ?? this.tracks.length;
    this.tracks[number] = track;
    return number;
  }

  /** The track's number is free again: nothing in the window names it. */
  forget(number: number): void {
    this.tracks[number] = undefined;
    this.#free.push(number);
  }

  /** Whether a text has a number already. */
  knows(text: string): boolean {
    return this.#refs.has(text);
  }

  string(text: string): StringRef {
    let ref = this.#refs.get(text);
    if (ref === undefined) {
      ref = this.texts.push(text) - 1;
      this.#refs.set(text, ref);
      if (ref >= this.labelByName.length) this.#grow();
    }
    return ref;
  }

  label(name: StringRef, category: StringRef): number {
    const key = category * 2 ** 26 + name;
    let label = this.#labels.get(key);
    if (label === undefined) {
      label = this.nameOf.push(name) - 1;
      this.categoryOf.push(category);
      this.#labels.set(key, label);
    }
    this.labelByName[name] = label;
    this.categoryByName[name] = category;
    return label;
  }

  #grow(): void {
    const { labelByName, categoryByName } = this;
    this.labelByName = new Int32Array(labelByName.length * 2);
    this.labelByName.set(labelByName);
    this.categoryByName = new Int32Array(categoryByName.length * 2).fill(-1);
    this.categoryByName.set(categoryByName);
  }
}
