/** Numbers for pairs of numbers, by which stacks and their labels are interned: no object and no text for each event. */

/** Distinct pairs, numbered from 0 in the order in which they came. Each number of a pair is a whole one from 0 to 2^32 - 1. */
export class PairTable {
  #firsts: Uint32Array = new Uint32Array(64);
  #seconds: Uint32Array = new Uint32Array(64);
  #slots: Int32Array = new Int32Array(128).fill(-1);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  firstOf(id: number): number {
    return this.#firsts[id]!;
  }

  secondOf(id: number): number {
    return this.#seconds[id]!;
  }

  /** Number of a pair, which is added if it is new. */
  idOf(first: number, second: number): number {
    const slot = this.#slotOf(first, second);
    const known = this.#slots[slot]!;
    if (known >= 0) return known;
    const id = this.#size++;
    if (id === this.#firsts.length) this.#grow();
    this.#firsts[id] = first;
    this.#seconds[id] = second;
    this.#slots[slot] = id;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #slotOf(first: number, second: number): number {
    const mask = this.#slots.length - 1;
    let hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b);
    hash ^= hash >>> 15;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.#slots[slot]!;
      if (id < 0 || (this.#firsts[id] === first && this.#seconds[id] === second)) return slot;
    }
  }

  #grow(): void {
    const firsts = new Uint32Array(this.#firsts.length * 2);
    const seconds = new Uint32Array(firsts.length);
    firsts.set(this.#firsts);
    seconds.set(this.#seconds);
    this.#firsts = firsts;
    this.#seconds = seconds;
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2).fill(-1);
    for (let id = 0; id < this.#size; id++)
      this.#slots[this.#slotOf(this.#firsts[id]!, this.#seconds[id]!)] = id;
  }
}
