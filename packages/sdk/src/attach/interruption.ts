/**
 * Expressions that run a piece of code in a thread once: at a moment when none of its own code runs, or, when its loop is blocked, in
 * the middle of what blocks it. A promise is what both can begin with: timers, immediates and ticks may be half changed just then.
 */

/** What to evaluate in the thread. */
export interface Interruption {
  /** Runs the code as soon as the thread is free; a promise of what it gave. */
  readonly begin: string;
  /** Runs it now, unless it has run; gives the same, or `RUNNING` when it interrupts the code itself. After `begin`. */
  readonly force: string;
  /** Takes away what `begin` left. What it has promised still comes. */
  readonly forget: string;
}

/** The code runs already: wait for the promise. */
export const RUNNING = 'running';

/** @param code an expression that gives a text. */
export function interruption(code: string): Interruption {
  // No other process or thread uses this name: the clock is that of the machine.
  const job = `globalThis[Symbol.for('ttrace/job/${process.pid}-${process.hrtime.bigint()}')]`;
  return {
    begin: `(() => {
      let answer, isRunning = false;
      const job = () => {
        if (answer !== undefined || isRunning) return answer ?? ${JSON.stringify(RUNNING)};
        isRunning = true;
        return answer = (${code});
      };
      ${job} = job;
      return Promise.resolve().then(job);
    })()`,
    force: `${job}?.()`,
    forget: `delete ${job}`,
  };
}
