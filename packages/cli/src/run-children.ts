/**
 * The child processes of a run: where each records, and how their traces come into that of the run. Owns a temporary directory
 * from `openChildren` to `close`; what the processes do with the environment is the SDK's child-run.ts.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { convertTrace } from './convert-trace.ts';
import { Failure, fileReason } from './failure.ts';
import { createTraceMerger, type TraceMerger } from './merge-traces.ts';
import { outputFormat } from './output-format.ts';
import { readTraceFile } from './read-trace-file.ts';
import { registerHook } from './run-program.ts';

/** How long the run waits for children that outlive the program but are about to end; longer where a signal ended all of it. */
const PATIENCE_MS = 1000;
const PATIENCE_AFTER_SIGNAL_MS = 10_000;
const LOOK_EVERY_MS = 20;
/** Bytes of children's traces from which on they stay files of their own: together they might not fit in memory. */
const MAX_BYTES = 2 ** 31;

/** The children of one run. */
export interface Children {
  /** What the program's environment must have for them to be recorded. */
  readonly environment: NodeJS.ProcessEnv;
  /**
   * Puts their traces into the file, once the program has ended.
   * @param hasOwn whether the program itself has recorded into the file; else there is none, or an old one that is replaced.
   * @param isSignalled whether a signal ended the program: then its children are ending too, and are waited for.
   * @throws Failure when the file cannot be written; then the children's traces stay, and it says where.
   */
  mergeInto(file: string, hasOwn: boolean, isSignalled: boolean): Promise<MergedChildren>;
  /** Removes what is left of the directory. Harmless when it is gone. */
  close(): void;
}

/** What was merged. */
export interface MergedChildren {
  readonly merged: number;
  /** Processes that were not recorded because there were too many. */
  readonly refused: number;
  /** Directory in which the traces were left, if there were too many bytes to merge. */
  readonly leftIn: string | undefined;
}

/** Makes room for the children's traces. @param file the trace of the run; those of the children have its format. */
export function openChildren(file: string): Children {
  const directory = mkdtempSync(join(tmpdir(), 'ttrace-children-'));
  const extension = outputFormat(file).format === 'json' ? '.json' : '.pftrace';
  const pattern = join(directory, `part${extension}`);
  let isLeft = false;
  return {
    environment: {
      TTRACE_CHILDREN: pattern,
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require ${quoted(registerHook())}`.trim(),
    },
    mergeInto: async (to, hasOwn, isSignalled) => {
      await othersEnded(directory, isSignalled ? PATIENCE_AFTER_SIGNAL_MS : PATIENCE_MS);
      const parts = partsIn(directory, extension);
      const refused = statSync(`${pattern}.refused`, { throwIfNoEntry: false })?.size ?? 0;
      if (parts.bytes > MAX_BYTES) {
        isLeft = true;
        return { merged: 0, refused, leftIn: directory };
      }
      try {
        const merged = parts.files.length === 0 ? 0 : await mergeFiles(to, parts.files, hasOwn);
        return { merged, refused, leftIn: undefined };
      } catch (error) {
        isLeft = true;
        const reason = error instanceof Failure ? error.message : fileReason(error);
        throw new Failure(`${reason}. The traces of the child processes are in ${directory}`);
      }
    },
    close: () => {
      if (!isLeft) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** As NODE_OPTIONS takes a path. */
function quoted(path: string): string {
  return /[\s"\\]/.test(path) ? `"${path.replaceAll(/["\\]/g, '\\$&')}"` : path;
}

/** The children's traces in the order in which they began, and their size together. */
function partsIn(directory: string, extension: string): { files: readonly string[]; bytes: number } {
  const names = readdirSync(directory).filter((name) => name.endsWith(extension));
  const numberOf = (name: string): number => Number(/-(\d+)\./.exec(name)?.[1] ?? 0);
  const files = names.sort((a, b) => numberOf(a) - numberOf(b)).map((name) => join(directory, name));
  return { files, bytes: files.reduce((sum, file) => sum + statSync(file).size, 0) };
}

/** Resolves when no child writes its trace any more, or when it is not worth waiting. */
async function othersEnded(directory: string, patienceMs: number): Promise<void> {
  const end = performance.now() + patienceMs;
  let pids = readdirSync(directory)
    .filter((name) => name.endsWith('.taken'))
    .map((name) => Number(readFileSync(join(directory, name), 'utf8')));
  for (;;) {
    pids = pids.filter((pid) => pid > 0 && isAlive(pid));
    if (pids.length === 0 || performance.now() > end) return;
    await delay(LOOK_EVERY_MS);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Returns how many of the files held anything. */
async function mergeFiles(to: string, files: readonly string[], hasOwn: boolean): Promise<number> {
  const merger = createTraceMerger();
  if (hasOwn) await addFile(merger, to);
  let merged = 0;
  for (const file of files) if (await addFile(merger, file)) merged++;
  if (merged > 0) await convertTrace(merger.finish(), to, outputFormat(to));
  return merged;
}

/** A process that was killed leaves a file without an end: what it holds is good. */
async function addFile(merger: TraceMerger, file: string): Promise<boolean> {
  const trace = await readTraceFile(file, true, () => {});
  if (trace.processes.length === 0) return false;
  merger.add(trace);
  return true;
}
