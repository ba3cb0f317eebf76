/**
 * Reads a trace file through node:zlib, which takes gzip away one and a half times as fast as @ttrace/format does
 * (packages/format/bench/gzip.mjs), in threads of its own.
 *
 * On damage node:zlib loses what it had not handed over yet, and it passes over bytes behind the last member. So wherever
 * it did not take the file whole, its result is thrown away and @ttrace/format, which gives every byte up to the damage
 * and says where that is, reads the file again.
 */
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { createGunzip, inflateRawSync } from 'node:zlib';
import { DEFAULT_LIMITS, type ReadOptions, readTrace, type Trace } from '@ttrace/format';

/** Large reads: fewer turns of the event loop than Node's 64 KiB. */
const CHUNK_BYTES = 1 << 20;
const UNPACKED_BYTES = 1 << 18;

/**
 * Reads a file as `readTrace` does. Rejects when it cannot be read.
 * @param isSeekable whether the file can be opened again and holds the same: no pipe.
 */
export async function readTraceFile(
  file: string,
  isSeekable: boolean,
  onProgress: (bytesRead: number) => void,
): Promise<Trace> {
  const options = { inflate: inflateZlib, onProgress, fileName: basename(file) };
  if (isSeekable && isGzip(file)) {
    const trace = await readWholeGzip(file, options).catch(() => undefined);
    if (trace !== undefined) return trace;
  }
  const source = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  try {
    return await readTrace(source, options);
  } finally {
    source.destroy();
  }
}

/** Whether a file begins as gzip does. */
export function isGzip(file: string): boolean {
  const magic = new Uint8Array(2);
  const descriptor = openSync(file, 'r');
  try {
    return readSync(descriptor, magic) === 2 && magic[0] === 0x1f && magic[1] === 0x8b;
  } finally {
    closeSync(descriptor);
  }
}

/** The trace, or undefined when node:zlib did not take every byte of the file. Rejects on damage. */
async function readWholeGzip(
  file: string,
  { onProgress, ...options }: Required<Pick<ReadOptions, 'inflate' | 'onProgress' | 'fileName'>>,
): Promise<Trace | undefined> {
  const source = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const unpacked = createGunzip({ chunkSize: UNPACKED_BYTES });
  source.once('error', (error) => unpacked.destroy(error));
  try {
    const trace = await readTrace(source.pipe(unpacked), {
      ...options,
      onProgress: () => onProgress(source.bytesRead),
    });
    return unpacked.bytesWritten === source.bytesRead ? trace : undefined;
  } finally {
    source.destroy();
    unpacked.destroy();
  }
}

/** Inflates one zlib stream as @ttrace/format does: the checksum at its end is not compared. */
function inflateZlib(bytes: Uint8Array): Uint8Array {
  const [method = 0, flags = 0] = bytes;
  // Deflate, no preset dictionary, header checksum.
  if ((method & 15) !== 8 || (flags & 32) !== 0 || (method * 256 + flags) % 31 !== 0) {
    throw new RangeError('damaged zlib data');
  }
  return inflateRawSync(bytes.subarray(2), { maxOutputLength: DEFAULT_LIMITS.maxEventBytes });
}
