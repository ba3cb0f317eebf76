/** Runs the built command as a real process and collects what it says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built command. */
export const BIN: string = fileURLToPath(new URL('../bin/ttrace.js', import.meta.url));

/** What a process said, and how it ended. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that runs. */
export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Outcome>;
  /** Resolves when stdout holds the text; rejects when the process ends before. */
  readonly said: (text: string) => Promise<string>;
}

/** Starts `ttrace` with these arguments. */
export function startTtrace(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Running {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Outcome>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const said = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (stdout.includes(text)) resolve(stdout);
      };
      child.stdout.on('data', look);
      child.once('close', () => reject(new Error(`ended without saying ${text}: ${stdout}${stderr}`)));
      look();
    });
  return { process: child, ended, said };
}

/** Commands that start, signal or serve other processes. All others read and write files, and print. */
const OF_PROCESSES = new Set(['run', 'attach', 'snapshot', 'view']);

/**
 * Runs `ttrace` to its end. What reads and writes files runs in a process that has already run others: to start one takes longer
 * than most commands. `startTtrace` always takes a new one.
 */
export function ttrace(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Outcome> {
  if (OF_PROCESSES.has(args[0] ?? '')) return startTtrace(args, options).ended;
  const outcome = latest.then(() => runInLoop(args, options));
  latest = outcome.catch(() => {});
  return outcome;
}

/** Runs one command line after another and says what each printed. What `bin.js` does besides is to set the exit code. */
const LOOP = `
  const { main } = await import(process.env.TTRACE_TEST_MAIN);
  process.on('message', async ({ args, cwd, env }) => {
    const before = { cwd: process.cwd(), env: { ...process.env }, write: {} };
    const said = { stdout: '', stderr: '' };
    for (const stream of Object.keys(said)) {
      before.write[stream] = process[stream].write;
      process[stream].write = (chunk, ...rest) => {
        said[stream] += chunk;
        queueMicrotask(rest.findLast((each) => typeof each === 'function') ?? (() => {}));
        return true;
      };
    }
    process.chdir(cwd);
    Object.assign(process.env, env);
    const code = await main(args);
    await new Promise(setImmediate);
    for (const stream of Object.keys(said)) process[stream].write = before.write[stream];
    process.chdir(before.cwd);
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, before.env);
    process.send({ code, signal: null, ...said });
  });`;

let loop: ChildProcess | undefined;
let latest: Promise<unknown> = Promise.resolve();

function runInLoop(
  args: readonly string[],
  { cwd = process.cwd(), env = {} }: { cwd?: string; env?: NodeJS.ProcessEnv },
): Promise<Outcome> {
  loop ??= startLoop();
  const child = loop;
  return new Promise((resolve, reject) => {
    const onMessage = (outcome: unknown): void => {
      child.off('exit', onExit);
      resolve(outcome as Outcome);
    };
    const onExit = (code: number | null, signal: string | null): void => {
      loop = undefined;
      reject(new Error(`ttrace ${args.join(' ')} ended its process: ${signal ?? code}`));
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
    child.send({ args, cwd, env });
  });
}

/** Ends by itself with the process that started it. */
function startLoop(): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', LOOP], {
    env: {
      ...process.env,
      NO_COLOR: '1',
      TTRACE_TEST_MAIN: new URL('../dist/main.js', import.meta.url).href,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.unref();
  child.channel?.unref();
  return child;
}

/** Path of a file in testdata. */
export function testdata(name: string): string {
  return fileURLToPath(new URL(`testdata/${name}`, import.meta.url));
}

/** A new directory; the test removes it. */
export function scratch(): {
  readonly path: string;
  readonly file: (name: string) => string;
  remove: () => void;
} {
  const path = mkdtempSync(join(tmpdir(), 'ttrace-cli-'));
  return {
    path,
    file: (name) => join(path, name),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
