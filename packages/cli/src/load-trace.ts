/**
 * Reads a trace file for a command: shows progress, says on stderr what was lost, and fails with a sentence when there is
 * nothing to work with.
 */
import { statSync } from 'node:fs';
import { countText, shareText } from '@ttrace/analysis/quantity';
import type { Trace } from '@ttrace/format';
import { Failure, fileReason } from './failure.ts';
import { printError } from './print.ts';
import { startProgress } from './progress.ts';
import { isGzip, readTraceFile } from './read-trace-file.ts';

/** A trace and the size of its file. */
export interface LoadedTrace {
  readonly trace: Trace;
  readonly fileBytes: number;
  /** Whether nothing of the file is lost: it is not damaged, nor are spans of OTLP in it that cannot be read as they stand. */
  readonly isWhole: boolean;
}

/**
 * Reads a trace file of any format that @ttrace/format knows. A damaged file gives what is good, with a warning on stderr; so does one
 * of OTLP with spans that are none.
 * @throws Failure when the file cannot be opened or holds no trace.
 */
export async function loadTrace(file: string): Promise<LoadedTrace> {
  const { bytes: fileBytes, isRegular } = look(file);
  const progress = startProgress(`Reading ${file}`, fileBytes);
  let trace: Trace;
  try {
    trace = await readTraceFile(file, isRegular, progress.update);
  } catch (error) {
    throw new Failure(`cannot read ${file}: ${fileReason(error)}`);
  } finally {
    progress.clear();
  }
  if (trace.error !== undefined) {
    if (trace.length === 0) {
      throw new Failure(
        `cannot read ${file}: ${trace.error.message}. Expected Chrome JSON, Perfetto protobuf, a V8 CPU profile, OTLP JSON or text, also as .gz`,
      );
    }
    printError(`ttrace: ${lostText(trace, fileBytes, isRegular && isGzip(file))}`);
  }
  const isComplete = trace.format !== 'otlp' || trace.skipped.size === 0;
  if (!isComplete)
    printError(`ttrace: not all of ${file} can be read as it stands: ${countsText(trace.skipped)}`);
  return { trace, fileBytes, isWhole: isComplete && trace.error === undefined };
}

/** Counts by what is counted, on one line. */
export function countsText(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([what, count]) => `${what} (${countText(count)})`).join(', ');
}

/** What of a damaged file is lost, and why. */
function lostText({ error, bytesRead }: Trace, fileBytes: number, isPacked: boolean): string {
  // How much a compressed file would have held is not known.
  if (isPacked) return `Lost the rest of the file: ${error?.message ?? ''}`;
  const total = Math.max(bytesRead, fileBytes);
  const offset = Math.min(error?.offset ?? total, total);
  const share = total === 0 ? 0 : 1 - offset / total;
  return `Lost ${shareText(share)} of the file: ${error?.message ?? ''}`;
}

/** Size of a file, 0 where it has none, and whether it may be read twice. */
function look(file: string): { bytes: number; isRegular: boolean } {
  try {
    const stats = statSync(file);
    if (stats.isDirectory())
      throw new Failure(`cannot read ${file}: it is a directory. Name a trace file in it`);
    const isRegular = stats.isFile();
    return { bytes: isRegular ? stats.size : 0, isRegular };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      `cannot read ${file}: ${fileReason(error)}. Check the path, or record one: ttrace run app.js`,
    );
  }
}
