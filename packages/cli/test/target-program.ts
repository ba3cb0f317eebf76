/**
 * Programs that know nothing of ttrace, to be attached: real processes that say `ready`, answer questions about themselves, and have
 * their inspectors on any free port.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A program that runs. */
export interface Target {
  readonly pid: number;
  readonly process: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** What it has that a recorder could leave behind. */
  fingerprint(): Promise<unknown>;
  /** Sends a word to the program. */
  send(word: string): void;
}

export interface TargetOptions {
  readonly flags?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** Answers `fingerprint`; everything else is the program's. */
const PRELUDE = `
const workerThreads = require('node:worker_threads');
const { Worker } = workerThreads;
const listeners = () => Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)]));
const fingerprint = () => ({
  listeners: listeners(),
  process: Object.getOwnPropertyNames(process).filter((name) => /^(emit|reallyExit|on|exit)$/.test(name)),
  globals: Object.getOwnPropertySymbols(globalThis).map(String).filter((name) => name.includes('ttrace')),
  worker: workerThreads.Worker === Worker,
  ports: Object.getOwnPropertyNames(workerThreads.MessagePort.prototype).length,
  channels: ['http.server.request.start', 'http.client.request.start', 'undici:request:create', 'child_process', 'worker_threads']
    .filter((name) => require('node:diagnostics_channel').hasSubscribers(name)),
  inspector: require('node:inspector').url(),
  resources: process.getActiveResourcesInfo().filter((name) => name !== 'Timeout' && name !== 'Immediate').sort(),
});
process.on('message', (word) => word === 'fingerprint' && process.send(fingerprint()));
`;

/** Starts a CommonJS program in a directory; resolves when it has called `process.send('ready')`. */
export async function startTarget(
  directory: string,
  source: string,
  { flags = [], env }: TargetOptions = {},
): Promise<Target> {
  const file = join(directory, 'target.cjs');
  writeFileSync(file, PRELUDE + source);
  const child = spawn(process.execPath, ['--inspect-port=0', ...flags, file], {
    cwd: directory,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = new Promise<Awaited<Target['ended']>>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  await once(child, 'message');
  return {
    pid: child.pid!,
    process: child,
    ended,
    fingerprint: async () => {
      child.send('fingerprint');
      const [answer] = (await once(child, 'message')) as unknown[];
      return answer;
    },
    send: (word) => child.send(word),
  };
}
