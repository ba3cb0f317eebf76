/** What an encoder of OTLP does: takes spans of one process one by one and makes the body of a request of them. */
import type { Epoch } from './otlp-epoch.ts';
import type { OtlpResource, OtlpSpan } from './otlp-span.ts';

/** What all spans of a batch come from. */
export interface OtlpSource {
  readonly resource: OtlpResource;
  /** Time 0 of the spans, in nanoseconds since 1970. */
  readonly epoch: Epoch;
}

export interface OtlpBatch {
  readonly contentType: string;
  /** Spans in it. */
  readonly length: number;
  /** Bytes of the body as it stands, a little more at most. */
  readonly byteLength: number;
  add(span: OtlpSpan): void;
  /** Takes the last span out again. Only once after each `add`. */
  undo(): void;
  /** The body; the batch is empty afterwards. */
  take(): Uint8Array;
}
