/**
 * Finds the inspector of a process, or has it opened: by SIGUSR1, as `node inspect -p` does; on Windows by the memory that Node.js
 * keeps there for it. Ports that the process listens on for other reasons are asked last, and only if there is no other way.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../failure.ts';
import { findTarget, type Target } from './find-target.ts';
import { isTaken, type ListeningPort, listenerOf, listeningPorts } from './listening-ports.ts';
import type { UntilStopped } from './until-stopped.ts';

/** An inspector that listens. */
export interface OpenInspector {
  /** Of its WebSocket. */
  readonly url: string;
  readonly port: number;
  /** Whether it was opened here, and is to be closed. */
  readonly isOurs: boolean;
}

const isLinux = process.platform === 'linux';
const DEFAULT_PORT = 9229;
const SIGNAL_AGAIN_MS = 500;
const LOOK_EVERY_MS = 10;
const LOOK_AGAIN_MS = 100;
/** Opening takes 5 to 25 ms. */
const OPEN_PATIENCE_MS = 3000;
/** A `ttrace attach` has the port for half a second. */
const TAKEN_PATIENCE_MS = 5000;
/** It opens only when the main thread runs JavaScript. */
const NATIVE_PATIENCE_MS = 120_000;
const ANSWER_PATIENCE_MS = 2000;
/** Who is stopped when the signal is under way waits for the inspector, so that it can be closed. */
const STOP_PATIENCE_MS = 1000;

/**
 * @param port where it listens, if that is known.
 * @param stopped ends waiting for it; one that opens shortly after is given back all the same, to be closed.
 * @param say is told what there is to wait for.
 * @throws Failure when there is none and none can be opened.
 */
export async function openInspector(
  target: Target,
  port: number | undefined,
  stopped: UntilStopped,
  say: (line: string) => void,
): Promise<OpenInspector> {
  const { pid, noSignal } = target;
  if (port !== undefined) {
    const url = await urlAt({ host: '127.0.0.1', port });
    if (url !== undefined) return { url, port, isOurs: false };
    throw new Failure(
      `no inspector answers on port ${port}: leave out --inspect-port, and ttrace finds or opens it`,
    );
  }
  const wanted = wantedPort(target.flags);
  const before = isLinux ? listeningPorts(pid) : [{ host: '127.0.0.1', port: wanted }];
  const known = before.filter((each) => each.port === wanted);
  const found = await firstOf(known, false);
  if (found !== undefined) return found;
  if (noSignal !== undefined) {
    const other = isLinux ? await firstOf(before, false) : undefined;
    if (other !== undefined) return other;
    throw new Failure(`process ${pid} cannot be attached: ${noSignal}`);
  }
  return open(target, before, wanted, stopped, say);
}

async function open(
  target: Target,
  before: readonly ListeningPort[],
  wanted: number,
  stopped: UntilStopped,
  say: (line: string) => void,
): Promise<OpenInspector> {
  const start = performance.now();
  let wasTaken = isTaken(wanted);
  let isSaid = false;
  let nextSignal = 0;
  let seen = before;
  let stop: { readonly error: unknown; readonly until: number } | undefined;
  signal(target.pid);
  while (performance.now() < start + NATIVE_PATIENCE_MS) {
    const wait = sleep(isSaid ? LOOK_AGAIN_MS : LOOK_EVERY_MS);
    if (stop === undefined) {
      await stopped.unlessBefore(wait).catch((error: unknown) => {
        stop = { error, until: performance.now() + (isSaid ? 0 : STOP_PATIENCE_MS) };
      });
    } else await wait;
    const now = isLinux ? listeningPorts(target.pid) : before;
    const isNew = (each: ListeningPort): boolean => !isLinux || !before.some((old) => old.port === each.port);
    const found = await firstOf(now.filter(isNew), true);
    if (found !== undefined) return found;
    if (stop !== undefined) {
      if (performance.now() >= stop.until) throw stop.error;
      continue;
    }
    // On any free port another one had it open, such as a second ttrace attach, so that the signal did nothing; now it is closed.
    if (seen.some((old) => !now.some((each) => each.port === old.port))) signal(target.pid);
    seen = now;
    const isTakenNow = isTaken(wanted);
    wasTaken ||= isTakenNow;
    // Another one took the port for a moment, such as a second ttrace attach. Two signals at once would be one.
    if (wasTaken && !isTakenNow && performance.now() > nextSignal) {
      signal(target.pid);
      nextSignal = performance.now() + SIGNAL_AGAIN_MS;
    }
    if (isSaid || performance.now() < start + OPEN_PATIENCE_MS) continue;
    if (isTakenNow) {
      if (performance.now() < start + TAKEN_PATIENCE_MS) continue;
      throw new Failure(takenText(target, wanted));
    }
    // Opened by the program itself, on a port of its choice; then the signal does nothing.
    const other = isLinux ? await firstOf(before, false) : undefined;
    if (other !== undefined) return other;
    findTarget(target.pid);
    say(
      'its inspector does not open yet: its main thread may be in a long native call, such as execSync, or the program listens to ' +
        'SIGUSR1 itself. Waiting; Ctrl-C gives up. Should it open after that, it stays open',
    );
    isSaid = true;
  }
  throw new Failure(
    `process ${target.pid} did not open its inspector on SIGUSR1: the program may listen to that signal itself. ` +
      'If it has an inspector elsewhere, name its port with --inspect-port',
  );
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

function takenText({ pid }: Target, wanted: number): string {
  const holder = listenerOf(wanted);
  const who = holder === undefined ? 'another process' : `process ${holder}`;
  return (
    `process ${pid} cannot open its inspector: port ${wanted} is taken by ${who}. Free it and try again; ` +
    'a program that is started with --inspect-port=0 takes any free port'
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
