/** Opens the file of a recording, or says at once why it cannot be. */
import { accessSync, closeSync, constants, fstatSync, lstatSync, openSync, unlinkSync } from 'node:fs';
import { TraceUsageError } from './trace-usage-error.ts';

/**
 * A descriptor of an empty file. An old file of that name is not emptied but replaced: a process that still writes it (two
 * instances with one configuration) then cannot garble the new one.
 * @throws TraceUsageError `cannot-open`
 */
export function openTraceFile(file: string): number {
  try {
    removeOld(file);
    // Without O_NONBLOCK, opening a pipe would wait for its reader.
    const { O_WRONLY, O_CREAT, O_TRUNC, O_NONBLOCK = 0 } = constants;
    const fd = openSync(file, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, 0o666);
    if (!fstatSync(fd).isDirectory()) return fd;
    closeSync(fd);
    throw new Error('it is a directory');
  } catch (error) {
    throw new TraceUsageError('cannot-open', `cannot record into ${file}: ${(error as Error).message}`, file);
  }
}

/** Takes an empty file back after a failed start. */
export function discardTraceFile(file: string, fd: number): void {
  closeSync(fd);
  removeOld(file);
}

function removeOld(file: string): void {
  try {
    if (lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) return;
    accessSync(file, constants.W_OK);
    unlinkSync(file);
  } catch {
    // Not allowed to: opening it empties it, or says why not.
  }
}
