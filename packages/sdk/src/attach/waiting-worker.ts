/**
 * What `ttrace attach` calls in a worker that is older than the shared memory, and hence has none: it waits for it on a
 * BroadcastChannel, takes it, and then takes part. Two calls, with the main thread's `attachProcess` between them. They may interrupt
 * any code, so the message is fetched, not awaited.
 *
 * Nothing of the recorder may be imported before the memory is there: its modules look for it once.
 */
import { createRequire } from 'node:module';
import { BroadcastChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { adoptSharedMemory, hasSharedMemory } from '../shared-memory.ts';
import { giveWorkerLabel } from '../thread-name.ts';

let channel: BroadcastChannel | undefined;

/** Waits for the memory, unless this worker has it. */
export function awaitMemory(name: string): void {
  if (hasSharedMemory()) return;
  const receiver = new BroadcastChannel(name);
  channel = receiver;
  receiver.unref();
  receiver.onmessage = (event) => take((event as MessageEvent).data);
}

/**
 * Takes part in the recording.
 * @param label what the worker was called when it was made, '' for nothing.
 * @returns whether it does; false also when the memory is about to come: ask again.
 */
export function enrolWorker(label: string): boolean {
  // Takes channels as well, whatever its type says.
  const waiting = channel && receiveMessageOnPort(channel as unknown as MessagePort);
  if (waiting !== undefined) take((waiting as { readonly message: unknown }).message);
  // Its loop has the message already, and this call interrupts what hands it to `take`.
  if (!hasSharedMemory()) return false;
  giveWorkerLabel(label);
  const late = createRequire(import.meta.url)('./late-worker.cjs') as typeof import('./late-worker.ts');
  return late.enrolLateWorker();
}

function take(memory: unknown): void {
  adoptSharedMemory(memory);
  forgetChannel();
}

/** Waits no more. */
export function forgetChannel(): void {
  channel?.close();
  channel = undefined;
}
