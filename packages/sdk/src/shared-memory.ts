/**
 * Finds or makes the memory that this process's threads share. Importing the SDK does no more than this: no thread, no
 * timer, no patch. Environment data carries it into every worker that is created afterwards, at any depth.
 */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { ARENA_MAX_BYTES, CONTROL_BYTES } from './ring.ts';

/** The key names the layout: copies of the SDK with another layout must not share. */
const KEY = 'ttrace/6';

export interface SharedMemory {
  readonly control: Int32Array;
  readonly arena: SharedArrayBuffer;
}

interface Buffers {
  readonly control: SharedArrayBuffer;
  readonly arena: SharedArrayBuffer;
}

/** The shared memory of this process. Two copies of the SDK in one process get the same. */
export function sharedMemory(): SharedMemory {
  let buffers = getEnvironmentData(KEY) as Buffers | undefined;
  if (buffers === undefined) {
    buffers = { control: new SharedArrayBuffer(CONTROL_BYTES), arena: reserveArena() };
    setEnvironmentData(KEY, buffers as never);
  }
  return { control: new Int32Array(buffers.control), arena: buffers.arena };
}

/** Whether this thread has the shared memory already, or could not but make its own. */
export function hasSharedMemory(): boolean {
  return getEnvironmentData(KEY) !== undefined;
}

/** Takes memory that another thread has sent: for a worker that is older than it. */
export function adoptSharedMemory(memory: unknown): void {
  if (!hasSharedMemory()) setEnvironmentData(KEY, memory as never);
}

/** Reserves address space, less where the process may not have as much (`ulimit -v`). */
function reserveArena(): SharedArrayBuffer {
  type GrowableConstructor = new (bytes: number, options: { maxByteLength: number }) => SharedArrayBuffer;
  const Growable = SharedArrayBuffer as unknown as GrowableConstructor;
  for (let maxByteLength = ARENA_MAX_BYTES; ; maxByteLength /= 4) {
    try {
      return new Growable(0, { maxByteLength });
    } catch (error) {
      if (maxByteLength < 1 << 20) throw error;
    }
  }
}
