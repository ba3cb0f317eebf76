/** How a thread gets its block of the arena: the first free one, or a new one at the end. */
import { threadId } from 'node:worker_threads';
import {
  type Block,
  BlockState,
  blockAt,
  blockBytes,
  blockHeader,
  Control,
  growArena,
  Header,
} from './ring.ts';
import type { SharedMemory } from './shared-memory.ts';
import { makerThreadId } from './thread-name.ts';

/** A block for this thread in state `claimed`, its header cleared; undefined when the arena can grow no more. */
export function claimBlock({ control, arena }: SharedMemory, recording: number): Block | undefined {
  const slotsLog2 = control[Control.slotsLog2]!;
  const size = blockBytes(slotsLog2);
  for (let index = 0; ; index++) {
    if (!growArena(arena, size * (index + 1))) return undefined;
    const state = blockHeader(arena, slotsLog2, index);
    if (
      Atomics.compareExchange(state, Header.state, BlockState.free, BlockState.claimed) !== BlockState.free
    ) {
      continue;
    }
    for (let field: number = Header.recording; field < state.length; field++) state[field] = 0;
    state[Header.recording] = recording;
    state[Header.threadId] = threadId;
    state[Header.maker] = makerThreadId();
    let blocks = Atomics.load(control, Control.blocks);
    while (blocks <= index) {
      blocks = Atomics.compareExchange(control, Control.blocks, blocks, index + 1);
    }
    return blockAt(arena, slotsLog2, index);
  }
}
