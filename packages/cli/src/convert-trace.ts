/** Encodes a trace into a file of any format that ttrace writes. */
import { type Stats, statSync } from 'node:fs';
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
import { Failure, fileReason } from './failure.ts';
import type { OutputFormat } from './output-format.ts';
import { startProgress } from './progress.ts';

const BLOCK_CHARS = 1 << 18;

/**
 * Writes a trace, and shows how far it is; the file is whole or is not there. Returns its size in bytes.
 * @throws Failure when it cannot be written.
 */
export async function convertTrace(
  trace: Trace,
  file: string,
  { format, isGzip }: OutputFormat,
): Promise<number> {
  const progress = startProgress(`Writing ${file}`, 0);
  let encoded = 0;
  const fill = (write: ByteSink): Iterable<unknown> => {
    const sink: ByteSink = (bytes) => {
      write(bytes);
      encoded += bytes.length;
      progress.update(encoded);
    };
    if (format === 'text') return textSteps(trace, sink);
    const create = format === 'json' ? createJsonWriter : createPerfettoWriter;
    const { start } = timeRange(trace);
    if (start >= 0) return writeTraceSteps(trace, create({ sink, origin: trace.origin }));
    // Writers know no time before their origin: it moves back to the first event.
    const before = -Math.floor(start);
    const origin = trace.origin - BigInt(before);
    return writeTraceSteps(trace, create({ sink, origin: origin < 0n ? 0n : origin }), { shift: before });
  };
  try {
    return await writeAtomically(file, isGzip, fill);
  } finally {
    progress.clear();
  }
}

/** @throws Failure (2) when both names lead to the same file. */
export function refuseSameFile(from: string, to: string): void {
  const target = fileAt(to);
  const source = fileAt(from);
  if (target === undefined || source === undefined) return;
  if (target.ino === source.ino && target.dev === source.dev) {
    throw new Failure(`${to} is the file to read: choose another name for the result`, 2);
  }
}

/** What stands at a path; undefined for nothing. @throws Failure where that cannot be seen. */
export function fileAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new Failure(`cannot look at ${path}: ${fileReason(error)}`);
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
