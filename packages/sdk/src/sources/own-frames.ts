/** The frames that patches leave in the stacks of errors: whoever reads such a stack has never heard of them. */

import { namesOwnFile } from '../own-files.ts';

/** The error that an original threw, as it would be without the patch that called it. */
export function withoutOwnFrames(error: unknown): unknown {
  try {
    if (!(error instanceof Error) || typeof error.stack !== 'string') return error;
    const lines = error.stack.split('\n');
    const others = lines.filter((line) => !namesOwnFile(line));
    if (others.length < lines.length) error.stack = others.join('\n');
  } catch {
    // Frozen, or its stack is made by the program.
  }
  return error;
}
