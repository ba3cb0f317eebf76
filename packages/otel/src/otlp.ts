/** Sending a trace to receivers of OpenTelemetry's protocol, OTLP over HTTP. For programs that read traces; nothing here records. */
export {
  givenResource,
  OtlpConfigurationError,
  type OtlpTarget,
  otlpTarget,
  shownUrl,
  type TargetChoice,
} from './otlp-environment.ts';
export {
  type ExportOptions,
  type ExportResult,
  exportOtlp,
  type PreparedSpans,
  rehearseOtlp,
  type SpanOptions,
} from './otlp-export.ts';
export type { GivenResource } from './otlp-resource.ts';
export type { SpanChoice } from './otlp-roles.ts';
export type { SpanCounts } from './otlp-trace-spans.ts';
export { wallEpochOf, wallNanos } from './otlp-wall-clock.ts';
