/** Runs something that must be followed by something else. */

/** Calls `end` when `fn` is over, or what it promises; passes on what it returns, throws or promises. */
export function untilOver<T>(fn: () => T, end: () => void): T {
  let isPending = false;
  try {
    const result = fn();
    if (result instanceof Promise) {
      isPending = true;
      return result.finally(end) as T;
    }
    return result;
  } finally {
    if (!isPending) end();
  }
}
