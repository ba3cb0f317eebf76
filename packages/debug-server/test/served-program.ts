/** Runs the programs of `testdata` as real processes on the package's build, and asks their debug servers. */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PPROF: string = process.env.PPROF_BIN ?? '';
if (PPROF === '') console.warn('skipped: PPROF_BIN is not set');

/** Path of a program. */
export function program(name: string): string {
  return fileURLToPath(new URL(`testdata/${name}`, import.meta.url));
}

export interface ServedProgram<Facts> {
  readonly child: ChildProcess;
  /** What it said of itself once it served. */
  readonly facts: Facts;
  /** Tells it to do something, and waits until it has; what it says then. */
  tell(order: string): Promise<unknown>;
  /** Only tells it. */
  send(order: string): void;
  /** What it has written to stderr. */
  stderr(): string;
  /** Ends it, whatever it does. */
  end(): Promise<void>;
}

/** @param env is added to the environment. */
export async function serveProgram<Facts>(
  name: string,
  env: NodeJS.ProcessEnv = {},
): Promise<ServedProgram<Facts>> {
  const child = fork(program(name), {
    execArgv: [],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let stderr = '';
  let lastId = 0;
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [facts] = (await once(child, 'message')) as [Facts];
  return {
    child,
    facts,
    tell: (order) =>
      new Promise((resolve) => {
        const id = ++lastId;
        const hear = (answer: { readonly id?: number; readonly answer?: unknown }): void => {
          if (answer.id !== id) return;
          child.off('message', hear);
          resolve(answer.answer);
        };
        child.on('message', hear).send({ order, id });
      }),
    send: (order) => void child.send({ order, id: 0 }),
    stderr: () => stderr,
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

export interface Asked {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** One request on a connection of its own. */
export function ask(
  url: string,
  { method = 'GET', headers = {}, body, signal }: AskOptions = {},
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method, headers, agent: false, ...(signal === undefined ? {} : { signal }) },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject).once('end', () => {
          const whole = Buffer.concat(chunks);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: whole,
            text: whole.toString(),
          });
        });
      },
    );
    sent.once('error', reject).end(body);
  });
}

/** What the real `go tool pprof` says of a profile. */
export function pprof(profile: Buffer, ...args: readonly string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'ttrace-debug-server-'));
  try {
    const file = join(directory, 'profile.pb.gz');
    writeFileSync(file, profile);
    const { status, stdout, stderr } = spawnSync(PPROF, [...args, file], { encoding: 'utf8' });
    if (status !== 0 || stderr !== '') throw new Error(`pprof ${args.join(' ')}: ${status} ${stderr}`);
    return stdout;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
