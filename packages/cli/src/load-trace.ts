/**
 * Reads a trace file for a command: shows progress, says on stderr what was lost, and fails with a sentence when there is
 * nothing to work with.
 */
import { createReadStream, statSync } from 'node:fs';
import { readTrace, type Trace } from '@ttrace/format';
import { Failure, fileReason } from './failure.ts';
import { printError } from './print.ts';
import { startProgress } from './progress.ts';
import { shareText } from './quantity.ts';

/** Large reads: fewer turns of the event loop than Node's 64 KiB. */
const CHUNK_BYTES = 1 << 20;

/** A trace and the size of its file. */
export interface LoadedTrace {
  readonly trace: Trace;
  readonly fileBytes: number;
}

/**
 * Reads a trace file of any format that @ttrace/format knows. A damaged file gives what is good, with a warning on stderr.
 * @throws Failure when the file cannot be opened or holds no trace.
 */
export async function loadTrace(file: string): Promise<LoadedTrace> {
  const fileBytes = sizeOf(file);
  const progress = startProgress(`Reading ${file}`, fileBytes);
  const stream = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  let trace: Trace;
  try {
    trace = await readTrace(stream, { onProgress: progress.update });
  } catch (error) {
    throw new Failure(`cannot read ${file}: ${fileReason(error)}`);
  } finally {
    progress.clear();
    stream.destroy();
  }
  if (trace.error !== undefined) {
    if (trace.length === 0) {
      throw new Failure(
        `cannot read ${file}: ${trace.error.message}. Expected Chrome JSON, Perfetto protobuf or text, also as .gz`,
      );
    }
    printError(`ttrace: ${lostText(trace, file, fileBytes)}`);
  }
  return { trace, fileBytes };
}

/** What of a damaged file is lost, and why. */
function lostText({ error, bytesRead }: Trace, file: string, fileBytes: number): string {
  // Of a compressed file only the bytes that came out are comparable with the offset.
  const total = file.endsWith('.gz') ? bytesRead : Math.max(bytesRead, fileBytes);
  const offset = Math.min(error?.offset ?? total, total);
  const share = total === 0 ? 0 : 1 - offset / total;
  return `Lost ${shareText(share)} of the file: ${error?.message ?? ''}`;
}

function sizeOf(file: string): number {
  try {
    const stats = statSync(file);
    if (stats.isDirectory())
      throw new Failure(`cannot read ${file}: it is a directory. Name a trace file in it`);
    return stats.isFile() ? stats.size : 0;
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      `cannot read ${file}: ${fileReason(error)}. Check the path, or record one: ttrace run app.js`,
    );
  }
}
