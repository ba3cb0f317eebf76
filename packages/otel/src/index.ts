/** OpenTelemetry both ways: spans appear in ttrace's traces, tasks and regions become spans. */
export type { EndedSpan, HrTime, SpanIds } from './ended-span.ts';
export { type SpanProcessorOptions, TtraceSpanProcessor } from './span-processor.ts';
