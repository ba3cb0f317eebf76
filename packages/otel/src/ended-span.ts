/**
 * What this package reads of the spans of an OpenTelemetry SDK, declared by itself: SDK 2 and 3 have it in common, and neither
 * is imported. Source: ReadableSpan of @opentelemetry/sdk-trace-base 2.12 and @opentelemetry/sdk-trace 3.1.
 */

/** Seconds of the wall clock since 1970, and nanoseconds. */
export type HrTime = readonly [number, number];

/** Ids of a span as OpenTelemetry writes them: 32 and 16 lower-case hexadecimal digits. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
  readonly isRemote?: boolean | undefined;
}

/** A span that has begun, and once it has ended. */
export interface EndedSpan {
  readonly name: string;
  /** 0 internal, 1 server, 2 client, 3 producer, 4 consumer. */
  readonly kind: number;
  spanContext(): SpanIds;
  readonly parentSpanContext?: SpanIds | undefined;
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly duration: HrTime;
  /** 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: number; readonly message?: string | undefined };
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly {
    readonly name: string;
    readonly time: HrTime;
    readonly attributes?: Readonly<Record<string, unknown>> | undefined;
  }[];
  readonly links: readonly {
    readonly context: SpanIds;
    readonly attributes?: Readonly<Record<string, unknown>> | undefined;
  }[];
  readonly instrumentationScope: { readonly name: string; readonly version?: string | undefined };
  readonly droppedAttributesCount?: number;
  readonly droppedEventsCount?: number;
  readonly droppedLinksCount?: number;
}
