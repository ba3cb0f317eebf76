/**
 * How everything here waits: somebody tries, and learns which word of shared memory must change before it is worth trying again.
 * A thread sleeps until then, or awaits it. V8 wakes those who wait for a word in the order in which they came.
 *
 * Nobody sleeps for long without trying again: whoever was to wake it may have ended.
 */
import {
  areWaitsRecorded,
  beginThreadWait,
  beginWait,
  countQueue,
  endThreadWait,
  endWait,
  wait,
  waitAsync,
} from '@ttrace/sdk/waits';
import { followArrow } from './wake-arrows.ts';

/** Until one that was not woken tries again, and looks whether those it waits for still live. */
let patienceMs = 200;

/** For tests: with endless patience a wake-up that is lost shows. */
export function setPatience(millis: number): void {
  patienceMs = millis;
}

/** One who wants something. */
export interface Attempt {
  /** Whose waits these are in a trace. */
  readonly label: string;
  readonly words: Int32Array;
  /** The word to wait for. */
  readonly index: number;
  /** The word that counts those that wait, undefined if nobody does. */
  readonly waitingIndex: number | undefined;
  /** The word in which those that wake it leave an arrow; undefined if they do not. */
  readonly arrowIndex: number | undefined;
  /** True if it has got what it wants; else `expected` is the value that must change first. Throws if it never will get it. */
  try(): boolean;
  readonly expected: number;
  /** It has waited: until it was woken, or for as long as it is patient. Not called if the value had changed by then. */
  woken(isTimeout: boolean): void;
}

/** Stops the thread until the attempt succeeds. */
export function waitFor(attempt: Attempt): void {
  if (attempt.try()) return;
  const slice = beginThreadWait(attempt.label);
  countWaiting(attempt);
  try {
    do {
      const how = wait(attempt.words, attempt.index, attempt.expected, patienceMs);
      goOn(attempt, how);
    } while (!attempt.try());
  } finally {
    endThreadWait(slice, '');
    countWaiting(attempt);
  }
}

/** Resolves when the attempt succeeds; keeps the event loop alive until then. */
export async function waitForAsync(attempt: Attempt): Promise<void> {
  if (attempt.try()) return;
  const slice = beginWait(attempt.label);
  countWaiting(attempt);
  keepAlive(1);
  try {
    do {
      const answer = waitAsync(attempt.words, attempt.index, attempt.expected, patienceMs);
      const how = answer.async ? await answer.value : answer.value;
      goOn(attempt, how);
    } while (!attempt.try());
  } finally {
    keepAlive(-1);
    endWait(slice);
    countWaiting(attempt);
  }
}

function countWaiting({ label, words, waitingIndex }: Attempt): void {
  if (waitingIndex === undefined || !areWaitsRecorded()) return;
  countQueue(`${label}ing`, Math.max(0, Atomics.load(words, waitingIndex)));
}

function goOn(attempt: Attempt, how: 'ok' | 'not-equal' | 'timed-out'): void {
  if (how === 'not-equal') return;
  const { words, arrowIndex, label } = attempt;
  if (how === 'ok' && arrowIndex !== undefined) followArrow(words, arrowIndex, `${label} over`);
  attempt.woken(how === 'timed-out');
}

/** How many await something: Node.js does not count what is awaited of shared memory. */
let awaited = 0;
let timer: NodeJS.Timeout | undefined;
const LONG_MS = 2 ** 30;
const { setInterval } = globalThis;

function keepAlive(change: 1 | -1): void {
  awaited += change;
  timer ??= setInterval(() => {}, LONG_MS);
  if (awaited === 0) timer.unref();
  else timer.ref();
}
