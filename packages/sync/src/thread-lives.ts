/**
 * Which threads of the process have ended, in memory that all of them share: an entry a thread, by its id. Threads write their
 * own, and when they exit that they have; who starts a thread says it for one that is terminated. On Linux the system knows of
 * one whose parent cannot say it, because it waits as well.
 *
 * Memory goes to later threads by Node's environment data. Threads that were made without it, and meet by a message only, get
 * it with the lock that they share: a thread may have its entry in several memories.
 */
import { randomFillSync } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { existsSync } from 'node:fs';
import { getEnvironmentData, setEnvironmentData, threadId, type Worker } from 'node:worker_threads';
import { osThreadId } from '@ttrace/sdk/waits';

const KEY = 'ttrace/sync/threads/1';
/** Node.js counts threads up; one with an id so much higher takes the entry of one that has ended long ago. */
const ENTRIES = 65_536;
/** Before the entries: two integers that tell a memory from others. */
const ID_WORDS = 2;
const ENDED = -1;

/** An entry holds the system's id of the thread, 0 before, -1 after its life. */
export type ThreadLives = Int32Array;

const known: ThreadLives[] = [];
const isLinux = process.platform === 'linux';

/** The memory for what this thread makes. */
export const ownLives: ThreadLives = adoptLives(getEnvironmentData(KEY) ?? createLives());

function createLives(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer((ID_WORDS + ENTRIES) * 4);
  randomFillSync(new Uint8Array(memory, 0, ID_WORDS * 4));
  setEnvironmentData(KEY, memory);
  return memory;
}

/** The memory that came with what another thread made. */
export function adoptLives(memory: unknown): ThreadLives {
  const lives = new Int32Array(memory as SharedArrayBuffer);
  const same = known.find((other) => other[0] === lives[0] && other[1] === lives[1]);
  if (same !== undefined) return same;
  if (known.length === 0) watchEnds();
  known.push(lives);
  Atomics.store(lives, place(threadId), osThreadId());
  return lives;
}

/**
 * Whether a thread that has taken part is over.
 * @param asksSystem whether to ask the system as well, which takes 10 us.
 */
export function hasEnded(lives: ThreadLives, id: number, asksSystem: boolean): boolean {
  const entry = Atomics.load(lives, place(id));
  return entry === ENDED || (asksSystem && isLinux && entry > 0 && !existsSync(`/proc/self/task/${entry}`));
}

function place(id: number): number {
  return ID_WORDS + (id % ENTRIES);
}

function watchEnds(): void {
  process.on('exit', () => markEnded(threadId));
  subscribe('worker_threads', (message) => {
    const { worker } = message as { readonly worker: Worker };
    const id = worker.threadId;
    worker.once('exit', () => markEnded(id));
  });
}

function markEnded(id: number): void {
  for (const lives of known) Atomics.store(lives, place(id), ENDED);
}
