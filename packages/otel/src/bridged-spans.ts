/** Tells spans that this package makes out of tasks and regions from all others: they must not come back as spans. */

let isMaking = false;

/** Runs `make`, which begins a span of our own. */
export function asOwnSpan<T>(make: () => T): T {
  const before = isMaking;
  isMaking = true;
  try {
    return make();
  } finally {
    isMaking = before;
  }
}

/** Whether the span that begins just now is one of our own. */
export function isOwnSpan(): boolean {
  return isMaking;
}
