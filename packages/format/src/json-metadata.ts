/** Metadata events (`ph: "M"`) of Chrome trace JSON: names and order of processes and threads, ttrace's own facts. */

import { nameThread } from './thread-name.ts';
import type { TraceBuilder } from './trace-builder.ts';
import { MetadataName } from './vocabulary.ts';

/** Facts beside those with a place of their own that are kept. */
const MAX_FACTS = 1000;

/** A metadata event, its arguments parsed. */
export interface MetadataEvent {
  readonly name: string;
  readonly pid: number;
  /** Makes or finds the track of its thread. */
  readonly track: () => number;
  /** Arguments as valid JSON. */
  readonly text: string;
}

/** Applies one metadata event. Unknown ones are kept in `Trace.metadata` under their name, the first of each. */
export function applyMetadata(builder: TraceBuilder, event: MetadataEvent): void {
  const parsed: unknown = JSON.parse(event.text);
  const args = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as Record<string, unknown>;
  switch (event.name) {
    case 'process_name':
      builder.process(event.pid).name = text(args.name);
      break;
    case 'process_sort_index':
      builder.process(event.pid).sortIndex = integer(args.sort_index);
      break;
    case 'thread_name':
      nameThread(builder, builder.tracks[event.track()]!, text(args.name));
      break;
    case 'thread_sort_index':
      builder.tracks[event.track()]!.sortIndex = integer(args.sort_index);
      break;
    case MetadataName.dropped:
      builder.tracks[event.track()]!.dropped += integer(args.dropped);
      break;
    case MetadataName.recording:
      builder.metadata.set(event.name, event.text);
      applyClock(builder, args.clock);
      break;
    case 'process_labels':
      keep(builder, `${event.name} ${event.pid}`, event.text);
      break;
    default:
      keep(builder, event.name, event.text);
  }
}

function keep(builder: TraceBuilder, name: string, json: string): void {
  if (builder.metadata.has(name) || builder.metadata.size >= MAX_FACTS) builder.skip(`metadata ${name}`);
  else builder.metadata.set(name, json);
}

function applyClock(builder: TraceBuilder, clock: unknown): void {
  if (typeof clock !== 'object' || clock === null) return;
  const { monotonicNanos, wallMillis } = clock as { monotonicNanos?: unknown; wallMillis?: unknown };
  const nanos = text(monotonicNanos);
  if (!/^-?\d{1,30}$/.test(nanos) || typeof wallMillis !== 'number') return;
  builder.clock = { monotonicNanos: BigInt(nanos), wallMillis };
}

function text(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function integer(value: unknown): number {
  const number = Math.trunc(Number(value));
  return Number.isFinite(number) ? number : 0;
}
