/** Runs a program of this folder in a process of its own, on the builds, and reads what it recorded and printed. */
import { execFile } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { EventKind, readTrace, type Trace, validateTrace } from '@ttrace/format';

/** A slice of the trace. Times in nanoseconds since the origin; the end of one that never ended is undefined. */
export interface Slice {
  readonly name: string;
  readonly category: string;
  readonly start: number;
  readonly end: number | undefined;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface Recorded {
  readonly slices: readonly Slice[];
  readonly instants: readonly Slice[];
  /** Parsed from what the program printed. */
  readonly printed: unknown;
}

/** @throws Error when the program fails, or the trace has anything wrong. */
export async function recorded(
  program: string,
  args: readonly string[] = [],
  extension = 'json',
): Promise<Recorded> {
  const directory = mkdtempSync(join(tmpdir(), 'ttrace-otel-'));
  try {
    const file = join(directory, `trace.${extension}`);
    const path = fileURLToPath(new URL(program, import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [path, file, ...args]);
    const trace = await readTrace(createReadStream(file));
    const wrong = validateTrace(trace).filter(({ severity }) => severity === 'error');
    if (trace.error !== undefined || wrong.length > 0)
      throw trace.error ?? new Error(JSON.stringify(wrong[0]));
    return {
      slices: rowsOf(trace, EventKind.slice),
      instants: rowsOf(trace, EventKind.instant),
      printed: JSON.parse(stdout),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function rowsOf({ columns, strings, length }: Trace, kind: number): Slice[] {
  const rows: Slice[] = [];
  for (let row = 0; row < length; row++) {
    if (columns.kind[row] !== kind) continue;
    const start = columns.start[row]!;
    const duration = columns.value[row]!;
    const text = strings.text(columns.args[row]!);
    rows.push({
      name: strings.text(columns.name[row]!),
      category: strings.text(columns.category[row]!),
      start,
      end: duration < 0 ? undefined : start + duration,
      args: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    });
  }
  return rows;
}
