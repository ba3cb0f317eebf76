/** Picks format and compression by a file's name, and makes the writer. */
import { basename } from 'node:path';
import { deflateSync } from 'node:zlib';
import { createJsonWriter, createPerfettoWriter, type TraceWriter, type WriterOptions } from '@ttrace/format';
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

export function createWriter(output: TraceOutput, options: WriterOptions): TraceWriter {
  if (output.format === 'json') return createJsonWriter(options);
  // Blocks compressed inside the format, which every Perfetto reads: an eighth of the bytes, for less time than writing them
  // takes. A file that is gzip anyway need not be.
  return createPerfettoWriter(output.isGzip ? options : { ...options, compress: fastDeflate });
}

function fastDeflate(bytes: Uint8Array): Uint8Array {
  // Small chunks: what they leave behind until the next collection was 12 MB more with the usual size.
  return deflateSync(bytes, { level: 1, chunkSize: 4096 });
}
