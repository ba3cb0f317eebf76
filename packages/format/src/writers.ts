/** What writes a trace event by event, without what reads one: a program that is recorded loads it at its start. */

export { createJsonWriter } from './json-writer.ts';
export { createPerfettoWriter } from './perfetto-writer.ts';
export type { ByteSink, Flow, StringRef, TraceWriter, TrackRef, WriterOptions } from './trace-writer.ts';
