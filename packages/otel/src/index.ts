/** OpenTelemetry both ways: spans appear in ttrace's traces, tasks and regions become spans. */
export type { EndedSpan, HrTime, SpanIds } from './ended-span.ts';
export { type SpanBridge, type SpanBridgeOptions, startSpanBridge } from './span-bridge.ts';
export { type SpanProcessorOptions, TtraceSpanProcessor } from './span-processor.ts';
