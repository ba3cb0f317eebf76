/** Runs the built command as a real process and collects what it says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
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

/** Runs `ttrace` to its end. */
export function ttrace(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Outcome> {
  return startTtrace(args, options).ended;
}

/** Runs one command line after another and says what each printed. What `bin.js` does besides is to set the exit code. */
const ONE_BY_ONE = `
  const { main } = await import(process.env.TTRACE_TEST_MAIN);
  const outcomes = [];
  for (const args of JSON.parse(process.env.TTRACE_TEST_LINES)) {
    const said = { stdout: '', stderr: '' };
    const write = {};
    for (const stream of Object.keys(said)) {
      write[stream] = process[stream].write;
      process[stream].write = (chunk, ...rest) => {
        said[stream] += chunk;
        queueMicrotask(rest.findLast((each) => typeof each === 'function') ?? (() => {}));
        return true;
      };
    }
    const code = await main(args);
    await new Promise(setImmediate);
    for (const stream of Object.keys(said)) process[stream].write = write[stream];
    outcomes.push({ code, ...said });
  }
  process.stdout.write(JSON.stringify(outcomes));`;

/** As `ttrace`, of many command lines in one process: to start one takes longer than most of them. */
export async function ttraceEach(
  lines: readonly (readonly string[])[],
  env: NodeJS.ProcessEnv = {},
): Promise<readonly Omit<Outcome, 'signal'>[]> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', ONE_BY_ONE], {
    env: {
      ...process.env,
      NO_COLOR: '1',
      ...env,
      TTRACE_TEST_MAIN: new URL('../dist/main.js', import.meta.url).href,
      TTRACE_TEST_LINES: JSON.stringify(lines),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  await once(child, 'close');
  return JSON.parse(stdout) as Omit<Outcome, 'signal'>[];
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
