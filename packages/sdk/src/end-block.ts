/** How a thread's block is found by others, and marked when the thread has ended without a word, as one that is terminated does. */
import { BlockState, blockHeader, Control, Header } from './ring.ts';
import type { SharedMemory } from './shared-memory.ts';

/** Header of the block that a thread has in a recording; undefined if it has none, or has ended. */
export function headerOf(
  { control, arena }: SharedMemory,
  threadId: number,
  recording: number,
): Int32Array | undefined {
  const slotsLog2 = control[Control.slotsLog2]!;
  for (let index = 0; index < control[Control.blocks]!; index++) {
    const header = blockHeader(arena, slotsLog2, index);
    if (header[Header.threadId] !== threadId || header[Header.recording] !== recording) continue;
    const state = Atomics.load(header, Header.state);
    if (state === BlockState.claimed || state === BlockState.live) return header;
  }
  return undefined;
}

/** Marks the block that a worker had in a recording, if that still runs, so that the collector sees that there will be no more. */
export function endBlock(memory: SharedMemory, threadId: number, recording: number): void {
  if (memory.control[Control.recording] !== recording) return;
  const header = headerOf(memory, threadId, recording);
  if (header !== undefined) Atomics.compareExchange(header, Header.state, BlockState.live, BlockState.ended);
}
