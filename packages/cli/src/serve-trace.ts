/** Serves a trace until Ctrl-C, or to one reader, and opens the browser on it. Shared by `ttrace view` and `ttrace run --view`. */
import { setTimeout } from 'node:timers/promises';
import type { Trace } from '@ttrace/format';
import type { Viewer } from 'perfetto-ui-bundle';
import { Failure } from './failure.ts';
import { print, printError } from './print.ts';
import { startProgress } from './progress.ts';

/** What to serve, and where. */
export interface ServeOptions {
  readonly trace: Trace;
  /** What the pages call the trace. */
  readonly title: string;
  /** Whether to start a browser. One that is missing is no error: the address is printed. */
  readonly open: boolean;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** Directory of an unzipped Perfetto UI to use in place of the bundled one. */
  readonly perfettoUi?: string | undefined;
  /** Serves the timeline to one reader and ends by itself. */
  readonly once?: boolean;
  /** With `once`: how long that reader may take to have it. Default: no limit. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Starts the viewer, prints its address and resolves when SIGINT, SIGTERM or SIGHUP has ended it; with `once` also when the
 * trace has been shown. @throws Failure when `timeoutMs` have passed before.
 */
export async function serveTrace(options: ServeOptions): Promise<void> {
  const { trace, title, host, port, perfettoUi, once = false, timeoutMs } = options;
  if (host !== undefined && !isLoopback(host)) {
    printError(
      `ttrace: warning: ${host} lets other machines try to reach this trace; only the token keeps them out`,
    );
  }
  // Imported here: no other command should wait for the server's modules.
  const { startViewer } = await import('perfetto-ui-bundle');
  const viewer = await startViewer({
    trace,
    title,
    fileName: title,
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(perfettoUi === undefined ? {} : { perfettoUi }),
  }).catch((error: unknown) => {
    throw new Failure(`cannot start the viewer: ${(error as Error).message}`);
  });
  if (!once) await prepare(viewer);
  const ends: Promise<'signal' | 'shown' | 'timeout'>[] = [untilSignal().then(() => 'signal')];
  const patience = new AbortController();
  if (once) ends.push(viewer.untilShown().then(() => 'shown'));
  if (timeoutMs !== undefined) ends.push(setTimeout(timeoutMs, 'timeout', { signal: patience.signal }));
  // The home page's links would soon lead nowhere.
  const url = once ? viewer.urlOf('/timeline') : viewer.url;
  // Editors and scripts wait for this line: it does not change.
  await print([`Trace viewer is listening on ${url}`]);
  if (options.open) await openBrowser(url);
  const end = await Promise.race(ends);
  patience.abort();
  await viewer.close();
  if (end === 'timeout') throw new Failure(`nobody loaded the trace within ${(timeoutMs ?? 0) / 1000} s`);
}

/** Pages of a large trace should not wait for what most of them need. */
async function prepare(viewer: Viewer): Promise<void> {
  const stepText = (steps: number): string => `step ${steps}`;
  const progress = startProgress('Preparing the pages', 0, process.stderr, undefined, stepText);
  let steps = 0;
  try {
    await viewer.prepare(() => progress.update(++steps));
  } finally {
    progress.clear();
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127\./.test(host);
}

async function openBrowser(url: string): Promise<void> {
  const complain = (): void => printError('ttrace: no browser could be started: open the address above');
  try {
    const { default: open } = await import('open');
    const browser = await open(url);
    browser.once('error', complain);
  } catch {
    complain();
  }
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    const onSignal = (): void => {
      for (const signal of signals) process.off(signal, onSignal);
      resolve();
    };
    for (const signal of signals) process.on(signal, onSignal);
  });
}
