/** Waiting that has an end. */
import { setTimeout as delay } from 'node:timers/promises';

/** What a promise becomes within so many milliseconds; undefined when it is rejected, or takes longer. */
export async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  const timeout = new AbortController();
  const late = delay(milliseconds, undefined, { signal: timeout.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise.catch(() => undefined), late]);
  } finally {
    timeout.abort();
  }
}

/** Waits for so many seconds, or until the signal aborts; false in that case. */
export async function pause(seconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(seconds * 1000, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
