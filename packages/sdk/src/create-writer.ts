/** Makes the writer of an output; in the collector only. */
import { deflateSync } from 'node:zlib';
import {
  createJsonWriter,
  createPerfettoWriter,
  type TraceWriter,
  type WriterOptions,
} from '@ttrace/format/writers';
import type { TraceOutput } from './trace-output.ts';

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
