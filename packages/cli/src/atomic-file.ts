/**
 * Writes a file that is there as a whole or not at all: into a temporary file beside it, which takes the name at the end and
 * goes away on any error or signal. Devices and pipes are written into as they are. Writing is synchronous, so that encoded bytes never pile up in memory.
 */
import { closeSync, openSync, realpathSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { crc32, deflateRawSync, constants as zlib } from 'node:zlib';
import type { ByteSink } from '@ttrace/format';
import { Failure, fileReason } from './failure.ts';

/** Blocks of this size compress within a percent as well as one stream. */
const GZIP_BLOCK_BYTES = 1 << 20;

/**
 * Gives `fill` a sink, takes its steps, and renames the file into place after the last. Returns the bytes written.
 * @param fill yields after each step: signals are looked at in between.
 * @throws Failure when the file cannot be written or a signal interrupts; what `fill` throws goes through.
 */
export async function writeAtomically(
  file: string,
  isGzip: boolean,
  fill: (sink: ByteSink) => Iterable<unknown>,
): Promise<number> {
  // Before there is a file that a signal could leave behind.
  const interruption = listenForSignals();
  try {
    return await fillTemporary(file, isGzip, fill, interruption.throwIfCame);
  } finally {
    interruption.end();
  }
}

async function fillTemporary(
  file: string,
  isGzip: boolean,
  fill: (sink: ByteSink) => Iterable<unknown>,
  throwIfInterrupted: () => void,
): Promise<number> {
  const { path, isReplaced } = attempt(file, () => targetOf(file));
  const temporary = `${path}.tmp-${process.pid}`;
  const fd = attempt(file, () => (isReplaced ? openSync(temporary, 'wx') : openSync(path, 'w')));
  let bytes = 0;
  const writeAll: ByteSink = (chunk) => {
    attempt(file, () => {
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at, chunk.length - at);
    });
    bytes += chunk.length;
  };
  let isDone = false;
  try {
    const gzip = isGzip ? gzipSink(writeAll) : undefined;
    for (const _ of fill(gzip?.sink ?? writeAll)) {
      await setImmediate();
      throwIfInterrupted();
    }
    gzip?.end();
    closeSync(fd);
    if (isReplaced) attempt(file, () => renameSync(temporary, path));
    isDone = true;
    return bytes;
  } finally {
    if (!isDone) discard(fd, isReplaced ? temporary : undefined);
  }
}

/** The file that a name leads to, and whether another may take its place: one that took that of a device would be in everybody's way. */
function targetOf(file: string): { readonly path: string; readonly isReplaced: boolean } {
  const there = statSync(file, { throwIfNoEntry: false });
  if (there === undefined || there.isDirectory()) return { path: file, isReplaced: true };
  return there.isFile() ? { path: realpathSync(file), isReplaced: true } : { path: file, isReplaced: false };
}

/** Keeps signals from ending the process before the temporary file is gone. */
function listenForSignals(): { throwIfCame: () => void; end: () => void } {
  let came: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    came = signal;
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return {
    throwIfCame: () => {
      if (came !== undefined) throw new Failure(`interrupted by ${came}`, 128 + constants.signals[came]);
    },
    end: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

function attempt<T>(file: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw new Failure(`cannot write ${file}: ${fileReason(error)}`);
  }
}

function discard(fd: number, temporary: string | undefined): void {
  try {
    closeSync(fd);
  } catch {
    // Closed before the renaming failed.
  }
  if (temporary !== undefined) unlinkSync(temporary);
}

/**
 * Compresses into one gzip member, synchronously: blocks deflated each for itself and ended on a byte follow each other.
 * Browsers refuse files of several members, and Node has no synchronous stream.
 */
function gzipSink(write: ByteSink): { sink: ByteSink; end: () => void } {
  const block = new Uint8Array(GZIP_BLOCK_BYTES);
  let used = 0;
  let checksum = 0;
  let length = 0;
  // Magic, deflate, no flags, no time, unknown system.
  write(Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255));
  const flush = (): void => {
    const bytes = block.subarray(0, used);
    checksum = crc32(bytes, checksum);
    length += used;
    used = 0;
    write(deflateRawSync(bytes, { finishFlush: zlib.Z_SYNC_FLUSH }));
  };
  const sink: ByteSink = (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(bytes.length - at, GZIP_BLOCK_BYTES - used);
      block.set(bytes.subarray(at, at + count), used);
      used += count;
      at += count;
      if (used === GZIP_BLOCK_BYTES) flush();
    }
  };
  const end = (): void => {
    if (used > 0) flush();
    const trailer = new DataView(new ArrayBuffer(10));
    // An empty last block; then checksum and length, modulo 2^32.
    trailer.setUint8(0, 3);
    trailer.setUint32(2, checksum, true);
    trailer.setUint32(6, length >>> 0, true);
    write(new Uint8Array(trailer.buffer));
  };
  return { sink, end };
}
