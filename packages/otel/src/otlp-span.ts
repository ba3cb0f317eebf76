/**
 * A span as OTLP has it, before it is encoded: what TraceSpans makes of rows and what the encoders of protobuf and JSON take. Plain
 * data. Source: opentelemetry/proto/trace/v1/trace.proto.
 *
 * Times are nanoseconds since an epoch that the encoder knows, because nanoseconds since 1970 are past what a number holds exactly.
 */

/** A value that every receiver takes: finite, no integer past 2^53, well-formed text. */
export type OtlpValue =
  | string
  | number
  | boolean
  | null
  | readonly OtlpValue[]
  | { readonly [key: string]: OtlpValue };

/** Attributes in order. */
export type OtlpAttributes = readonly (readonly [key: string, value: OtlpValue])[];

/** Attributes that many spans have in common. */
export interface SharedAttributes {
  readonly list: OtlpAttributes;
  /** What an encoder made of them, for its own use. A WeakMap in the encoder took most of the time of all collections of garbage. */
  encoded: Uint8Array | string | undefined;
}

/** Numbers of `Span.kind`. */
export const SpanKind = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;

/** Numbers of `Status.code`. */
export const SpanStatus = { unset: 0, ok: 1, error: 2 } as const;

/** Something that happened at one moment of a span. */
export interface OtlpEvent {
  readonly name: string;
  readonly time: number;
  readonly attributes: OtlpAttributes;
  readonly droppedAttributes: number;
}

/** A span of any trace that belongs to this one without being its parent. */
export interface OtlpLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly flags: number;
  readonly attributes: OtlpAttributes;
  readonly droppedAttributes: number;
}

/** What made a span: one object for all spans of a scope that come one after another. */
export interface OtlpScope {
  readonly name: string;
  readonly version: string;
  readonly attributes: OtlpAttributes;
  readonly droppedAttributes: number;
  /** Address of the conventions in which its spans are written; '' = none. */
  readonly schemaUrl: string;
}

/** The process that spans come from. */
export interface OtlpResource {
  readonly attributes: OtlpAttributes;
  readonly droppedAttributes: number;
  readonly schemaUrl: string;
}

/** One span. Ids are lower-case hexadecimal digits; '' stands for none. Flags and counts are unsigned and of 32 bits, 0 for none. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  /** The lowest eight bits are W3C's trace flags, the ninth says that the tenth is known: whether the parent is remote. */
  readonly flags: number;
  readonly scope: OtlpScope;
  readonly name: string;
  readonly kind: number;
  readonly start: number;
  readonly end: number;
  /** Attributes: first those that it shares with others, then its own. */
  readonly shared: SharedAttributes;
  readonly attributes: OtlpAttributes;
  readonly events: readonly OtlpEvent[];
  readonly links: readonly OtlpLink[];
  readonly droppedAttributes: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
  readonly status: number;
  readonly statusMessage: string;
}
