/** TCP ports on which a process listens, from Linux's /proc: https://docs.kernel.org/networking/proc_net_tcp.html */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Where somebody listens. */
export interface ListeningPort {
  readonly port: number;
  /** Address by which this machine reaches it, as in a URL. */
  readonly host: string;
}

const LISTENS = '0A';

interface Listener extends ListeningPort {
  readonly inode: string;
}

/** Ports of a process; none where that cannot be known. */
export function listeningPorts(pid: number): ListeningPort[] {
  const own = socketsOf(pid);
  return listeners(pid).filter(({ inode }) => own.has(inode));
}

/** The process that listens on a port of 127.0.0.1; undefined if that is not known. */
export function listenerOf(port: number): number | undefined {
  const inodes = listeners('self')
    .filter((listener) => listener.port === port)
    .map(({ inode }) => inode);
  if (inodes.length === 0) return undefined;
  const processes = namesIn('/proc').filter((name) => /^\d+$/.test(name));
  const found = processes.find((name) => {
    const own = socketsOf(name);
    return inodes.some((inode) => own.has(inode));
  });
  return found === undefined ? undefined : Number(found);
}

/** Whether somebody listens there; false where that cannot be known. */
export function isTaken(port: number): boolean {
  return listeners('self').some((listener) => listener.port === port);
}

function listeners(pid: number | string): Listener[] {
  return ['tcp', 'tcp6'].flatMap((table) => rowsOf(`/proc/${pid}/net/${table}`));
}

function rowsOf(file: string): Listener[] {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // No such table.
  }
  const rows = text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  return rows
    .filter((row) => row[3] === LISTENS)
    .map((row) => {
      const [address = '', port = ''] = (row[1] ?? '').split(':');
      return { port: Number.parseInt(port, 16), host: hostOf(address), inode: row[9] ?? '' };
    });
}

/** Addresses stand there in the machine's byte order, four bytes at a time. */
function hostOf(address: string): string {
  if (address.length > 8) return /^0+(01000000)?$/.test(address) ? '[::1]' : '127.0.0.1';
  const bytes = [6, 4, 2, 0].map((at) => Number.parseInt(address.slice(at, at + 2), 16));
  return bytes.some((byte) => byte !== 0) ? bytes.join('.') : '127.0.0.1';
}

function socketsOf(pid: number | string): Set<string> {
  const sockets = new Set<string>();
  for (const name of namesIn(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`))?.[1];
      if (inode !== undefined) sockets.add(inode);
    } catch {
      // Closed meanwhile.
    }
  }
  return sockets;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
