/** Compression of a body, off the event loop. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const compress = promisify(gzip);

/** A body as gzip. Fast rather than small: level 6 makes a tenth less in three times the time. */
export function gzipBody(bytes: Uint8Array): Promise<Uint8Array> {
  return compress(bytes, { level: 1 });
}
