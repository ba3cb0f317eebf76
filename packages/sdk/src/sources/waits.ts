/** Waits for other threads, for locks, and for what queues and pools have to give. */
import { startAtomics } from './atomics.ts';
import { startModulePatches } from './module-patches.ts';
import { recordWaits } from './open-waits.ts';
import { startWebLocks } from './web-locks.ts';

export function startWaits(): () => void {
  recordWaits(true);
  const stops = [startAtomics(), startWebLocks(), startModulePatches()];
  return () => {
    recordWaits(false);
    for (const stop of stops) stop();
  };
}
