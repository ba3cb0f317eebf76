/** Exports a trace to a receiver of OTLP: counts what there is to send, looks whether anybody listens, sends, and says what became of it. */
import type { Trace } from '@ttrace/format';
import { type OtlpBody, otlpBodies } from './otlp-bodies.ts';
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

/** A moment as good as any, with as many digits as those from 2001 to 2286: how long requests are does not depend on it. */
const ANY_EPOCH = new Epoch(1_000_000_000_000_000_000n);

/** What is sent of a trace, and how many spans at most in a request. */
export interface SpanOptions {
  readonly choice: SpanChoice;
  readonly resource: GivenResource;
  readonly batchSpans?: number;
}

/** How a trace is exported. */
export interface ExportOptions extends SpanOptions {
  /** Nanoseconds since 1970 of time 0 of the trace, as `wallEpochOf` gives it. */
  readonly epochNanos: bigint;
  /** How long one request is tried again and again, in milliseconds. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (spans: number) => void;
  /** Called before each wait that the receiver asks for, with its answer. */
  readonly onWait?: (ms: number, answer: string) => void;
}

/** What requests are made of, and what of it has no place in them, whatever a receiver says. */
export interface PreparedSpans {
  readonly counts: SpanCounts;
  /** Events, links and attributes that had no room in their spans. */
  readonly crowdedOut: number;
  /** Texts that were longer than a receiver takes. */
  readonly cutTexts: number;
}

/** What became of an export. */
export interface ExportResult extends SendResult, PreparedSpans {
  /** Spans that were neither sent nor lost, because sending ended before. */
  readonly unsent: number;
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
  const bodies = bodiesOf(trace, spans, target, options, new Epoch(options.epochNanos));
  const result = await sendBodies(bodies, target, {
    inFlight: IN_FLIGHT,
    deadlineMs: options.deadlineMs,
    signal: options.signal,
    onProgress: options.onProgress ?? (() => {}),
    onWait: options.onWait,
  });
  const lost = [...result.lost.values()].reduce((sum, count) => sum + count, 0);
  return { ...result, ...preparedOf(spans), unsent: spans.counts.spans - result.sent - lost };
}

/** Makes all requests of an export and sends none. */
export function rehearseOtlp(trace: Trace, target: OtlpTarget, options: SpanOptions): PreparedSpans {
  const spans = new TraceSpans(trace, options.choice);
  for (const _ of bodiesOf(trace, spans, target, options, ANY_EPOCH));
  return preparedOf(spans);
}

function bodiesOf(
  trace: Trace,
  spans: TraceSpans,
  { encoding }: OtlpTarget,
  { batchSpans = MAX_SPANS, resource }: SpanOptions,
  epoch: Epoch,
): Generator<OtlpBody> {
  const maxSpans = Math.min(batchSpans, MAX_SPANS);
  return otlpBodies(trace, spans, { encoding, maxSpans, maxBytes: MAX_BODY_BYTES, resource, epoch });
}

function preparedOf({ counts, crowdedOut, cut }: TraceSpans): PreparedSpans {
  return { counts, crowdedOut, cutTexts: cut };
}
