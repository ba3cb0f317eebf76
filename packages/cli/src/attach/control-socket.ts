/**
 * The command's end of the socket between it and the collector of the process that it has attached (the SDK's control-line.ts). It
 * lies in a directory that only this user can enter; who connects is the process that was told of it, or another one of the user's.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Failure, fileReason } from '../failure.ts';
import type { Target } from './find-target.ts';

/** Where the attached process reports. */
export interface ControlSocket {
  /** As the process sees it. */
  readonly path: string;
  /** Resolves with the first that the process says, or with undefined when it closes before. */
  readonly first: Promise<unknown>;
  /** Resolves when it has closed, with the last that it said, undefined for nothing. */
  readonly ended: Promise<unknown>;
  /** Asks it to end its recording. */
  stop(): void;
  /** Hangs up. Harmless twice. */
  close(): void;
}

/** Socket addresses are of at most 107 bytes. */
const MAX_PATH = 100;

/** @throws Failure when there can be none. */
export async function openControlSocket(target: Target): Promise<ControlSocket> {
  const place = process.platform === 'win32' ? pipe() : socketPlace(target);
  let connection: Socket | undefined;
  let noteFirst = (_said: unknown): void => {};
  let noteEnded = (_said: unknown): void => {};
  const first = new Promise<unknown>((resolve) => (noteFirst = resolve));
  const ended = new Promise<unknown>((resolve) => (noteEnded = resolve));
  const server = createServer((socket) => {
    if (connection !== undefined) {
      socket.destroy();
      return;
    }
    connection = socket;
    let last: unknown;
    const lines = createInterface(socket);
    lines.on('line', (line) => {
      last = parsed(line);
      noteFirst(last);
    });
    socket.on('error', () => {});
    lines.once('close', () => {
      noteFirst(undefined);
      noteEnded(last);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Failure(`cannot listen on ${place.path}: ${fileReason(error)}`)),
    );
    server.listen(place.own, resolve);
  });
  place.giveAway();
  return {
    path: place.path,
    first,
    ended,
    stop: () => connection?.write('stop\n'),
    close: () => {
      connection?.destroy();
      server.close();
      place.remove();
    },
  };
}

interface Place {
  /** As this process sees it. */
  readonly own: string;
  readonly path: string;
  /** Lets the user of the process use it. */
  readonly giveAway: () => void;
  readonly remove: () => void;
}

function pipe(): Place {
  const path = `\\\\.\\pipe\\ttrace-${randomUUID()}`;
  return { own: path, path, giveAway: () => {}, remove: () => {} };
}

function socketPlace({ root, userId }: Target): Place {
  const temporary = root === '' && tmpdir().length < MAX_PATH - 30 ? tmpdir() : '/tmp';
  let directory: string;
  try {
    directory = mkdtempSync(join(root + temporary, 'ttrace-attach-'));
  } catch (error) {
    throw new Failure(`cannot make a directory for a socket in ${temporary}: ${fileReason(error)}`);
  }
  const own = join(directory, 'socket');
  return {
    own,
    path: own.slice(root.length),
    giveAway: () => {
      if (userId === undefined || process.getuid?.() !== 0 || userId === 0) return;
      for (const file of [own, directory]) chownSync(file, userId, -1);
      chmodSync(own, 0o600);
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
