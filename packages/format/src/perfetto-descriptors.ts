/**
 * Writes the packets by which PerfettoWriter declares its tracks: processes, threads, asynchronous operations, counters.
 * They stand on the first packet sequence; events name them by uuid.
 */
import {
  COUNTER_UNITS,
  CounterField,
  Packet,
  ProcessField,
  ThreadField,
  TRACE_PACKET,
  TrackField,
} from './perfetto-fields.ts';
import type { ProtobufOutput } from './protobuf-output.ts';

/**
 * Begins the description of an asynchronous track which says what the operation is called in formats without tracks:
 * `ttrace CATEGORY ID`. Perfetto shows descriptions as they are.
 */
export const ASYNC_DESCRIPTION = 'ttrace ';

/** Where a track belongs: its own uuid and that of the process track above it, 0 for a process. */
export interface TrackPlace {
  readonly sequenceId: number;
  readonly uuid: number;
  readonly parent: number;
}

export function writeProcessDescriptor(
  out: ProtobufOutput,
  place: TrackPlace,
  pid: number,
  name: string,
  sortIndex: number,
): void {
  describe(out, place, () => {
    const process = out.open(TrackField.process);
    out.uint(ProcessField.pid, pid);
    if (name !== '') out.text(ProcessField.name, name);
    if (sortIndex !== 0) out.uint(ProcessField.sortIndex, sortIndex);
    out.close(process);
  });
}

export function writeThreadDescriptor(
  out: ProtobufOutput,
  place: TrackPlace,
  pid: number,
  tid: number,
  name: string,
  sortIndex: number,
): void {
  describe(out, place, () => {
    const thread = out.open(TrackField.thread);
    out.uint(ThreadField.pid, pid);
    out.uint(ThreadField.tid, tid);
    if (name !== '') out.text(ThreadField.name, name);
    if (sortIndex !== 0) out.uint(ThreadField.sortIndex, sortIndex);
    out.close(thread);
  });
}

export function writeAsyncDescriptor(
  out: ProtobufOutput,
  place: TrackPlace,
  name: string,
  category: string,
  id: string,
): void {
  // hot: one a task, so it is written piece by piece.
  const packet = out.open(TRACE_PACKET);
  out.uint(Packet.sequenceId, place.sequenceId);
  const track = out.open(Packet.trackDescriptor);
  out.uint(TrackField.uuid, place.uuid);
  out.uint(TrackField.parentUuid, place.parent);
  out.text(TrackField.name, name);
  const description = out.open(TrackField.description);
  out.utf8(ASYNC_DESCRIPTION);
  out.utf8(category);
  out.utf8(' ');
  out.utf8(id);
  out.close(description);
  out.close(track);
  out.close(packet);
}

export function writeCounterDescriptor(
  out: ProtobufOutput,
  place: TrackPlace,
  name: string,
  unit: string,
): void {
  describe(out, place, () => {
    out.text(TrackField.name, name);
    const counter = out.open(TrackField.counter);
    const known = COUNTER_UNITS.indexOf(unit);
    if (known > 0) out.uint(CounterField.unit, known);
    else if (unit !== '') out.text(CounterField.unitName, unit);
    out.close(counter);
  });
}

function describe(out: ProtobufOutput, place: TrackPlace, writeKind: () => void): void {
  const packet = out.open(TRACE_PACKET);
  out.uint(Packet.sequenceId, place.sequenceId);
  const track = out.open(Packet.trackDescriptor);
  out.uint(TrackField.uuid, place.uuid);
  if (place.parent !== 0) out.uint(TrackField.parentUuid, place.parent);
  writeKind();
  out.close(track);
  out.close(packet);
}
