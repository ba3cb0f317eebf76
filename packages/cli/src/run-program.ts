/**
 * Runs a Node.js program under the recorder: this Node.js, its own stdio, the register hook preloaded. Owns the program's
 * signals and how its end becomes an exit code; knows nothing of what is recorded.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, statSync, unlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { Failure, fileReason } from './failure.ts';

/** What to run, and where its trace goes. */
export interface ProgramRun {
  /** Absolute path of the script. */
  readonly script: string;
  readonly args: readonly string[];
  /** Absolute path of the trace. */
  readonly file: string;
  /** What to record of the runtime, as `parseSources` reads it; undefined for what the environment says. */
  readonly sources: string | undefined;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Signals of this many make an end of a program that does not end. */
const PATIENCE = 3;

/** Runs the program to its end and returns its exit code, 128 + n when signal n ended it. */
export function runProgram({ script, args, file, sources }: ProgramRun): Promise<number> {
  const hook = createRequire(import.meta.url).resolve('@ttrace/sdk/register');
  const child = spawn(process.execPath, [...process.execArgv, '--require', hook, script, ...args], {
    stdio: 'inherit',
    env: {
      ...process.env,
      TTRACE_FILE: file,
      ...(sources === undefined ? {} : { TTRACE_SOURCES: sources }),
    },
  });
  let received = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    received++;
    if (received >= PATIENCE) child.kill('SIGKILL');
    // The terminal has given the program its Ctrl-C already.
    else if (signal !== 'SIGINT' || received > 1 || !hasTerminal()) child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return new Promise((settle, reject) => {
    child.once('error', (error) =>
      reject(new Failure(`cannot start ${process.execPath}: ${fileReason(error)}`)),
    );
    child.once('exit', (code, signal) => {
      settle(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  }).finally(() => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }) as Promise<number>;
}

/** The script's absolute path, found as `node` finds it. @throws Failure when there is none. */
export function findScript(name: string): string {
  const path = resolve(name);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path;
  try {
    return createRequire(import.meta.url).resolve(path);
  } catch {
    throw new Failure(`cannot find the program ${name}: name a script, as in ttrace run app.js`);
  }
}

/** @throws Failure when this Node.js cannot run the script because it is TypeScript. */
export function requireTypeScript(script: string): void {
  if (!/\.[cm]?ts$/.test(script)) return;
  if ('typescript' in process.features && process.features.typescript !== false) return;
  // A loader, such as `--import tsx`, may know what to do.
  const flags = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  if (/--(import|require|loader|experimental-loader|experimental-strip-types)\b|(^| )-r /.test(flags)) return;
  throw new Failure(
    `Node.js ${process.versions.node} does not run TypeScript: use 22.18 or later, or compile ${script} first`,
  );
}

/** Opens the trace file for writing before anything is run. Leaves an existing file as it is. @throws Failure. */
export function checkWritable(file: string): void {
  const old = statSync(file, { throwIfNoEntry: false });
  // Opening a pipe would wait for its reader, and closing it send that away.
  if (old?.isFIFO() === true) return;
  const isNew = old === undefined;
  try {
    closeSync(openSync(file, 'a'));
    if (isNew) unlinkSync(file);
  } catch (error) {
    throw new Failure(`cannot write ${file}: ${fileReason(error)}. Choose another with -o FILE`);
  }
}

/** Whether a terminal can send this process and its child a Ctrl-C. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
