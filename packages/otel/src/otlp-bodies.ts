/**
 * The bodies of all requests that a trace takes, made one after another as they are asked for: at most so many spans and bytes each,
 * and each of one process.
 */
import type { Trace } from '@ttrace/format';
import type { OtlpBatch } from './otlp-batch.ts';
import type { Epoch } from './otlp-epoch.ts';
import { createJsonBatch } from './otlp-json.ts';
import { createProtobufBatch } from './otlp-protobuf.ts';
import { type GivenResource, resourceOf } from './otlp-resource.ts';
import type { TraceSpans } from './otlp-trace-spans.ts';

/** The body of one request. */
export interface OtlpBody {
  readonly bytes: Uint8Array;
  readonly spans: number;
  readonly contentType: string;
}

/** How bodies are made. */
export interface BodyOptions {
  readonly encoding: 'protobuf' | 'json';
  readonly maxSpans: number;
  readonly maxBytes: number;
  readonly resource: GivenResource;
  readonly epoch: Epoch;
}

/** Makes the bodies, in the order of processes and their tracks. */
export function* otlpBodies(trace: Trace, spans: TraceSpans, options: BodyOptions): Generator<OtlpBody> {
  const create = options.encoding === 'json' ? createJsonBatch : createProtobufBatch;
  for (const process of trace.processes) {
    const batch = create({
      resource: resourceOf(trace, process, options.resource, spans),
      epoch: options.epoch,
    });
    for (const span of spans.spansOf(process.pid)) {
      batch.add(span);
      if (batch.byteLength > options.maxBytes) {
        batch.undo();
        if (batch.length > 0) yield taken(batch);
        batch.add(span);
        if (batch.byteLength > options.maxBytes) {
          batch.undo();
          batch.add(spans.bared(span));
        }
      }
      if (batch.length >= options.maxSpans) yield taken(batch);
    }
    if (batch.length > 0) yield taken(batch);
  }
}

function taken(batch: OtlpBatch): OtlpBody {
  const spans = batch.length;
  return { spans, bytes: batch.take(), contentType: batch.contentType };
}
