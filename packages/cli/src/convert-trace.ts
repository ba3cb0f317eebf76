/** Encodes a trace into a file of any format that ttrace writes. */
import { statSync } from 'node:fs';
import {
  type ByteSink,
  createJsonWriter,
  createPerfettoWriter,
  type Trace,
  textLines,
  timeRange,
  writeTraceSteps,
} from '@ttrace/format';
import { writeAtomically } from './atomic-file.ts';
import { Failure } from './failure.ts';
import type { OutputFormat } from './output-format.ts';

const BLOCK_CHARS = 1 << 18;

/** Writes a trace; the file is whole or is not there. Returns its size in bytes. @throws Failure when it cannot be written. */
export function convertTrace(trace: Trace, file: string, { format, isGzip }: OutputFormat): Promise<number> {
  return writeAtomically(file, isGzip, (sink) => {
    if (format === 'text') return textSteps(trace, sink);
    const create = format === 'json' ? createJsonWriter : createPerfettoWriter;
    const { start } = timeRange(trace);
    if (start >= 0) return writeTraceSteps(trace, create({ sink, origin: trace.origin }));
    // Writers know no time before their origin: it moves back to the first event.
    const before = -Math.floor(start);
    const origin = trace.origin - BigInt(before);
    return writeTraceSteps(trace, create({ sink, origin: origin < 0n ? 0n : origin }), { shift: before });
  });
}

/** @throws Failure (2) when both names lead to the same file. */
export function refuseSameFile(from: string, to: string): void {
  const target = statSync(to, { throwIfNoEntry: false });
  const source = statSync(from, { throwIfNoEntry: false });
  if (target === undefined || source === undefined) return;
  if (target.ino === source.ino && target.dev === source.dev) {
    throw new Failure(`${to} is the file to convert: choose another name for the result`, 2);
  }
}

function* textSteps(trace: Trace, sink: ByteSink): Generator<void, void, undefined> {
  const encoder = new TextEncoder();
  let block = '';
  for (const line of textLines(trace)) {
    block += `${line}\n`;
    if (block.length < BLOCK_CHARS) continue;
    sink(encoder.encode(block));
    block = '';
    yield;
  }
  sink(encoder.encode(block));
}
