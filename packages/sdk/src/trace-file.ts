/**
 * Where encoded bytes go: a file descriptor, plain or gzip. Synchronous, for the collector sleeps on shared memory and has
 * no event loop to speak of. A failed write is remembered once; later bytes are thrown away.
 */
import { closeSync, fstatSync, writeSync } from 'node:fs';
import { constants, crc32, deflateRawSync } from 'node:zlib';

/** Bytes that are collected before they are compressed: blocks that are too small compress badly. */
const GZIP_BLOCK_BYTES = 256 << 10;

export interface TraceFile {
  /** Takes bytes; they may be reused after. */
  write(bytes: Uint8Array): void;
  /** Makes everything that was taken visible in the file. */
  flush(): void;
  /** Completes and closes the file. */
  close(): void;
  /** The first error of writing, if there was one. */
  readonly error: Error | undefined;
}

/** Takes over an open file descriptor. */
export function createTraceFile(fd: number, isGzip: boolean): TraceFile {
  return isGzip ? new GzipFile(fd) : new PlainFile(fd);
}

class PlainFile implements TraceFile {
  readonly #fd: number;
  error: Error | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && this.error === undefined) {
      try {
        at += writeSync(this.#fd, bytes, at, bytes.length - at);
      } catch (error) {
        // A full pipe whose reader is slow.
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') pause(2);
        else this.error = error as Error;
      }
    }
  }

  flush(): void {}

  close(): void {
    try {
      const status = fstatSync(this.#fd);
      if (status.isFile() && status.nlink === 0) {
        this.error ??= new Error('the file was deleted or replaced meanwhile');
      }
      closeSync(this.#fd);
    } catch (error) {
      this.error ??= error as Error;
    }
  }
}

/**
 * One gzip member, made of blocks that are compressed each for itself and end on a byte: what has been written can be
 * unpacked at any time.
 */
class GzipFile implements TraceFile {
  readonly #file: PlainFile;
  readonly #block = new Uint8Array(GZIP_BLOCK_BYTES);
  #used = 0;
  #crc = 0;
  #length = 0;

  constructor(fd: number) {
    this.#file = new PlainFile(fd);
    // Magic, deflate, no flags, no time, fastest, unknown system.
    this.#file.write(Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255));
  }

  get error(): Error | undefined {
    return this.#file.error;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(bytes.length - at, GZIP_BLOCK_BYTES - this.#used);
      this.#block.set(bytes.subarray(at, at + count), this.#used);
      this.#used += count;
      at += count;
      if (this.#used === GZIP_BLOCK_BYTES) this.flush();
    }
  }

  flush(): void {
    if (this.#used === 0) return;
    const bytes = this.#block.subarray(0, this.#used);
    this.#crc = crc32(bytes, this.#crc);
    this.#length += bytes.length;
    this.#used = 0;
    this.#file.write(deflateRawSync(bytes, { level: 1, finishFlush: constants.Z_SYNC_FLUSH }));
  }

  close(): void {
    this.flush();
    const trailer = new DataView(new ArrayBuffer(10));
    // An empty last block, then checksum and length.
    trailer.setUint8(0, 3);
    trailer.setUint32(2, this.#crc, true);
    trailer.setUint32(6, this.#length >>> 0, true);
    this.#file.write(new Uint8Array(trailer.buffer));
    this.#file.close();
  }
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

function pause(millis: number): void {
  Atomics.wait(sleeper, 0, 0, millis);
}
