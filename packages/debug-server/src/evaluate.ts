/** Runs an expression in a thread, in the middle of whatever code runs there, and brings back the text that it gives. */
import type { InspectedThread } from './inspected-threads.ts';

/** A frame: function, file or address, line and column from 1; '' and 0 where there is none. */
export type RawFrame = readonly [name: string, file: string, line: number, column: number];

/** @throws Error when the thread has ended, or its answer is no text. */
export async function evaluateIn(thread: InspectedThread, expression: string): Promise<string> {
  const answer = await thread.post<{ result?: { value?: unknown } }>('Runtime.evaluate', {
    expression,
    returnByValue: true,
    silent: true,
  });
  const value = answer.result?.value;
  if (typeof value !== 'string') throw new Error(`${thread.name} gave no answer that makes sense`);
  return value;
}
