/** What can be chosen of a debug server, and what is right. */
import { DebugServerError } from './debug-server-error.ts';

/** How to serve. */
export interface DebugServerOptions {
  /** Default 6060, as in Go's examples; 0 for any that is free. */
  readonly port?: number;
  /** Address to listen on. Default 127.0.0.1: nobody but this machine. */
  readonly host?: string;
  /** If given, each request needs it: `Authorization: Bearer TOKEN`, or `?token=TOKEN`. At least 8 characters. */
  readonly token?: string;
  /** Names by which the server may be called, besides `localhost`, addresses, `host` and the machine's name. */
  readonly allowedHosts?: readonly string[];
  /** Longest capture, in seconds. Default 300. */
  readonly maxSeconds?: number;
  /**
   * Whether V8's heap sampler runs from the start on, on each thread: what `heap` shows is what was allocated since. Default true. V8 has one
   * sampler a thread: not beside another one.
   */
  readonly heap?: boolean;
  /**
   * Whether what is recorded for a trace is recorded while the server runs, as the default sources or TTRACE_SOURCES say. Without it there
   * are no block, mutex and trace, no tasks in goroutine, and no labels in profiles. Default true.
   */
  readonly record?: boolean;
  /**
   * Whether each thread notes all the time where its promises, timers, sockets and the like are begun, by async_hooks: `goroutine` then shows
   * all that are pending, by the stack that began them, not only what keeps the thread alive, by kind. Default false, for it costs
   * programs that make many promises a lot (README). Of the main thread what begins after this call, of a worker from its start on, or shortly after.
   */
  readonly pendingStacks?: boolean;
}

/** All of them. */
export interface ChosenOptions {
  readonly port: number;
  readonly host: string;
  readonly token: string | undefined;
  readonly allowedHosts: readonly string[];
  readonly maxSeconds: number;
  readonly heap: boolean;
  readonly record: boolean;
  readonly pendingStacks: boolean;
}

/** Go's, in its examples. */
const PORT = 6060;
const HOST = '127.0.0.1';
const MAX_SECONDS = 300;
const LONGEST_SECONDS = 24 * 3600;
const LEAST_TOKEN = 8;

/** @throws DebugServerError `bad-option` */
export function chooseOptions(options: DebugServerOptions): ChosenOptions {
  const { port = PORT, host = HOST, token, allowedHosts = [], maxSeconds = MAX_SECONDS } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw bad(`port must be from 0 to 65535, got ${String(port)}`);
  }
  if (typeof host !== 'string' || host === '')
    throw bad(`host must be a name or an address, got ${String(host)}`);
  if (token !== undefined && (typeof token !== 'string' || token.length < LEAST_TOKEN)) {
    throw bad(`token must be a text of at least ${LEAST_TOKEN} characters`);
  }
  if (!Array.isArray(allowedHosts) || allowedHosts.some((name) => typeof name !== 'string')) {
    throw bad('allowedHosts must be a list of names');
  }
  if (typeof maxSeconds !== 'number' || !(maxSeconds >= 1 && maxSeconds <= LONGEST_SECONDS)) {
    throw bad(`maxSeconds must be from 1 to ${LONGEST_SECONDS}, got ${String(maxSeconds)}`);
  }
  const { heap = true, record = true, pendingStacks = false } = options;
  return {
    port,
    host,
    token,
    allowedHosts: allowedHosts.map((name: string) => name.toLowerCase()),
    maxSeconds,
    heap,
    record,
    pendingStacks,
  };
}

/**
 * Reads what TTRACE_DEBUG_SERVER says: `6060`, `:6060`, `0.0.0.0:6060`, `[::1]:6060`, or a name with a port.
 * @throws DebugServerError `bad-option`
 */
export function parseAddress(text: string): { readonly host?: string; readonly port: number } {
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[^:[\]\s]*):)?(\d{1,5})$/.exec(text.trim());
  if (match === null) {
    throw bad(`a debug server's address is a port or host:port, such as 6060 or 127.0.0.1:6060, not ${text}`);
  }
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '');
  return { port: Number(match[2]), ...(host === '' ? {} : { host }) };
}

function bad(message: string): DebugServerError {
  return new DebugServerError('bad-option', message);
}
