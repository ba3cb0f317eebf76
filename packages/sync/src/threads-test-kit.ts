/**
 * Runs a program on several threads in a process of its own, on the build, with the Node.js that runs the tests. The programs'
 * text stands in the tests: what `main` and `worker` see is written down in `MAIN` and `WORKER`.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const SYNC = new URL('../dist/index.js', import.meta.url).href;
const SDK = new URL('../../sdk/dist/index.js', import.meta.url).href;
const REGISTER = fileURLToPath(new URL('../../sdk/dist/register.cjs', import.meta.url));

const ATTEMPT = new URL('../dist/attempt.js', import.meta.url).href;

const COMMON = `import * as sync from '${SYNC}';
import { setPatience } from '${ATTEMPT}';
import { setTimeout as sleep } from 'node:timers/promises';
import { once } from 'node:events';
import { isMainThread, parentPort, threadId, Worker, workerData } from 'node:worker_threads';
const { Channel, Mutex, Once, RWMutex, Semaphore, SyncError, WaitGroup } = sync;
const codeOf = (fn) => { try { return fn(); } catch (error) { return error.code ?? String(error); } };
const codeOfAsync = async (fn) => { try { return await fn(); } catch (error) { return error.code ?? String(error); } };
`;

/** In a program that is traced: `written(text)` waits until the trace holds it, such as the name of a wait that goes on. */
const TRACED = `
import { readFileSync } from 'node:fs';
const written = async (text) => { while (!readFileSync(file, 'utf8').includes(JSON.stringify(text))) await sleep(1); };
`;

/** `start(data)` starts a worker; `ended(workers)` waits until they have exited, and fails if one failed. `say(value)` is the outcome. */
const MAIN = `${COMMON}
const start = (data) => {
  const worker = new Worker(new URL('worker.mjs', import.meta.url), { workerData: data });
  worker.error = undefined;
  worker.on('error', (error) => { worker.error = error; });
  worker.over = new Promise((done) => worker.once('exit', done));
  return worker;
};
const ended = async (workers) => {
  await Promise.all(workers.map(({ over }) => over));
  for (const { error } of workers) if (error !== undefined) throw error;
};
const say = (value) => console.log(JSON.stringify(value));
`;

/** Before a program in which no thread ends: who is not woken then waits for ever. */
export const ENDLESS_PATIENCE = 'setPatience(1e9);\n';

export interface ThreadsOptions {
  /** Records the whole run, and reads its events. */
  readonly isTraced?: boolean;
}

export interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly id?: number | string;
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface ThreadsOutcome {
  readonly stderr: string;
  readonly code: number;
  /** What the program said, in order. */
  readonly said: readonly unknown[];
  readonly events: readonly TraceEvent[];
}

export async function runThreads(
  main: string,
  worker = '',
  options: ThreadsOptions = {},
): Promise<ThreadsOutcome> {
  const directory = mkdtempSync(join(tmpdir(), 'ttrace-sync-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'trace.json');
  const program = join(directory, 'main.mjs');
  const isTraced = options.isTraced === true;
  const tracing = isTraced
    ? `import { trace } from '${SDK}';\nconst file = '${file}';\nawait trace.start({ file });\n`
    : '';
  writeFileSync(
    program,
    `${tracing}${MAIN}${isTraced ? TRACED : ''}${main}\n${isTraced ? 'await trace.stop();' : ''}`,
  );
  writeFileSync(join(directory, 'worker.mjs'), `${COMMON}${worker}`);
  const { code, stdout, stderr } = await run([...(isTraced ? ['--require', REGISTER] : []), program]);
  const said = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
  return { code, stderr, said, events: isTraced ? readEvents(file) : [] };
}

function run(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, args, { timeout: 100_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      done({ code, stdout, stderr });
    });
  });
}

function readEvents(file: string): readonly TraceEvent[] {
  const parsed = JSON.parse(readFileSync(file, 'utf8')) as TraceEvent[] | { traceEvents: TraceEvent[] };
  return Array.isArray(parsed) ? parsed : parsed.traceEvents;
}

/** The slices of this name on threads, whether written whole or by their begin and end. Times in microseconds. */
export function slicesOf(
  events: readonly TraceEvent[],
  name: string,
): { tid: number; ts: number; end: number }[] {
  const open = new Map<number, TraceEvent[]>();
  const slices: { tid: number; ts: number; end: number }[] = [];
  for (const event of events) {
    const { ph, tid, ts } = event;
    const stack = open.get(tid) ?? [];
    open.set(tid, stack);
    if (ph === 'X' && event.name === name) slices.push({ tid, ts, end: ts + event.dur! });
    if (ph === 'B') stack.push(event);
    if (ph !== 'E') continue;
    const begin = stack.pop();
    if (begin?.name === name) slices.push({ tid, ts: begin.ts, end: ts });
  }
  return slices;
}
