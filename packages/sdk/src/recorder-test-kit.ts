/**
 * What the tests of the record side's parts share: a recording of this very thread without a collector thread, drained by
 * hand into memory or a file. The recorder, the ring, the drain and the writer are the real ones. Not part of the package.
 */
import { expect } from 'vitest';
import { createWriter } from './create-writer.ts';
import { Drain, type DrainCounts } from './drain.ts';
import { BlockState, blockBytes, blockHeader, CollectorState, Control, growArena, Header } from './ring.ts';
import { sharedMemory } from './shared-memory.ts';

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
  const drain = new Drain(control, arena, writer, process.pid, origin);
  control[Control.recording] = recording;
  return {
    round(): number {
      const records = drain.round();
      writer.flush();
      return records;
    },
    finish(): DrainCounts {
      control[Control.recording] = 0;
      drain.finish();
      writer.finish();
      return drain.counts();
    },
    events: () => JSON.parse(text.trimEnd().endsWith(']') ? text : `${text}]`) as DrainedEvent[],
  };
}

/** Slices of this thread's track, outermost first: complete ones and pairs of begin and end alike. Times in nanoseconds. */
export interface Slice {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly args: Readonly<Record<string, unknown>>;
}

const nanos = (micros: number): number => Math.round(micros * 1000);

/** Names of the regions whose begin has been written on its own, in order. */
export function begunNames(recording: LocalRecording): string[] {
  const begun = recording.events().filter(({ ph }) => ph === 'B');
  return begun.map(({ name }) => name);
}

/** Fails when an end has no begin, or slices do not nest. */
export function threadSlices(events: readonly DrainedEvent[]): Slice[] {
  const slices: Slice[] = [];
  const open: DrainedEvent[] = [];
  for (const event of events) {
    if (event.ph === 'X') {
      const { name, ts, dur = 0, args = {} } = event;
      slices.push({ name, start: nanos(ts), end: nanos(ts) + nanos(dur), args });
    } else if (event.ph === 'B') open.push(event);
    else if (event.ph === 'E') {
      const begin = open.pop();
      expect(begin).toBeDefined();
      slices.push({
        name: begin!.name,
        start: nanos(begin!.ts),
        end: nanos(event.ts),
        args: { ...begin!.args, ...event.args },
      });
    }
  }
  for (const { name, ts, args = {} } of open) slices.push({ name, start: nanos(ts), end: Infinity, args });
  slices.sort((a, b) => a.start - b.start || b.end - a.end);
  const around: Slice[] = [];
  for (const slice of slices) {
    while (around.length > 0 && around.at(-1)!.end <= slice.start) around.pop();
    if (around.length > 0) expect(slice.end).toBeLessThanOrEqual(around.at(-1)!.end);
    around.push(slice);
  }
  return slices;
}

/** Slices on tracks of their own; fails when two of one track meet. */
export function laneSlices(events: readonly DrainedEvent[]): Slice[] {
  const open = new Map<string, DrainedEvent>();
  const ends = new Map<string, number>();
  const slices: Slice[] = [];
  for (const event of events) {
    const id = event.id2?.local;
    if (event.cat !== 'region' || id === undefined) continue;
    if (event.ph === 'b') {
      expect(open.has(id)).toBe(false);
      expect(nanos(event.ts)).toBeGreaterThanOrEqual(ends.get(id) ?? 0);
      open.set(id, event);
    } else if (event.ph === 'e') {
      ends.set(id, nanos(event.ts));
      const { name, ts, args = {} } = open.get(id)!;
      open.delete(id);
      slices.push({ name, start: nanos(ts), end: nanos(event.ts), args });
    }
  }
  expect([...open.values()]).toEqual([]);
  return slices;
}

/** The slices' names in order of the alphabet. */
export const names = (slices: readonly Slice[]): string[] => slices.map(({ name }) => name).sort();
