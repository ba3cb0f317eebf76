/** Records what a Node.js program does on all of its threads into a trace file. */
export type { Attributes, AttributeValue } from './attributes.ts';
export type {
  FlightFile,
  FlightFormat,
  FlightRecorder,
  FlightRecorderOptions,
} from './flight/flight-recorder.ts';
export { type FlightTrigger, parseTriggers } from './flight/triggers.ts';
export type { RecordingReport, RecordOptions, StartOptions } from './recording.ts';
export type { Region } from './region.ts';
export {
  type HttpOptions,
  type LoopOptions,
  parseSources,
  SOURCE_NAMES,
  type SourceName,
  type SourceOptions,
} from './source-options.ts';
export type { Task } from './task.ts';
export { trace } from './trace.ts';
export { TraceUsageError, type TraceUsageErrorCode } from './trace-usage-error.ts';
