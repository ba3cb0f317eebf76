/**
 * Knows when a viewer has done its work once: its trace has been read to the end, and whoever read it has all that a page
 * fetches afterwards (engine, fonts). Commands that serve one reader end then.
 */

/** A page that shows the trace has what it needs; a second is for what it is fetching right now. */
const QUIET_AFTER_SHOWN_MS = 1000;
/** Readers that do not say so: scripts, other UIs. Between a trace and the engine's files Perfetto asks for nothing. */
const QUIET_AFTER_READ_MS = 5000;
/** A page that loads the trace will say when it shows it, however slow its machine; unless its tab was closed. */
const QUIET_WHILE_LOADING_MS = 60_000;
const LOOK_EVERY_MS = 100;

/** How far a viewer has got with its first reader. */
export class Delivery {
  readonly #idleMs: () => number;
  #quietMs = Infinity;
  #quietAfterReadMs = QUIET_AFTER_READ_MS;
  #looking: NodeJS.Timeout | undefined;

  /** @param idleMs milliseconds since anything was last asked for or answered. */
  constructor(idleMs: () => number) {
    this.#idleMs = idleMs;
  }

  /** The trace was read to its end, or a page said that there is nothing to read. */
  read(): void {
    this.#quietMs = Math.min(this.#quietMs, this.#quietAfterReadMs);
  }

  /** A page says that it loads the trace, and that it will say when it shows it. */
  loading(): void {
    this.#quietAfterReadMs = QUIET_WHILE_LOADING_MS;
    if (this.#quietMs === QUIET_AFTER_READ_MS) this.#quietMs = QUIET_WHILE_LOADING_MS;
  }

  /** A page says that it shows the trace, or that it cannot. */
  shown(): void {
    this.#quietMs = QUIET_AFTER_SHOWN_MS;
  }

  /** Resolves when the work is done; never after `stop`. */
  async untilDone(): Promise<void> {
    await new Promise<void>((resolve) => {
      clearInterval(this.#looking);
      this.#looking = setInterval(() => {
        if (this.#idleMs() < this.#quietMs) return;
        this.stop();
        resolve();
      }, LOOK_EVERY_MS);
    });
  }

  /** Gives up waiting. Harmless twice. */
  stop(): void {
    clearInterval(this.#looking);
  }
}
