/** What the main thread and the debug server's thread say to each other. The main thread need not answer anything. */
import type { MessagePort } from 'node:worker_threads';
import type { ChosenOptions } from './debug-server-options.ts';

/** What the server's thread is started with. */
export interface ThreadData {
  readonly options: ChosenOptions;
  /** The connection to the recorder, or why there is none. */
  readonly recorder: { readonly port: MessagePort; readonly collectorThreadId: number } | string;
  /** Why the inspector cannot be used; undefined if it can. */
  readonly noInspector: string | undefined;
  /** Whether the program measures its coverage, which profiles must not disturb. */
  readonly isCovered: boolean;
  /** Path of @datadog/pprof, if the program has it. */
  readonly cpuTimeModule: string | undefined;
  /** One integer: 1 once the thread has let go of the inspector, because the process ends. */
  readonly life: SharedArrayBuffer;
  /** The command line of the program. */
  readonly commandLine: readonly string[];
  /** What profiles say that they are of. */
  readonly program: string;
  /** Whether address and errors are said on stderr. */
  readonly isLoud: boolean;
}

/** To the thread. */
export type ThreadOrder = 'close' | 'exit' | 'end';

/** From the thread. */
export type ThreadNews =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'closed' };
