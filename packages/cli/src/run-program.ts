/**
 * Finds and runs a program under the recorder: this Node.js, its own stdio, the register hook preloaded; or a command whose
 * Node.js processes are recorded. Owns the program's
 * signals and how its end becomes an exit code; knows nothing of what is recorded.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readSync, realpathSync, statSync, unlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { basename, delimiter, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, fileReason } from './failure.ts';

/** What to run, and where its trace goes. */
export interface ProgramRun {
  /** Absolute path of the script; undefined where `args` are those of Node.js itself. */
  readonly script: string | undefined;
  /** A command to run instead of this Node.js; only its child processes are recorded, by `environment`. */
  readonly command?: string | undefined;
  readonly args: readonly string[];
  /** Absolute path of the trace; undefined for none. */
  readonly file: string | undefined;
  /** What to record of the runtime, as `parseSources` reads it; undefined for what the environment says. */
  readonly sources: string | undefined;
  /** Triggers of the flight recorder, as `parseTriggers` reads them; undefined for what the environment says. */
  readonly flight: string | undefined;
  /** Where the flight recorder writes; undefined for what the environment says. */
  readonly flightDir: string | undefined;
  /** Where a debug server is to serve, as `parseAddress` reads it; undefined for none. */
  readonly debugServer: string | undefined;
  /** Whether it is to note where pending work was begun. */
  readonly pendingStacks: boolean;
  /** More for the environment. */
  readonly environment?: NodeJS.ProcessEnv;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Signals of this many make an end of a program that does not end. */
const PATIENCE = 3;

/** Longest time that a program takes to begin to record. */
const START_PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 20;

/** Path of the hook that records a process from its beginning, for `--require`. */
export function registerHook(): string {
  return createRequire(import.meta.url).resolve('@ttrace/sdk/register');
}

/** Address of the hook that starts a debug server, for `--import`. */
function debugServerHook(): string {
  return import.meta.resolve('@ttrace/debug-server/register');
}

/**
 * Runs the program to its end and returns its exit code, 128 + n when signal n ended it.
 * @param onStart is told the program's process id.
 */
export function runProgram(run: ProgramRun, onStart?: (pid: number) => void): Promise<number> {
  const { script, command, args, file, sources, flight, flightDir, debugServer, pendingStacks, environment } =
    run;
  const before = stateOf(file);
  const own = script === undefined ? [] : [script];
  const debug = debugServer === undefined ? [] : ['--import', debugServerHook()];
  let received = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    received++;
    if (received >= PATIENCE) child.kill('SIGKILL');
    // The terminal has given the program its Ctrl-C already.
    else if (signal !== 'SIGINT' || received > 1 || !hasTerminal()) {
      void recorded.then(() => child.kill(signal));
    }
  };
  // Before there is a program: a signal that ends only this process would leave it alone.
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const child = spawn(
    command ?? process.execPath,
    command === undefined
      ? [...process.execArgv, '--require', registerHook(), ...debug, ...own, ...args]
      : args,
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        ...environment,
        ...(command === undefined && file !== undefined ? { TTRACE_FILE: file } : {}),
        ...(sources === undefined ? {} : { TTRACE_SOURCES: sources }),
        ...(flight === undefined ? {} : { TTRACE_FLIGHT: flight }),
        ...(flightDir === undefined ? {} : { TTRACE_FLIGHT_DIR: flightDir }),
        ...(debugServer === undefined ? {} : { TTRACE_DEBUG_SERVER: debugServer }),
        ...(pendingStacks ? { TTRACE_DEBUG_SERVER_PENDING: '1' } : {}),
      },
    },
  );
  if (child.pid !== undefined) onStart?.(child.pid);
  const recorded = command === undefined ? untilRecording(child, file, before) : Promise.resolve();
  return new Promise((settle, reject) => {
    child.once('error', (error) =>
      reject(new Failure(`cannot start ${command ?? process.execPath}: ${fileReason(error)}`)),
    );
    child.once('exit', (code, signal) => {
      settle(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  }).finally(() => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }) as Promise<number>;
}

/**
 * Resolves when the program takes signals as one that is recorded: before, they would end it without a trace. It has made its file
 * then; or has ended, or does not come to that.
 */
async function untilRecording(
  child: ChildProcess,
  file: string | undefined,
  before: string | undefined,
): Promise<void> {
  const end = performance.now() + START_PATIENCE_MS;
  const isStarting = (): boolean => child.exitCode === null && child.signalCode === null;
  // A pipe or device is there from the beginning.
  const isRegular = file !== undefined && (statSync(file, { throwIfNoEntry: false })?.isFile() ?? true);
  while (isRegular && stateOf(file) === before && isStarting() && performance.now() < end) {
    await sleep(LOOK_EVERY_MS, undefined, { ref: false });
  }
}

/** Differs when a file has been made or emptied; undefined without one. */
function stateOf(file: string | undefined): string | undefined {
  const stats = file === undefined ? undefined : statSync(file, { bigint: true, throwIfNoEntry: false });
  return stats && `${stats.birthtimeNs} ${stats.mtimeNs}`;
}

/** A program as a command line names it: a script, `node` with arguments of its own, or another command. */
export type NamedProgram = Pick<ProgramRun, 'script' | 'command'>;

/**
 * Finds a script as `node` finds it, `node` itself, which is this Node.js, or a command in PATH.
 * @throws Failure when there is none.
 */
export function findProgram(name: string): NamedProgram {
  const path = resolve(name);
  if (isFile(path)) {
    if (!isExecutable(path)) return { script: path };
    return {
      script: undefined,
      command: realpathSync(path) === realpathSync(process.execPath) ? undefined : path,
    };
  }
  try {
    return { script: createRequire(import.meta.url).resolve(path) };
  } catch {
    // No script.
  }
  if (name === 'node') return { script: undefined };
  const command = basename(name) === name ? findCommand(name) : undefined;
  if (command !== undefined) return { script: undefined, command };
  throw new Failure(`cannot find the program ${name}: name a script, as in ttrace run app.js`);
}

function findCommand(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isFile);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** First bytes of programs of Linux, Windows and macOS, in hexadecimal. */
const EXECUTABLE = /^(7f454c46|4d5a9000|cffaedfe|cafebabe)/;

/** Whether a file is no script but machine code, such as another Node.js. */
function isExecutable(path: string): boolean {
  const start = Buffer.alloc(4);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, start, 0, 4, 0);
  } finally {
    closeSync(fd);
  }
  return EXECUTABLE.test(start.toString('hex'));
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
