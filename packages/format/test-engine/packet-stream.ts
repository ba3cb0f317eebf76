/** Makes Perfetto streams for tests field by field, as a producer other than ttrace would write them. */
import { PerfettoReader, type PerfettoReaderOptions } from '../src/perfetto-reader.ts';
import { ProtobufOutput } from '../src/protobuf-output.ts';
import { textLines } from '../src/text-writer.ts';
import type { Trace } from '../src/trace.ts';
import { TraceBuilder } from '../src/trace-builder.ts';
import type { ReadLimits } from '../src/trace-reader.ts';

/** A value that goes over as eight bytes. */
export class Double {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

type Value = number | bigint | string | Uint8Array | Double | Message;

/** Values by field number; a list for a repeated field. Numbers are varints. */
export interface Message {
  readonly [field: number]: Value | readonly Value[];
}

/** A process with pid 42 and its thread 43, the default track of sequence 1. */
export const TRACKS: readonly Message[] = [
  { 10: 1, 13: 1, 59: { 11: { 11: 7 } }, 60: { 1: 5, 3: { 1: 42, 6: 'browser' } } },
  { 10: 1, 60: { 1: 7, 5: 5, 4: { 1: 42, 2: 43, 5: 'io' } } },
];

/** The bytes of a trace with these packets. */
export function stream(...packets: readonly Message[]): Uint8Array {
  const out = new ProtobufOutput(64);
  for (const packet of packets) putValue(out, 1, packet);
  return out.bytes.slice(0, out.at);
}

function putValue(out: ProtobufOutput, field: number, value: Value): void {
  if (typeof value === 'number') out.uint(field, value);
  else if (typeof value === 'bigint') out.bigUint(field, value);
  else if (typeof value === 'string') out.text(field, value);
  else if (value instanceof Uint8Array) out.raw(field, value);
  else if (value instanceof Double) out.double(field, value.value);
  else {
    const start = out.open(field);
    for (const [key, inner] of Object.entries(value)) {
      for (const one of Array.isArray(inner) ? inner : [inner]) putValue(out, Number(key), one as Value);
    }
    out.close(start);
  }
}

/** Reads bytes in chunks of a given size, all at once by default. */
export function read(
  bytes: Uint8Array,
  { chunk = bytes.length, ...limits }: Partial<ReadLimits> & { readonly chunk?: number } = {},
  options: PerfettoReaderOptions = {},
): Trace {
  const builder = new TraceBuilder();
  const reader = new PerfettoReader(builder, limits, options);
  let error: ReturnType<PerfettoReader['push']>;
  for (let at = 0; at < bytes.length && error === undefined; at += chunk) {
    error = reader.push(bytes.subarray(at, at + chunk));
  }
  return builder.finish('perfetto', reader.bytesRead, error ?? reader.end());
}

/** The lines of the text twin that describe tracks and events, those of one kind if it is given. */
export function lines(trace: Trace, kind: RegExp = /^(process|track|slice|instant|counter|flow)/): string[] {
  return [...textLines(trace)].filter((line) => kind.test(line));
}
