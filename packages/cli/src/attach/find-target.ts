/**
 * Looks at a process before anything is done to it: whether it is there, ours, a Node.js with an inspector, and whether it takes
 * SIGUSR1, which ends a process that does not. On Linux from /proc; elsewhere only as far as the system says so by itself.
 */
import { execFileSync } from 'node:child_process';
import { openSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { Failure } from '../failure.ts';

/** A Node.js process. */
export interface Target {
  readonly pid: number;
  /** Its command line, shortened. */
  readonly command: string;
  /** Flags of its command line and of NODE_OPTIONS. */
  readonly flags: readonly string[];
  /** Why SIGUSR1 must not be sent, or opens nothing; undefined if it may be. */
  readonly noSignal: string | undefined;
  /** What leads from our file system to its root: empty, but for one with mounts of its own. */
  readonly root: string;
  /** Its user, where that is known. */
  readonly userId: number | undefined;
}

/** What only Node.js with an inspector has in its program: the message of a port that is taken. */
const MARK = Buffer.from('Starting inspector on %s:%');
const SIGUSR1_BIT = 1n << 9n;

/**
 * Finds a process that may be attached.
 * @throws Failure when there is none, or one that cannot be.
 */
export function findTarget(pid: number): Target {
  if (!Number.isSafeInteger(pid) || pid <= 0) {
    throw new Failure('which process? Name its id, as in ttrace attach 4711; pgrep -a node lists them', 2);
  }
  if (pid === process.pid) throw new Failure(`process ${pid} is this ttrace itself`);
  try {
    process.kill(pid, 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH')
      throw new Failure(`there is no process ${pid}: pgrep -a node lists those of Node.js`);
    throw new Failure(`process ${pid} belongs to another user: run ttrace as that user, or as root`);
  }
  if (process.platform === 'linux') return linuxTarget(pid);
  // Windows' Node.js looks by itself whether the other process is one.
  const command = process.platform === 'win32' ? '' : commandBySystem(pid);
  return { pid, command, flags: command.split(' '), noSignal: undefined, root: '', userId: undefined };
}

/** Where there is no /proc: the signal is for what is called node, as far as one can see. @throws Failure for everything else. */
function commandBySystem(pid: number): string {
  const text = execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  const program = basename(text.split(' ', 1)[0] ?? '');
  if (/^(node|nodejs|electron)/i.test(program)) return text;
  throw new Failure(`process ${pid} is not called node, and SIGUSR1 might end it: ${text.slice(0, 80)}`);
}

function linuxTarget(pid: number): Target {
  const status = statusOf(pid);
  const processId = Number(status('Tgid'));
  if (processId !== pid) throw new Failure(`${pid} is a thread of process ${processId}: attach to that`);
  const state = status('State');
  if (/^[ZX]/.test(state))
    throw new Failure(`process ${pid} has ended already; its parent has not noticed yet`);
  if (/^[Tt]/.test(state)) {
    throw new Failure(
      `process ${pid} is stopped (by Ctrl-Z, SIGSTOP or a debugger): let it go on, with kill -CONT ${pid}`,
    );
  }
  const command = wordsIn(pid, 'cmdline');
  const text = command.join(' ').slice(0, 80);
  if (!hasInspector(pid)) {
    throw new Failure(`process ${pid} is no Node.js with an inspector: ${text}`);
  }
  const environment = wordsIn(pid, 'environ');
  const options = environment.find((word) => word.startsWith('NODE_OPTIONS='))?.slice(13) ?? '';
  const flags = [...flagsOf(command), ...options.split(/\s+/)];
  return {
    pid,
    command: text,
    flags,
    noSignal: (BigInt(`0x${status('SigCgt')}`) & SIGUSR1_BIT) === 0n ? reasonOf(flags) : undefined,
    root: namespaceOf(pid, 'mnt') === namespaceOf('self', 'mnt') ? '' : `/proc/${pid}/root`,
    userId: Number(status('Uid').split(/\s+/)[0]),
  };
}

/** Flags before the script. */
function flagsOf(command: readonly string[]): string[] {
  const end = command.findIndex((word, index) => index > 0 && !word.startsWith('-'));
  return command.slice(1, end === -1 ? undefined : end);
}

function reasonOf(flags: readonly string[]): string {
  if (flags.some((flag) => /^--(experimental-)?permission$/.test(flag))) {
    return 'it runs under the permission model, which closes the inspector: Node.js 24 and newer have --allow-inspector';
  }
  if (flags.includes('--disable-sigusr1')) return 'it was started with --disable-sigusr1';
  return 'it does not take SIGUSR1, by which the inspector is opened';
}

/** @throws Failure when another user's process hides it. */
function statusOf(pid: number): (field: string) => string {
  const text = read(pid, 'status');
  return (field) => new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
}

function wordsIn(pid: number, name: string): string[] {
  return read(pid, name)
    .split('\0')
    .filter((word) => word !== '');
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') throw new Failure(`process ${pid} has ended`);
    throw new Failure(`cannot look at process ${pid}: run ttrace as its user, or as root`);
  }
}

/** Node.js may be called anything, and may be a library of another program. */
function hasInspector(pid: number): boolean {
  const libraries = read(pid, 'maps').match(/\/\S*libnode\S*/g) ?? [];
  const files = [`/proc/${pid}/exe`, ...new Set(libraries.map((file) => `/proc/${pid}/root${file}`))];
  return files.some(hasMark);
}

function hasMark(file: string): boolean {
  try {
    const fd = openSync(file, 'r');
    const { size } = statSync(file);
    const chunk = Buffer.alloc(4 << 20);
    for (let position = 0; position < size; position += chunk.length - MARK.length) {
      const length = readSync(fd, chunk, 0, chunk.length, position);
      if (chunk.subarray(0, length).includes(MARK)) return true;
    }
  } catch {
    // Not to be read: not to be attached.
  }
  return false;
}

function namespaceOf(pid: number | 'self', kind: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return '';
  }
}

/**
 * Whether the process has the same network and process ids as this one, and sees this file.
 * @throws Failure when it does not: it runs in a container.
 */
export function checkSameMachine({ pid, root }: Target, file: string): void {
  const isApart = ['net', 'pid'].some((kind) => namespaceOf(pid, kind) !== namespaceOf('self', kind));
  const isSeen = root === '' || sameFile(file, `${root}${file}`);
  if (isApart || !isSeen) {
    throw new Failure(
      `process ${pid} runs in a container of its own: install ttrace there and run it there, as in docker exec NAME npx ttrace attach PID`,
    );
  }
}

function sameFile(one: string, other: string): boolean {
  try {
    const [a, b] = [statSync(one), statSync(other)];
    return a.ino === b.ino && a.dev === b.dev;
  } catch {
    return false;
  }
}
