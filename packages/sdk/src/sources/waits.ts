/** Waits for other threads and for locks. */
import { startAtomics } from './atomics.ts';
import { startWebLocks } from './web-locks.ts';

export function startWaits(): () => void {
  const stops = [startAtomics(), startWebLocks()];
  return () => {
    for (const stop of stops) stop();
  };
}
