/**
 * Runs small programs as real child processes on the SDK's build, with the Node.js that runs the tests, and reads what
 * they recorded. The programs' text stands in the tests. The reader is small on purpose: it must not share the mistakes
 * of the writer.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gunzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';

export const SDK_URL: string = new URL('../dist/index.js', import.meta.url).href;
export const SDK_PATH: string = fileURLToPath(SDK_URL);
export const REGISTER: string = fileURLToPath(new URL('../dist/register.cjs', import.meta.url));
export const PACKAGE: string = fileURLToPath(new URL('..', import.meta.url));
export const NODE_MAJOR: number = Number(process.versions.node.split('.')[0]);

/** One event of a JSON trace. */
export interface TraceEvent {
  readonly ph: string;
  readonly name?: string;
  readonly cat?: string;
  readonly id?: string;
  readonly id2?: { readonly local: string };
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** What a program did. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The trace that the program was told to write. */
  readonly file: string;
  readonly directory: string;
}

export interface ProgramOptions {
  /** Flags of node. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `cjs` for a CommonJS program. */
  readonly kind?: 'mjs' | 'cjs';
  /** Name of the trace file; the default is `trace.json`. */
  readonly trace?: string;
  /** Absolute path of the trace file instead. */
  readonly tracePath?: string;
  /** Records the whole run by the register hook; then the program does not get `file`. */
  readonly isHooked?: boolean;
  /** More files beside the program, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Called with the child once it is there, and with each piece of its output. */
  readonly onOutput?: (text: string, child: ChildProcess) => void;
  readonly directory?: string;
}

/** A directory that is removed when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ttrace-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs a program to its end. In its text `trace` is the SDK, `file` the trace to write, and `worker_threads` are imported. */
export async function runProgram(source: string, options: ProgramOptions = {}): Promise<Outcome> {
  const directory = options.directory ?? temporaryDirectory();
  const file = options.tracePath ?? join(directory, options.trace ?? 'trace.json');
  const kind = options.kind ?? 'mjs';
  const program = join(directory, `program.${kind}`);
  writeFileSync(program, prelude(kind, file) + source);
  for (const [name, text] of Object.entries(options.files ?? {})) writeFileSync(join(directory, name), text);
  const flags = options.isHooked === true ? ['--require', REGISTER, ...(options.flags ?? [])] : options.flags;
  // Tests of the sources name those that they want.
  const env = { ...process.env, NODE_OPTIONS: '', TTRACE_SOURCES: 'none', ...options.env };
  const child = spawn(process.execPath, [...(flags ?? []), program], {
    cwd: directory,
    env: options.isHooked === true ? { ...env, TTRACE_FILE: file } : env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => {
    stdout += String(data);
    options.onOutput?.(String(data), child);
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr += String(data);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr, file, directory }));
  });
}

function prelude(kind: 'mjs' | 'cjs', file: string): string {
  const path = JSON.stringify(file);
  return kind === 'cjs'
    ? `const { trace } = require(${JSON.stringify(SDK_PATH)}); const { Worker } = require('node:worker_threads'); const file = ${path};\n`
    : `import { trace } from ${JSON.stringify(SDK_URL)}; import { Worker } from 'node:worker_threads'; const file = ${path};\n`;
}

/** Text that imports the SDK, for workers made from text (CommonJS). */
export const REQUIRE_SDK: string = `const { trace } = require(${JSON.stringify(SDK_PATH)});`;

/** The events of a JSON trace, compressed or not, also of one that was cut off. A slice that has ended is one event, `X`. */
export function readEvents(file: string): TraceEvent[] {
  return joinSlices(parseEvents(file));
}

/**
 * Slices on threads that the collector saw twice before they ended are written by their begin and end: which ones those are is
 * chance, and more of them on a busy machine. Here they are as if it had not seen them.
 */
function joinSlices(events: readonly TraceEvent[]): TraceEvent[] {
  const joined: TraceEvent[] = [];
  /** Where in `joined` the begins without an end are, by thread. */
  const open = new Map<number, number[]>();
  for (const event of events) {
    const begins = open.get(event.tid) ?? [];
    open.set(event.tid, begins);
    const at = event.ph === 'E' ? begins.pop() : undefined;
    if (event.ph === 'B') begins.push(joined.length);
    if (at === undefined) joined.push(event);
    else {
      const begin = joined[at]!;
      const args = begin.args ?? event.args;
      joined[at] = {
        ...begin,
        ph: 'X',
        dur: event.ts - begin.ts,
        ...(args === undefined ? {} : { args: { ...args, ...event.args } }),
      };
    }
  }
  return joined;
}

function parseEvents(file: string): TraceEvent[] {
  const bytes = readFileSync(file);
  const isGzip = bytes[0] === 0x1f;
  const text = String(isGzip ? gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }) : bytes);
  try {
    return JSON.parse(text) as TraceEvent[];
  } catch {
    // Cut off: an event starts after each comma and line break.
    try {
      return JSON.parse(`${text}]`) as TraceEvent[];
    } catch {
      return JSON.parse(`${text.slice(0, text.lastIndexOf(',\n'))}]`) as TraceEvent[];
    }
  }
}

/**
 * The slices on threads, with `dur` also where begin and end are written apart: a region in which its thread loses the processor
 * for long is, on a busy machine. In the order in which they end in the file; what has no end is left out.
 */
export function threadSlices(events: readonly TraceEvent[]): TraceEvent[] {
  const open = new Map<number, TraceEvent[]>();
  const slices: TraceEvent[] = [];
  for (const event of events) {
    const { ph, tid, ts } = event;
    if (ph === 'X') slices.push(event);
    else if (ph === 'B') open.set(tid, [...(open.get(tid) ?? []), event]);
    else if (ph === 'E') {
      const begin = open.get(tid)?.pop();
      if (begin !== undefined)
        slices.push({ ...begin, dur: ts - begin.ts, args: { ...begin.args, ...event.args } });
    }
  }
  return slices;
}

/** Whether the file is whole JSON, end and all. */
export function isComplete(file: string): boolean {
  const bytes = readFileSync(file);
  try {
    JSON.parse(String(bytes[0] === 0x1f ? gunzipSync(bytes) : bytes));
    return true;
  } catch {
    return false;
  }
}

/** Events with this name that begin something: slices, begins and instants. */
export function named(events: readonly TraceEvent[], name: string): TraceEvent[] {
  return events.filter((event) => event.name === name && 'XBbiC'.includes(event.ph));
}

/** Names of the threads, by tid. */
export function threadNames(events: readonly TraceEvent[]): Map<number, string> {
  const names = new Map<number, string>();
  for (const event of events) {
    if (event.ph === 'M' && event.name === 'thread_name') names.set(event.tid, String(event.args?.name));
  }
  return names;
}

/** Sum of the drop counts that stand in the trace. */
export function droppedCount(events: readonly TraceEvent[]): number {
  let sum = 0;
  for (const event of events) if (event.name === 'ttrace_dropped') sum += Number(event.args?.dropped);
  return sum;
}

/** Files in a directory, or none if it does not exist. */
export function filesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).sort() : [];
}
