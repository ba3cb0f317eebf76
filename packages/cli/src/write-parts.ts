/**
 * Writes a trace as several files, cut by time. How many bytes events take is known only once they are encoded: each part
 * tells how to cut the next, and one that is too large, or a first one that is far too small, is cut anew.
 *
 * All files are there in the end, or none.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Trace } from '@ttrace/format';
import { convertTrace } from './convert-trace.ts';
import { Failure, fileReason } from './failure.ts';
import { outputFormat } from './output-format.ts';
import { splitTrace, type TraceParts } from './split-trace.ts';

/** What the files are called: `PREFIX-001.json`, … */
export interface PartNames {
  readonly prefix: string;
  readonly extension: string;
}

/** A file that was written. */
export interface WrittenPart {
  readonly file: string;
  readonly bytes: number;
  readonly events: number;
}

/** Where to cut: into files of at most so many bytes, but for those of one moment, or into so many of about one size. */
export type PartLimit = { readonly maxBytes: number } | { readonly parts: number };

/** Most parts of a trace: the names have three digits, and whoever asks for more has given the size of an event. */
export const MAX_PARTS = 999;
/** A part that is smaller than this share of what was asked for is cut anew if it is the first. */
const TOO_SMALL = 0.7;
/** What a cut aims at, so that most parts need no second one. */
const AIM = 0.97;

const EXTENSION = /(\.(?:json|pftrace|perfetto-trace|txt)(?:\.gz)?)$/i;

/**
 * Names for the parts of a file.
 * @param output a directory that is there, or a name to begin with, whose extension picks the format; by default all is as in the input's name.
 */
export function partNames(input: string, output: string | undefined, format: Trace['format']): PartNames {
  const plain = format === 'json' ? '.json' : format === 'text' ? '.txt' : '.pftrace';
  const own = EXTENSION.exec(input)?.[1] ?? plain;
  const stem = basename(input).replace(EXTENSION, '');
  if (output === undefined) return { prefix: join(dirname(input), stem), extension: own };
  const isDirectory = /[/\\]$/.test(output) || statSync(output, { throwIfNoEntry: false })?.isDirectory();
  if (isDirectory === true) return { prefix: join(output, stem), extension: own };
  return { prefix: output.replace(EXTENSION, ''), extension: EXTENSION.exec(output)?.[1] ?? own };
}

/** @throws Failure (2) when there are parts of these names: those of two splits must not be mixed. */
export function refuseOldParts({ prefix, extension }: PartNames): void {
  const name = basename(prefix);
  let files: string[];
  try {
    files = readdirSync(dirname(prefix));
  } catch (error) {
    throw new Failure(`cannot write ${prefix}-001${extension}: ${fileReason(error)}`);
  }
  const old = files.find(
    (file) =>
      file.startsWith(`${name}-`) &&
      file.endsWith(extension) &&
      /^\d{3}$/.test(file.slice(name.length + 1, file.length - extension.length)),
  );
  if (old === undefined) return;
  throw new Failure(
    `${join(dirname(prefix), old)} is there already: remove the parts of the earlier split, or choose other names with -o`,
    2,
  );
}

/**
 * Cuts the trace and writes the parts.
 * @throws Failure when a file cannot be written, or when there would be more than 999.
 */
export async function writeParts(trace: Trace, names: PartNames, limit: PartLimit): Promise<WrittenPart[]> {
  const split = splitTrace(trace);
  const written: WrittenPart[] = [];
  try {
    if ('parts' in limit) await writeEqual(split, names, limit.parts, written);
    else await writeLimited(split, names, limit.maxBytes, written);
    return written;
  } catch (error) {
    for (let number = 1; number <= written.length + 1; number++)
      rmSync(partFile(names, number), { force: true });
    throw error;
  }
}

async function writeEqual(
  split: TraceParts,
  names: PartNames,
  parts: number,
  written: WrittenPart[],
): Promise<void> {
  for (let from = 0, left = parts; from < split.length; left--) {
    const share = split.weight(from, split.length) / Math.max(1, left);
    const to = left <= 1 ? split.length : split.cut(from, share);
    written.push(await writePart(split, names, from, to, written.length + 1));
    from = to;
  }
}

async function writeLimited(
  split: TraceParts,
  names: PartNames,
  maxBytes: number,
  written: WrittenPart[],
): Promise<void> {
  /** Bytes a unit of weight, as the last part had it; the first one is a guess. */
  let scale = names.extension.toLowerCase().endsWith('.gz') ? 0.1 : 1;
  for (let from = 0; from < split.length; ) {
    const number = written.length + 1;
    // Said early, where that can be known.
    const left = number === 1 ? 0 : (split.weight(from, split.length) * scale) / maxBytes;
    if (number + left / 2 > MAX_PARTS) {
      throw new Failure(`that makes more than ${MAX_PARTS} files: use a larger --max-bytes`, 2);
    }
    let to = split.cut(from, (maxBytes / scale) * AIM);
    let part = await writePart(split, names, from, to, number);
    // The size does not grow in step with the events, for each file has its names: a limit is missed by less each time.
    for (let mayGrow = number === 1; ; mayGrow = false) {
      scale = part.bytes / split.weight(from, to);
      const better = split.cut(from, (maxBytes / scale) * AIM);
      const isTooLarge = part.bytes > maxBytes && better < to;
      const isTooSmall = mayGrow && part.bytes < maxBytes * TOO_SMALL && better > to;
      if (!isTooLarge && !isTooSmall) break;
      to = better;
      part = await writePart(split, names, from, to, number);
    }
    written.push(part);
    from = to;
  }
}

async function writePart(
  split: TraceParts,
  names: PartNames,
  from: number,
  to: number,
  number: number,
): Promise<WrittenPart> {
  const file = partFile(names, number);
  const bytes = await convertTrace(split.part(from, to, number), file, outputFormat(file));
  return { file, bytes, events: to - from };
}

function partFile({ prefix, extension }: PartNames, number: number): string {
  return `${prefix}-${String(number).padStart(3, '0')}${extension}`;
}
