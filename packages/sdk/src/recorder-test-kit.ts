/**
 * What the tests of the record side's parts share: a recording of this very thread without a collector thread, drained by
 * hand into memory or a file. The recorder, the ring, the drain and the writer are the real ones. Not part of the package.
 */
import { createDrain, type DrainCounts } from './drain.ts';
import { BlockState, blockBytes, blockHeader, CollectorState, Control, growArena, Header } from './ring.ts';
import { sharedMemory } from './shared-memory.ts';
import { createWriter } from './trace-output.ts';

const { control, arena } = sharedMemory();

/** One event of a JSON trace, as far as the tests look at it. */
export interface DrainedEvent {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly id2?: { readonly local: string };
  readonly tid: number;
  /** Microseconds. */
  readonly ts: number;
  readonly dur?: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** A recording that is under way in this thread. */
export interface LocalRecording {
  /** One round of the collector: empties the ring and flushes the writer; returns the number of records. */
  round(): number;
  /** Switches recording off and takes what is left. */
  finish(): DrainCounts;
  /** The events that were written so far; the file need not be complete. */
  events(): DrainedEvent[];
}

/**
 * Switches recording on in this process; only calls of this thread are expected to record.
 * @param slotsLog2 log2 of the slots of a thread's ring.
 * @param sink Gets the bytes of the JSON trace as well.
 */
export function recordHere(slotsLog2 = 14, sink: (bytes: Uint8Array) => void = () => {}): LocalRecording {
  const recording = control[Control.lastRecording]! + 1;
  for (let index = 0; blockBytes(slotsLog2) * (index + 1) <= arena.byteLength; index++) {
    blockHeader(arena, slotsLog2, index)[Header.state] = BlockState.free;
  }
  control[Control.lastRecording] = recording;
  control[Control.state] = CollectorState.running;
  control[Control.blocks] = 0;
  control[Control.slotsLog2] = slotsLog2;
  growArena(arena, blockBytes(slotsLog2));
  const decoder = new TextDecoder();
  let text = '';
  const origin = process.hrtime.bigint();
  const writer = createWriter(
    { format: 'json', isGzip: false },
    {
      sink: (bytes) => {
        text += decoder.decode(bytes, { stream: true });
        sink(bytes);
      },
      origin,
    },
  );
  const drain = createDrain(control, arena, writer, process.pid, origin);
  control[Control.recording] = recording;
  return {
    round(): number {
      const records = drain.round();
      writer.flush();
      return records;
    },
    finish(): DrainCounts {
      control[Control.recording] = 0;
      const counts = drain.finish();
      writer.finish();
      return counts;
    },
    events: () => JSON.parse(text.trimEnd().endsWith(']') ? text : `${text}]`) as DrainedEvent[],
  };
}
