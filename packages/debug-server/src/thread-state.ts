/**
 * What a thread is doing now, asked in the middle of its code. The function that answers is sent to the thread as text, so it is
 * complete in itself, and leaves everything as it was.
 */
import { evaluateIn, type RawFrame } from './evaluate.ts';
import type { InspectedThread } from './inspected-threads.ts';

/** One thread, at one moment. */
export interface ThreadState {
  /** What runs, innermost first; empty while the thread waits for events. */
  readonly frames: readonly RawFrame[];
  /** What keeps the thread alive, by kind, but for standard output. */
  readonly resources: Readonly<Record<string, number>>;
}

/** @throws Error when the thread has ended, or its answer makes no sense. */
export async function askState(thread: InspectedThread): Promise<ThreadState> {
  return JSON.parse(await evaluateIn(thread, `(${describeThread})()`)) as ThreadState;
}

function describeThread(): string {
  const hooks = Error as unknown as { stackTraceLimit: number; prepareStackTrace?: unknown };
  const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  const limit = hooks.stackTraceLimit;
  let frames: unknown = [];
  try {
    hooks.stackTraceLimit = 100;
    hooks.prepareStackTrace = (_: unknown, sites: readonly NodeJS.CallSite[]) =>
      sites.map((site) => {
        const type = site.isToplevel() ? '' : (site.getTypeName() ?? '');
        const method = site.getMethodName();
        const plain = site.getFunctionName() ?? method ?? '';
        // A function that an object only calls, such as a timer, is not its method.
        const isMethod = plain === method && type !== '' && type !== 'Object';
        const name = isMethod ? `${type}.${plain}` : plain;
        return [name, site.getFileName() ?? '', site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0];
      });
    frames = (new Error().stack as unknown as unknown[]).slice(2);
  } catch {
    // Frozen by the program.
  } finally {
    hooks.stackTraceLimit = limit;
    if (own === undefined) delete hooks.prepareStackTrace;
    else Object.defineProperty(Error, 'prepareStackTrace', own);
  }
  const resources: Record<string, number> = {};
  const { getActiveResourcesInfo } = process as unknown as { getActiveResourcesInfo?: () => string[] };
  for (const type of getActiveResourcesInfo?.() ?? []) resources[type] = (resources[type] ?? 0) + 1;
  try {
    // Standard output is there all the time, and waits for nothing; a process that makes workers, as ours, has opened it.
    for (const stream of [process.stdout, process.stderr]) {
      const { _handle: handle } = stream as unknown as { readonly _handle?: { hasRef?(): boolean } };
      const kind = handle?.constructor.name ?? '';
      const type = kind === 'TCP' ? 'TCPSocketWrap' : `${kind}Wrap`;
      const count = handle?.hasRef?.() === true ? resources[type] : undefined;
      if (count === 1) delete resources[type];
      else if (count !== undefined) resources[type] = count - 1;
    }
  } catch {
    // The program has put something else there.
  }
  return JSON.stringify({ frames, resources });
}
