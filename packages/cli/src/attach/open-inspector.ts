/**
 * Finds the inspector of a process, or has it opened: by SIGUSR1, as `node inspect -p` does; on Windows by the memory that Node.js
 * keeps there for it. Ports that the process listens on for other reasons are asked last, and only if there is no other way.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../failure.ts';
import type { Target } from './find-target.ts';
import { isTaken, type ListeningPort, listenerOf, listeningPorts } from './listening-ports.ts';

/** An inspector that listens. */
export interface OpenInspector {
  /** Of its WebSocket. */
  readonly url: string;
  readonly port: number;
  /** Whether it was opened here, and is to be closed. */
  readonly isOurs: boolean;
}

const DEFAULT_PORT = 9229;
const LOOK_EVERY_MS = 10;
/** Opening takes 5 to 25 ms. */
const OPEN_PATIENCE_MS = 4000;
const SIGNAL_AGAIN_MS = 1000;
const ANSWER_PATIENCE_MS = 2000;

/**
 * @param port where it listens, if that is known.
 * @throws Failure when there is none and none can be opened.
 */
export async function openInspector(target: Target, port: number | undefined): Promise<OpenInspector> {
  const { pid, noSignal } = target;
  if (port !== undefined) {
    const url = await urlAt({ host: '127.0.0.1', port });
    if (url !== undefined) return { url, port, isOurs: false };
    throw new Failure(
      `no inspector answers on port ${port}: leave out --inspect-port, and ttrace finds or opens it`,
    );
  }
  const wanted = wantedPort(target.flags);
  const before = process.platform === 'linux' ? listeningPorts(pid) : [{ host: '127.0.0.1', port: wanted }];
  const known = before.filter((each) => each.port === wanted);
  const found = await firstOf(known, false);
  if (found !== undefined) return found;
  if (noSignal === undefined) {
    const opened = await open(pid, before, wanted);
    if (opened !== undefined) return opened;
  }
  // Opened by the program itself, on a port of its choice.
  const other = process.platform === 'linux' ? await firstOf(before, false) : undefined;
  if (other !== undefined) return other;
  throw new Failure(
    noSignal === undefined ? silence(target, wanted) : `process ${pid} cannot be attached: ${noSignal}`,
  );
}

async function open(
  pid: number,
  before: readonly ListeningPort[],
  wanted: number,
): Promise<OpenInspector | undefined> {
  const isLinux = process.platform === 'linux';
  const end = performance.now() + OPEN_PATIENCE_MS;
  let nextSignal = 0;
  while (performance.now() < end) {
    // Again when another one that took the port for a moment, such as a second ttrace attach, has freed it.
    if (nextSignal === 0 || (isLinux && performance.now() > nextSignal && !isTaken(wanted))) {
      signal(pid);
      nextSignal = performance.now() + SIGNAL_AGAIN_MS;
    }
    await sleep(LOOK_EVERY_MS);
    const now = isLinux ? listeningPorts(pid) : before;
    const isNew = (each: ListeningPort): boolean => !isLinux || !before.some((old) => old.port === each.port);
    const found = await firstOf(now.filter(isNew), true);
    if (found !== undefined) return found;
  }
  return undefined;
}

function signal(pid: number): void {
  try {
    if (process.platform === 'win32') {
      (process as unknown as { _debugProcess(pid: number): void })._debugProcess(pid);
    } else process.kill(pid, 'SIGUSR1');
  } catch (error) {
    throw new Failure(`cannot open the inspector of process ${pid}: ${(error as Error).message}`);
  }
}

function silence({ pid }: Target, wanted: number): string {
  if (wanted !== 0 && isTaken(wanted)) {
    const holder = listenerOf(wanted);
    const who = holder === undefined ? 'another process' : `process ${holder}`;
    return (
      `process ${pid} cannot open its inspector: port ${wanted} is taken by ${who}. Free it and try again; ` +
      'a program that is started with --inspect-port=0 takes any free port'
    );
  }
  return (
    `process ${pid} did not open its inspector on SIGUSR1: the program may listen to that signal itself. ` +
    'If it has an inspector elsewhere, name its port with --inspect-port'
  );
}

/** `--inspect-port=9300`, `--inspect=0.0.0.0:9300` and the like; the last one counts. 0 is any free one. */
function wantedPort(flags: readonly string[]): number {
  let port = DEFAULT_PORT;
  for (const flag of flags) {
    const match = /^--(?:inspect(?:-brk|-wait|-port)?|debug-port)=(?:.*:)?(\d+)$/.exec(flag);
    if (match !== null) port = Number(match[1]);
  }
  return port;
}

async function firstOf(ports: readonly ListeningPort[], isOurs: boolean): Promise<OpenInspector | undefined> {
  for (const each of ports) {
    const url = await urlAt(each);
    if (url !== undefined) return { url, port: each.port, isOurs };
  }
  return undefined;
}

/** Address of the WebSocket of the inspector that listens there, if one does. */
async function urlAt({ host, port }: ListeningPort): Promise<string | undefined> {
  try {
    const response = await fetch(`http://${host}:${port}/json/list`, {
      signal: AbortSignal.timeout(ANSWER_PATIENCE_MS),
      redirect: 'error',
    });
    const [first] = (await response.json()) as readonly { readonly webSocketDebuggerUrl?: unknown }[];
    const url = first?.webSocketDebuggerUrl;
    return typeof url === 'string' ? url : undefined;
  } catch {
    return undefined;
  }
}
