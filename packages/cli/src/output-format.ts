/** The format and compression that a file's name asks for. */
import { basename } from 'node:path';
import { Failure } from './failure.ts';

/** How a trace is written. */
export interface OutputFormat {
  readonly format: 'json' | 'perfetto' | 'text';
  readonly isGzip: boolean;
}

const EXTENSIONS = [
  ['.json', 'json'],
  ['.pftrace', 'perfetto'],
  ['.perfetto-trace', 'perfetto'],
  ['.txt', 'text'],
] as const;

/** By extension: .json, .pftrace, .perfetto-trace, .txt, each also with .gz. @throws Failure (2) for any other. */
export function outputFormat(file: string): OutputFormat {
  const name = basename(file).toLowerCase();
  const isGzip = name.endsWith('.gz');
  const plain = isGzip ? name.slice(0, -3) : name;
  for (const [extension, format] of EXTENSIONS) if (plain.endsWith(extension)) return { format, isGzip };
  throw new Failure(
    `cannot tell the format of ${file}: end its name in .json, .pftrace or .txt, or one of them and .gz`,
    2,
  );
}
