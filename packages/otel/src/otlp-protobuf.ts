/**
 * OTLP in protobuf: ExportTraceServiceRequest with one resource and one scope. Written by hand over ProtobufOutput: the serializer of
 * @opentelemetry/otlp-transformer wants an object graph a span and takes several times as long (bench/export.mjs).
 * Source: opentelemetry/proto/collector/trace/v1/trace_service.proto, trace/v1/trace.proto, common/v1/common.proto.
 */
import { ProtobufOutput } from '@ttrace/format';
import type { OtlpBatch, OtlpSource } from './otlp-batch.ts';
import type { Epoch } from './otlp-epoch.ts';
import type {
  OtlpAttributes,
  OtlpEvent,
  OtlpLink,
  OtlpScope,
  OtlpSpan,
  OtlpValue,
  SharedAttributes,
} from './otlp-span.ts';

const FIXED64_TAG = 1;
const BYTES_TAG = 2;
const FIXED32_TAG = 5;
const FIRST_BYTES = 1 << 16;
/** Bytes of lengths around the spans that are written when a batch is done. */
const FRAME_BYTES = 32;

/** Makes batches of protobuf. */
export function createProtobufBatch({ resource, epoch }: OtlpSource): OtlpBatch {
  const out = new ProtobufOutput(FIRST_BYTES);
  const encoder = new SpanEncoder(out, epoch);
  let length = 0;
  let before = 0;
  let resourceSpans = 0;
  let scopeSpans = 0;
  let scope: OtlpScope | undefined;
  const beginResource = (): void => {
    resourceSpans = out.open(1);
    const own = out.open(1);
    encoder.attributes(1, resource.attributes);
    if (resource.droppedAttributes > 0) out.uint(2, resource.droppedAttributes);
    out.close(own);
    if (resource.schemaUrl !== '') out.text(3, resource.schemaUrl);
  };
  const beginScope = (next: OtlpScope): void => {
    if (scope !== undefined) out.close(scopeSpans);
    scope = next;
    scopeSpans = out.open(2);
    const own = out.open(1);
    if (next.name !== '') out.text(1, next.name);
    if (next.version !== '') out.text(2, next.version);
    encoder.attributes(3, next.attributes);
    if (next.droppedAttributes > 0) out.uint(4, next.droppedAttributes);
    out.close(own);
    if (next.schemaUrl !== '') out.text(3, next.schemaUrl);
  };
  return {
    contentType: 'application/x-protobuf',
    get length() {
      return length;
    },
    get byteLength() {
      return out.at + FRAME_BYTES;
    },
    add(span) {
      if (out.at === 0) beginResource();
      if (scope !== span.scope) beginScope(span.scope);
      before = out.at;
      encoder.span(span);
      length++;
    },
    undo() {
      out.at = before;
      length--;
    },
    take() {
      if (scope !== undefined) out.close(scopeSpans);
      if (out.at > 0) out.close(resourceSpans);
      const bytes = out.bytes.slice(0, out.at);
      out.at = 0;
      length = 0;
      scope = undefined;
      return bytes;
    },
  };
}

/** Nibbles of hexadecimal digits by character code. */
const NIBBLES = new Uint8Array(128);
for (let digit = 0; digit < 16; digit++) NIBBLES[digit.toString(16).charCodeAt(0)] = digit;

class SpanEncoder {
  readonly #out: ProtobufOutput;
  readonly #epoch: Epoch;
  constructor(out: ProtobufOutput, epoch: Epoch) {
    this.#out = out;
    this.#epoch = epoch;
  }

  span(span: OtlpSpan): void {
    // hot: once a span.
    const out = this.#out;
    const start = out.open(2);
    this.#id(1, span.traceId);
    this.#id(2, span.spanId);
    if (span.traceState !== '') out.text(3, span.traceState);
    if (span.parentSpanId !== '') this.#id(4, span.parentSpanId);
    out.text(5, span.name);
    out.uint(6, span.kind);
    this.#time(7, span.start);
    this.#time(8, span.end);
    this.#shared(span.shared);
    this.attributes(9, span.attributes);
    for (const event of span.events) this.#event(event);
    if (span.droppedAttributes > 0) out.uint(10, span.droppedAttributes);
    if (span.droppedEvents > 0) out.uint(12, span.droppedEvents);
    for (const link of span.links) this.#link(link);
    if (span.droppedLinks > 0) out.uint(14, span.droppedLinks);
    if (span.status !== 0) {
      const status = out.open(15);
      if (span.statusMessage !== '') out.text(2, span.statusMessage);
      out.uint(3, span.status);
      out.close(status);
    }
    if (span.flags !== 0) this.#flags(16, span.flags);
    out.close(start);
  }

  attributes(field: number, attributes: OtlpAttributes): void {
    const out = this.#out;
    for (const [key, value] of attributes) {
      const start = out.open(field);
      out.text(1, key);
      const inner = out.open(2);
      this.#value(value);
      out.close(inner);
      out.close(start);
    }
  }

  #shared(shared: SharedAttributes): void {
    if (shared.encoded instanceof Uint8Array) {
      this.#out.append(shared.encoded);
      return;
    }
    const from = this.#out.at;
    this.attributes(9, shared.list);
    shared.encoded = this.#out.bytes.slice(from, this.#out.at);
  }

  #event({ name, time, attributes, droppedAttributes }: OtlpEvent): void {
    const out = this.#out;
    const start = out.open(11);
    this.#time(1, time);
    out.text(2, name);
    this.attributes(3, attributes);
    if (droppedAttributes > 0) out.uint(4, droppedAttributes);
    out.close(start);
  }

  #link({ traceId, spanId, traceState, flags, attributes, droppedAttributes }: OtlpLink): void {
    const out = this.#out;
    const start = out.open(13);
    this.#id(1, traceId);
    this.#id(2, spanId);
    if (traceState !== '') out.text(3, traceState);
    this.attributes(4, attributes);
    if (droppedAttributes > 0) out.uint(5, droppedAttributes);
    if (flags !== 0) this.#flags(6, flags);
    out.close(start);
  }

  #value(value: OtlpValue): void {
    const out = this.#out;
    switch (typeof value) {
      case 'string':
        out.text(1, value);
        break;
      case 'boolean':
        out.uint(2, value ? 1 : 0);
        break;
      case 'number':
        if (Number.isSafeInteger(value)) out.uint(3, value);
        else out.double(4, value);
        break;
      default:
        if (value !== null) this.#nested(value);
    }
  }

  #nested(value: readonly OtlpValue[] | { readonly [key: string]: OtlpValue }): void {
    const out = this.#out;
    if (Array.isArray(value)) {
      const list = out.open(5);
      for (const each of value as readonly OtlpValue[]) {
        const item = out.open(1);
        this.#value(each);
        out.close(item);
      }
      out.close(list);
    } else {
      const list = out.open(6);
      this.attributes(1, Object.entries(value));
      out.close(list);
    }
  }

  #id(field: number, digits: string): void {
    const out = this.#out;
    out.reserve(20);
    const { bytes } = out;
    let at = out.at;
    bytes[at++] = field * 8 + BYTES_TAG;
    bytes[at++] = digits.length >>> 1;
    for (let i = 0; i < digits.length; i += 2) {
      bytes[at++] = (NIBBLES[digits.charCodeAt(i)]! << 4) | NIBBLES[digits.charCodeAt(i + 1)]!;
    }
    out.at = at;
  }

  /** A field of type fixed32. Its tag has two bytes from field 16 on. */
  #flags(field: number, flags: number): void {
    const out = this.#out;
    out.reserve(6);
    const { bytes } = out;
    let at = out.at;
    const tag = field * 8 + FIXED32_TAG;
    if (tag < 0x80) bytes[at++] = tag;
    else {
      bytes[at++] = (tag & 0x7f) | 0x80;
      bytes[at++] = tag >>> 7;
    }
    for (let shift = 0; shift < 32; shift += 8) bytes[at++] = flags >>> shift;
    out.at = at;
  }

  #time(field: number, nanos: number): void {
    const out = this.#out;
    out.reserve(10);
    this.#epoch.add(nanos);
    const { low, high } = this.#epoch;
    const { bytes } = out;
    let at = out.at;
    bytes[at++] = field * 8 + FIXED64_TAG;
    for (let shift = 0; shift < 32; shift += 8) bytes[at++] = low >>> shift;
    for (let shift = 0; shift < 32; shift += 8) bytes[at++] = high >>> shift;
    out.at = at;
  }
}
