/** Tells the viewer that a page is open, so that a command that waits for its reader to leave knows when that is. */

/** A background tab's timers fire once a minute; the viewer's callers wait longer than that. */
const EVERY_MS = 20_000;

/** Beats until the viewer is gone. */
export function startHeartbeat(): void {
  const beating = setInterval(() => {
    fetch('/alive').catch(() => clearInterval(beating));
  }, EVERY_MS);
}
