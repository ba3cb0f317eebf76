/** Has every thread note where its asynchronous work is begun, for as long as the server runs. Main does so by itself, before this thread is there. */
import { within } from './deadline.ts';
import type { InspectedThread, InspectedThreads } from './inspected-threads.ts';
import { beginWork, endWork } from './pending-work.ts';

/** How long a thread in a native call is waited for. */
const PATIENCE_MS = 1000;

export class PendingStacks {
  readonly #threads: InspectedThreads;
  readonly #forget: () => void;

  constructor(threads: InspectedThreads) {
    this.#threads = threads;
    this.#forget = threads.each((thread) => {
      if (isWorker(thread)) beginWork(thread, 'always').catch(() => {});
    });
  }

  /** Ends it on all workers. */
  async close(): Promise<void> {
    this.#forget();
    const workers = this.#threads.list().filter(isWorker);
    await Promise.all(workers.map((thread) => within(endWork(thread, 'always'), PATIENCE_MS)));
  }
}

function isWorker({ id }: InspectedThread): boolean {
  return id !== 0;
}
