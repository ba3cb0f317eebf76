/** Lets asynchronous operations of one thread run one after another, in the order in which they were asked for. */
export class Turns {
  #last: Promise<unknown> | undefined;

  /** Whether nobody runs or waits. */
  get isFree(): boolean {
    return this.#last === undefined;
  }

  /** Runs `fn`, at once where nobody is before it, and answers as it does. */
  run<T>(fn: () => Promise<T>): Promise<T> {
    const own = this.#last === undefined ? fn() : this.#last.then(fn);
    const settled: Promise<unknown> = own
      .catch(() => {})
      .then(() => {
        if (this.#last === settled) this.#last = undefined;
      });
    this.#last = settled;
    return own;
  }
}
