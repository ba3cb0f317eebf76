/**
 * Arrows from who lets others go on to those that it wakes. Its id lies in shared memory, for whoever is woken next: one that is
 * overtaken then has its arrow all the same, for that is why it woke.
 */
import { areWaitsRecorded, Category, newFlow, now, recordFlowSlice } from '@ttrace/sdk/waits';

/** Called before others are woken. @param name says what this thread does. */
export function leaveArrow(words: Int32Array, index: number, name: string): void {
  if (!areWaitsRecorded()) return;
  const start = now();
  const flow = newFlow();
  Atomics.store(words, index, flow);
  recordFlowSlice(Category.flow, name, flow, 'out', start);
}

/** Called by one that has been woken. */
export function followArrow(words: Int32Array, index: number, name: string): void {
  if (!areWaitsRecorded()) return;
  const flow = Atomics.load(words, index) >>> 0;
  if (flow !== 0) recordFlowSlice(Category.flow, name, flow, 'in', now());
}
