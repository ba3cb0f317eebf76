/** How a thread's block is marked when the thread has ended without a word, as one that is terminated does. */
import { BlockState, blockHeader, Control, Header } from './ring.ts';
import type { SharedMemory } from './shared-memory.ts';

/** Marks the block that a worker had in a recording, if that still runs, so that the collector sees that there will be no more. */
export function endBlock({ control, arena }: SharedMemory, threadId: number, recording: number): void {
  if (control[Control.recording] !== recording) return;
  const slotsLog2 = control[Control.slotsLog2]!;
  for (let index = 0; index < control[Control.blocks]!; index++) {
    const header = blockHeader(arena, slotsLog2, index);
    if (header[Header.threadId] !== threadId || header[Header.recording] !== recording) continue;
    if (
      Atomics.compareExchange(header, Header.state, BlockState.live, BlockState.ended) === BlockState.live
    ) {
      return;
    }
  }
}
