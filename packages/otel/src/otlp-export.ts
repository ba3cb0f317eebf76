/** Exports a trace to a receiver of OTLP: counts what there is to send, looks whether anybody listens, sends, and says what became of it. */
import type { Trace } from '@ttrace/format';
import { otlpBodies } from './otlp-bodies.ts';
import type { OtlpTarget } from './otlp-environment.ts';
import { Epoch } from './otlp-epoch.ts';
import { probe } from './otlp-probe.ts';
import type { GivenResource } from './otlp-resource.ts';
import type { SpanChoice } from './otlp-roles.ts';
import { type SendResult, sendBodies } from './otlp-sender.ts';
import { type SpanCounts, TraceSpans } from './otlp-trace-spans.ts';

/** Most spans of a request, and bytes of one: what receivers take without having been configured for more. */
const MAX_SPANS = 5000;
const MAX_BODY_BYTES = 4_000_000;
const IN_FLIGHT = 4;

/** How a trace is exported. */
export interface ExportOptions {
  readonly choice: SpanChoice;
  readonly resource: GivenResource;
  /** Nanoseconds since 1970 of time 0 of the trace, as `wallEpochOf` gives it. */
  readonly epochNanos: bigint;
  readonly batchSpans?: number;
  /** How long one request is tried again and again, in milliseconds. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (spans: number) => void;
  /** Called before each wait that the receiver asks for, with its answer. */
  readonly onWait?: (ms: number, answer: string) => void;
}

/** What became of an export. */
export interface ExportResult extends SendResult {
  readonly counts: SpanCounts;
  /** Spans that were neither sent nor lost, because sending ended before. */
  readonly unsent: number;
  /** Events, links and attributes that had no room in their spans. */
  readonly crowdedOut: number;
  /** Texts that were longer than a receiver takes. */
  readonly cutTexts: number;
}

/**
 * Sends the spans of a trace.
 * @throws the error of the connection when nothing listens at the target; from then on everything is in the result.
 */
export async function exportOtlp(
  trace: Trace,
  target: OtlpTarget,
  options: ExportOptions,
): Promise<ExportResult> {
  await probe(target.url);
  const spans = new TraceSpans(trace, options.choice);
  const bodies = otlpBodies(trace, spans, {
    encoding: target.encoding,
    maxSpans: Math.min(options.batchSpans ?? MAX_SPANS, MAX_SPANS),
    maxBytes: MAX_BODY_BYTES,
    resource: options.resource,
    epoch: new Epoch(options.epochNanos),
  });
  const result = await sendBodies(bodies, target, {
    inFlight: IN_FLIGHT,
    deadlineMs: options.deadlineMs,
    signal: options.signal,
    onProgress: options.onProgress ?? (() => {}),
    onWait: options.onWait,
  });
  const lost = [...result.lost.values()].reduce((sum, count) => sum + count, 0);
  return {
    ...result,
    counts: spans.counts,
    unsent: spans.counts.spans - result.sent - lost,
    crowdedOut: spans.crowdedOut,
    cutTexts: spans.cut,
  };
}

/** How many spans of what there are to send. */
export function countSpans(trace: Trace, choice: SpanChoice): SpanCounts {
  const spans = new TraceSpans(trace, choice);
  for (const { pid } of trace.processes) for (const _ of spans.spansOf(pid));
  return spans.counts;
}
