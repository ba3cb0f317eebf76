/** What a command that has recorded says on stderr in the end: what is in the trace, and how to look at it. */
import { statSync } from 'node:fs';
import { relative } from 'node:path';
import { bytesText } from '@ttrace/analysis/quantity';
import { loadTrace } from './load-trace.ts';
import { printError } from './print.ts';

/** Above this, reading the trace again would keep the user waiting. */
export const MAX_SUMMARY_BYTES: number = 256 << 20;
const SUMMARY_ROWS = 5;

/**
 * Prints a short summary of the trace and where it is. What cannot be read of it is said, and is no failure.
 * @param pid the process that was recorded, if that is known: another run may have written the same file meanwhile.
 */
export async function reportRecording(file: string, pid?: number): Promise<void> {
  const { size } = statSync(file);
  const shown = shownPath(file);
  if (size <= MAX_SUMMARY_BYTES) {
    try {
      // Not before: the program would start later for what is said when it is over.
      const [{ summarize }, { shortSummaryLines }] = await Promise.all([
        import('@ttrace/analysis'),
        import('./summary-report.ts'),
      ]);
      const { trace } = await loadTrace(file);
      if (
        pid !== undefined &&
        trace.processes.length > 0 &&
        !trace.processes.some((each) => each.pid === pid)
      ) {
        printError(`ttrace: what is in ${shown} now is of another run: name a file for each with -o`);
        return;
      }
      for (const line of shortSummaryLines(summarize(trace), SUMMARY_ROWS)) printError(line);
    } catch (error) {
      // The recording is done: its exit code stands, whatever became of the trace.
      printError(`ttrace: ${(error as Error).message}`);
    }
  }
  printError(`Trace: ${shown} (${bytesText(size)}). Look at it with: ttrace view ${shown}`);
  printError(`What is wrong, and all of it, in text: ttrace lint ${shown}; ttrace summary ${shown}`);
}

/** A path as the user would write it. */
export function shownPath(file: string): string {
  const path = relative('', file);
  return path.startsWith('..') ? file : path;
}
