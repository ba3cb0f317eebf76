/**
 * Keeps questions to workers, which the inspector has them answer in the middle of their code, apart from the ends of workers. A worker that
 * is told to end while it answers goes on for ever: V8 takes the end for that of the answer. On Node.js 20 a second end then aborts the
 * process, if the worker waits in `Atomics.wait`. Measured on 20 to 26: TRAPS.md.
 *
 * A worker also ends when the one that made it does, some time later and without a word in JavaScript: who made whom is in the blocks.
 *
 * Whoever asks counts the question first and looks for ends then, whoever ends a worker does it the other way round: one of them sees the other.
 */
import { performance } from 'node:perf_hooks';
import { threadId } from 'node:worker_threads';
import { headerOf } from './end-block.ts';
import { Control, Header } from './ring.ts';
import type { SharedMemory } from './shared-memory.ts';

// Bound early: test tools replace the one, the source of waits patches the other.
const clock: () => number = performance.now.bind(performance);
const wait = Atomics.wait.bind(Atomics);

/**
 * An answer takes a few milliseconds. Who has none by then is in a native call, after which the end comes before the answer; one that is over
 * sooner is followed by code of the worker until its end comes.
 */
const ANSWER_MS = 200;

/** Whether a worker may be asked something now; if so, `endQuestion` must follow its answer. */
export function beginQuestion(memory: SharedMemory, threadId: number): boolean {
  const { control } = memory;
  Atomics.add(control, Control.openQuestions, 1);
  if (Atomics.load(control, Control.endingWorkers) === 0 && !isMakerEnding(memory, threadId)) return true;
  endQuestion(control);
  return false;
}

/** Whether a worker ends because one of those that it descends from is about to, or has. */
function isMakerEnding(memory: SharedMemory, threadId: number): boolean {
  const recording = memory.control[Control.recording]!;
  let header = headerOf(memory, threadId, recording);
  while (header !== undefined && header[Header.maker] !== 0) {
    header = headerOf(memory, header[Header.maker]!, recording);
    if (header === undefined || Atomics.load(header, Header.isEnding) !== 0) return true;
  }
  return false;
}

/** From now on no worker that this one has made is asked. */
function markEnding(memory: SharedMemory, threadId: number): void {
  const header = headerOf(memory, threadId, memory.control[Control.recording]!);
  if (header !== undefined) Atomics.store(header, Header.isEnding, 1);
}

export function endQuestion(control: Int32Array): void {
  if (Atomics.sub(control, Control.openQuestions, 1) === 1) Atomics.notify(control, Control.openQuestions);
}

/** Ends a worker by `end`: at once, or when what is being asked is answered. */
export function endBetweenQuestions<T>(
  memory: SharedMemory,
  worker: number,
  later: typeof setTimeout,
  end: () => T,
): T | Promise<Awaited<T>> {
  const { control } = memory;
  Atomics.add(control, Control.endingWorkers, 1);
  markEnding(memory, worker);
  const deadline = clock() + ANSWER_MS;
  const isFree = (): boolean => Atomics.load(control, Control.openQuestions) <= 0 || clock() >= deadline;
  const endNow = (): T => {
    try {
      return end();
    } finally {
      Atomics.sub(control, Control.endingWorkers, 1);
    }
  };
  if (isFree()) return endNow();
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (!isFree()) later(look, 1);
      else
        try {
          resolve(endNow() as Awaited<T>);
        } catch (error) {
          reject(error as Error);
        }
    };
    later(look, 1);
  });
}

/** Before this thread exits, which ends the workers that it has made: waits for the answers that are open. */
export function endQuestions(memory: SharedMemory): void {
  const { control } = memory;
  Atomics.add(control, Control.endingWorkers, 1);
  markEnding(memory, threadId);
  const deadline = clock() + ANSWER_MS;
  for (;;) {
    const open = Atomics.load(control, Control.openQuestions);
    const left = deadline - clock();
    if (open <= 0 || left <= 0) break;
    wait(control, Control.openQuestions, open, left);
  }
  Atomics.sub(control, Control.endingWorkers, 1);
}
