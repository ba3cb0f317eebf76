/**
 * The code that waited, looked at when its wait is over: the caller is still the same then. A look takes some 30 us, so every wait of a millisecond
 * has its stack, and of shorter ones one in four milliseconds that the thread has waited.
 */
import { stackId } from '../thread-recorder.ts';
import { type RawFrame, stackFrames } from './stack-frames.ts';

/** A look costs three hundredths of this … */
const LONG_MS = 1;
/** … and less than one of this. */
const SHORT_MS = 4;
/** Frames, and the text of them: outer ones are left out. */
const MAX_FRAMES = 32;
const MAX_TEXT = 8000;

// Bound early: programs replace and watch it.
const { stringify } = JSON;

/** Time of short waits since the last look, in milliseconds. One a thread. */
let waited = 0;

/**
 * Number of the stack for `recordWith`, 0 for none. Never throws.
 * @param above The frames from this function on inwards are left out.
 */
export function waitStack(waitedMs: number, above: (...args: never[]) => unknown): number {
  // hot: bench/waits.mjs
  waited += waitedMs;
  if (waitedMs < LONG_MS && waited < SHORT_MS) return 0;
  waited = 0;
  try {
    return stackId(stackText(stackFrames(above)));
  } catch {
    // The program has changed what JSON makes of arrays or texts.
    return 0;
  }
}

function stackText(frames: readonly RawFrame[]): string {
  let kept = frames.slice(0, MAX_FRAMES);
  // How Node.js came to run the program.
  while (kept.length > 1 && kept.at(-1)![1].startsWith('node:')) kept.pop();
  for (;;) {
    const text = stringify(kept);
    if (text.length <= MAX_TEXT || kept.length <= 1) return text;
    kept = kept.slice(0, kept.length >> 1);
  }
}
