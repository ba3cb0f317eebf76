/** Picks format and compression by a file's name. Every thread of a program loads this, so it loads no format. */
import { basename } from 'node:path';
import { TraceUsageError } from './trace-usage-error.ts';

export interface TraceOutput {
  readonly format: 'json' | 'perfetto';
  readonly isGzip: boolean;
}

/**
 * `.json`, `.json.gz`, `.pftrace`, `.pftrace.gz` (also `.perfetto-trace`); a name without any of them is JSON.
 * @throws TraceUsageError `bad-option` for extensions that promise another format.
 */
export function traceOutput(file: string): TraceOutput {
  const name = basename(file).toLowerCase();
  const isGzip = name.endsWith('.gz');
  const plain = isGzip ? name.slice(0, -3) : name;
  if (plain.endsWith('.pftrace') || plain.endsWith('.perfetto-trace')) return { format: 'perfetto', isGzip };
  if (/\.(txt|cpuprofile|html|zip|zst|br)$/.test(plain)) {
    throw new TraceUsageError(
      'bad-option',
      `cannot record into ${basename(file)}: use .json, .json.gz, .pftrace or .pftrace.gz`,
      file,
    );
  }
  return { format: 'json', isGzip };
}
