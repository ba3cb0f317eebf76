/** What a trace is: the model, the vocabulary, and the readers and writers of each format. No I/O, no dependency. */

export type { Finding, FindingExample, Severity } from './finding.ts';
export { JsonReader } from './json-reader.ts';
export { asNanos, type Nanos } from './nanos.ts';
export { parseTime } from './parse-time.ts';
export { dropEmptyTracks, pickRows, rowsWhere, rowsWithin } from './pick-rows.ts';
export { ProtobufOutput } from './protobuf-output.ts';
export { type ReadOptions, readTrace } from './read-trace.ts';
export {
  finishedSlicesByTrack,
  type RowsByTrack,
  rowsInOrder,
  slicesByTrack,
  sortParentsFirst,
  type TrackRows,
} from './row-order.ts';
export { StringTable } from './strings.ts';
export { createTextReader, readTextTrace } from './text-reader.ts';
export { eventLine, TEXT_MAGIC, textLines, trackLabels } from './text-writer.ts';
export {
  type ClockSnapshot,
  type EventColumns,
  EventKind,
  type Process,
  type Trace,
  type Track,
  timeRange,
} from './trace.ts';
export { type BuilderLimits, TraceBuilder } from './trace-builder.ts';
export { TraceFormatError, type TraceFormatErrorCode } from './trace-format-error.ts';
export { DEFAULT_LIMITS, type ReadLimits, type TraceReader } from './trace-reader.ts';
export { validateTrace } from './validate.ts';
export {
  Argument,
  attributeName,
  Category,
  FLIGHT_TRIGGER,
  LANE_CATEGORIES,
  LINK_ARGUMENTS,
  loopTrackName,
  MetadataName,
  OTHER_NAME,
  ownAttributeName,
  ProcessSlice,
  SPAN_ARGUMENTS,
  SPAN_EVENT_ARGUMENTS,
  SpanArrow,
  sampleTrackName,
} from './vocabulary.ts';
export { type WriteTraceOptions, writeTrace, writeTraceSteps } from './write-trace.ts';
export * from './writers.ts';
