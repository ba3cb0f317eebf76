/**
 * Starts and ends the debug server of this process: a thread of its own, which keeps neither the process alive nor the event loop busy, and
 * its connection to the recorder. Module state, because there is one a process.
 */
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread, type Worker } from 'node:worker_threads';
import {
  afterExitListeners,
  beginDebugConnection,
  canInspect,
  closeDebugConnection,
  createOwnWorker,
  type DebugConnection,
  openDebugConnection,
} from '@ttrace/sdk/debug';
import { DebugServerError } from './debug-server-error.ts';
import { type ChosenOptions, chooseOptions, type DebugServerOptions } from './debug-server-options.ts';
import { forgetWork, noteWork } from './pending-work.ts';
import type { ThreadData, ThreadNews, ThreadOrder } from './thread-protocol.ts';

/** A server that runs. */
export interface DebugServer {
  /** Of the index page, such as `http://127.0.0.1:6060/debug/pprof/`; without the token. */
  readonly url: string;
  /** Ends captures and the server, and gives everything back. Harmless twice. */
  close(): Promise<void>;
}

const NO_INSPECTOR =
  'this process may not use the inspector: the permission model does not allow it (--allow-inspector), or it only starts others for ' +
  'node --test or --watch';
/** How long an exiting process waits for the thread to let go of the inspector; a message on stderr is all that it saves. */
const EXIT_PATIENCE_MS = 1000;

let isRunning = false;

/**
 * Serves profiles, stacks and traces of this process over HTTP. Main thread only; its workers are seen too.
 * @throws DebugServerError `bad-option`, `already-started`, `not-main-thread`; `cannot-listen` when the port is taken (all as rejections).
 */
export async function startDebugServer(options: DebugServerOptions = {}): Promise<DebugServer> {
  const chosen = checked(options);
  isRunning = true;
  let recorder: DebugConnection | string;
  try {
    recorder = chosen.record ? await openDebugConnection() : 'recording is off: record is false';
  } catch (error) {
    recorder = (error as Error).message;
  }
  return new Promise((resolve, reject) => {
    const server = launch(chosen, recorder, false, (news) => {
      if (news.kind === 'listening') resolve({ url: news.url, close: () => server.close() });
      else if (news.kind === 'failed') {
        void server.close().then(() => reject(new DebugServerError('cannot-listen', news.message)));
      }
    });
  });
}

/** The same for the register hook: at once, and it says on stderr where it serves, or why it cannot. The program goes on. */
export function beginLoudDebugServer(options: DebugServerOptions): void {
  const chosen = checked(options);
  isRunning = true;
  let recorder: DebugConnection | string;
  try {
    recorder = chosen.record ? beginDebugConnection() : 'recording is off: record is false';
  } catch (error) {
    recorder = (error as Error).message;
  }
  const server = launch(chosen, recorder, true, (news) => {
    if (news.kind === 'failed') void server.close();
  });
}

/** @throws DebugServerError */
function checked(options: DebugServerOptions): ChosenOptions {
  if (!isMainThread) {
    throw new DebugServerError(
      'not-main-thread',
      'start the debug server in the main thread: it sees workers',
    );
  }
  const chosen = chooseOptions(options);
  if (isRunning) {
    throw new DebugServerError('already-started', 'a debug server of this process runs already: close that');
  }
  return chosen;
}

/** @param tell is told what the thread says. @throws DebugServerError when there is no thread for it. */
function launch(
  options: ChosenOptions,
  recorder: DebugConnection | string,
  isLoud: boolean,
  tell: (news: ThreadNews) => void,
): { close(): Promise<void> } {
  const notesWork = options.pendingStacks && canInspect();
  const life = new SharedArrayBuffer(4);
  const data: ThreadData = {
    options,
    recorder,
    noInspector: canInspect() ? undefined : NO_INSPECTOR,
    isCovered: (process.env.NODE_V8_COVERAGE ?? '') !== '',
    cpuTimeModule: findCpuTimeModule(),
    life,
    commandLine: [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    program: `node ${basename(process.argv[1] ?? '')}`.trim(),
    isLoud,
  };
  const thread = createThread(data);
  // Here, not by the thread: what the program does at once is to be noted as well.
  if (notesWork) noteWork('always');
  const order = (text: ThreadOrder): void => thread.postMessage(text);
  const ended = endOf(thread, (news) => {
    if (news.kind === 'closed') setImmediate(() => setImmediate(order, 'end'));
    tell(news);
  });
  const forgetExit = afterExitListeners(() => {
    order('exit');
    Atomics.wait(new Int32Array(life), 0, 0, EXIT_PATIENCE_MS);
  });
  let closing: Promise<void> | undefined;
  const finish = async (): Promise<void> => {
    // Somebody waits for it.
    thread.ref();
    order('close');
    await ended;
    forgetExit();
    if (notesWork) forgetWork('always');
    await closeDebugConnection();
    isRunning = false;
  };
  if (isLoud) thread.unref();
  return {
    close: () => {
      closing ??= finish();
      return closing;
    },
  };
}

/** @throws DebugServerError when there is no thread for it; then nothing is left of the connection. */
function createThread(data: ThreadData): Worker {
  try {
    // No flags, and of the environment only where files may be: preloads of the program must not run in it.
    const env = { TMPDIR: tmpdir(), TEMP: tmpdir() };
    return createOwnWorker(new URL('./server-thread.js', import.meta.url), {
      workerData: data,
      transferList: typeof data.recorder === 'string' ? [] : [data.recorder.port],
      execArgv: [],
      env,
      name: 'ttrace debug server',
      trackUnmanagedFds: false,
    });
  } catch (error) {
    isRunning = false;
    void closeDebugConnection();
    const { message } = error as Error;
    throw new DebugServerError('cannot-listen', `no thread for the debug server: ${message}`);
  }
}

/** From where this package is, or else from where the program is. */
function findCpuTimeModule(): string | undefined {
  for (const from of [import.meta.url, pathToFileURL(resolve(process.argv[1] ?? ''))]) {
    try {
      return createRequire(from).resolve('@datadog/pprof');
    } catch {
      // It is optional.
    }
  }
  return undefined;
}

/** Resolves when nothing of the thread is left. */
function endOf(thread: Worker, tell: (news: ThreadNews) => void): Promise<void> {
  let isHeard = false;
  const hear = (news: ThreadNews): void => {
    isHeard = true;
    // From here on it must not keep the process.
    if (news.kind === 'listening') thread.unref();
    tell(news);
  };
  return new Promise((resolve) => {
    thread.on('message', hear);
    // Whatever went wrong in it, the program must not hear of it as an uncaught error.
    thread.on('error', (error: Error) => {
      if (!isHeard) hear({ kind: 'failed', message: `the debug server's thread failed: ${error.message}` });
    });
    thread.once('exit', () => {
      if (!isHeard) hear({ kind: 'failed', message: 'the debug server’s thread ended early' });
      resolve();
    });
  });
}
