/**
 * The collector's end of the socket on which `ttrace attach` and `ttrace snapshot` wait: the command ends a recording by a word or by
 * being gone, and gets lines of JSON: one that says who is recorded, one that says what came of it. The collector holds it, not the main thread, whose loop may be
 * blocked; and not the inspector, which would keep its port and make an ending process wait.
 */
import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import type { FlightFileResult } from '../flight/files.ts';
import type { FoundThreads } from './worker-finder.ts';

/** Begin of the name of the directory in which a command listens. */
const PLACE = 'ttrace-attach-';
/** How long a command that does not close its end may keep this thread. */
const PATIENCE_MS = 1000;

/** What becomes of an attached recording. */
export interface ControlReport {
  /** Who ended it: a stop, the process that exits, or the collector, because the main thread is blocked. */
  readonly cause: 'stop' | 'exit' | 'blocked';
  readonly records: number;
  readonly dropped: number;
  readonly threads: number;
  readonly refusedThreads: number;
  readonly error: string | undefined;
}

export class ControlLine {
  readonly #socket: Socket;
  /** Whether its events are waited for right now. */
  isConnecting = true;
  /** Whether the command wants an end, or is gone. */
  isOver = false;

  constructor(path: string) {
    // Here, not imported: other recordings need no sockets.
    const { connect } = process.getBuiltinModule('node:net');
    this.#socket = connect(path);
    this.#socket.once('connect', () => {
      this.isConnecting = false;
    });
    // Its one word is `stop`.
    this.#socket.once('data', () => {
      this.isOver = true;
    });
    this.#socket.once('close', () => {
      this.isConnecting = false;
      this.isOver = true;
      removePlace(path);
    });
    this.#socket.on('error', () => {});
  }

  /** Says which threads take part. */
  say(threads: FoundThreads): void {
    this.#socket.write(`${JSON.stringify(threads)}\n`);
  }

  /** Says what came of it, and closes. */
  end(report: ControlReport | FlightFileResult | undefined): void {
    this.#socket.end(`${JSON.stringify(report ?? {})}\n`);
    const timer = setTimeout(() => this.#socket.destroy(), PATIENCE_MS);
    this.#socket.once('close', () => clearTimeout(timer));
  }
}

/** A command that was killed leaves the directory that it made for its socket. */
function removePlace(socket: string): void {
  const place = dirname(socket);
  if (!basename(place).startsWith(PLACE)) return;
  try {
    rmSync(place, { recursive: true, force: true });
  } catch {
    // Of another user.
  }
}
