/**
 * What this process waits for at the other end of its connections, such as a database or a cache: an asynchronous slice from a write to the
 * next bytes that come back, in the task that wrote. Protocols are not known: where several tasks share a connection, the bytes end what each of
 * them waits for. HTTP is http.ts's.
 *
 * Nothing listens on a socket: a listener for data changes how the stream flows. Once a turn of the loop, while somebody waits, each socket is asked
 * how many bytes it has read; they had come when the loop went on.
 */
import { AsyncResource } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Category } from '@ttrace/format/vocabulary';
import { RecordKind } from '../ring.ts';
import { currentTaskId, nextId, now, recordWith, sourceName } from '../thread-recorder.ts';
import { boundedNames } from './bounded-names.ts';
import { withoutOwnFrames } from './own-frames.ts';
import { patchMethod } from './patch-method.ts';

// Bound early: test tools replace them.
const { setImmediate, clearImmediate } = globalThis;
const timing = performance.nodeTiming as typeof performance.nodeTiming & { readonly idleTime: number };

/** Beyond so many on one connection nobody is waited for one by one. */
const MAX_WAITS = 64;

/** Below this the loop has not really waited. */
const NO_WAIT_MS = 0.02;

interface Wait {
  readonly task: number;
  readonly start: number;
  /** 0 = it is not in the trace yet. */
  id: number;
}

/** A connection that this process has made. */
interface Connection {
  /** 0 until it is connected: then it is known where it leads. */
  label: number;
  readonly waits: Wait[];
  /** As many bytes had it read when its first wait began. */
  bytesRead: number;
  /** Whether a write waits for it to be connected: it is made once more then. */
  hasEarlyWrite: boolean;
  /** Whether anything has ever come back. To what nobody answers, such as a stream of logs, nobody waits. */
  isAnswered: boolean;
}

interface Peer {
  address?: string;
  port?: number;
}

/** What Node.js and undici keep on a socket. */
interface Known {
  /** Of one that a server has accepted, or been given. */
  readonly _server?: object | null;
  readonly server?: object | null;
  readonly _tlsOptions?: { readonly isServer?: boolean };
  /** The request of node:http that has it. */
  readonly _httpMessage?: object | null;
  /** Name that was looked up for it. */
  readonly _host?: string | null;
  readonly _handle?: { getpeername?(peer: Peer): number } | null;
}

export function startSockets(): () => void {
  const labelOf = boundedNames((name) => sourceName(Category.socket, name));
  /** undefined where nobody is waited for. */
  const connections = new WeakMap<Socket, Connection | undefined>();
  const waiting = new Map<Socket, Connection>();
  const scope = new AsyncResource('ttrace', { requireManualDestroy: true });
  let immediate: NodeJS.Immediate | undefined;
  let [last, lastIdle] = [0, 0];

  /**
   * When the loop went on after it waited last; of what ran before that in this turn nothing is known. Where it did not wait, what came
   * had come while code ran.
   */
  const wokenAt = (): number => {
    const waited = timing.idleTime - lastIdle;
    return waited < NO_WAIT_MS ? now() : last + waited;
  };

  const watch = (): void => {
    last = now();
    lastIdle = timing.idleTime;
    // One that does not keep the process alive runs once a turn, after the callbacks of I/O.
    immediate = setImmediate(onTurn);
    immediate.unref();
  };
  function onTurn(): void {
    immediate = undefined;
    settleAll();
    if (waiting.size > 0) watch();
  }
  const settleAll = (): void => {
    const time = wokenAt();
    for (const [socket, connection] of waiting) {
      try {
        settle(socket, connection, time);
      } catch {
        // A socket that is not as Node.js makes them.
        waiting.delete(socket);
      }
    }
  };

  const settle = (socket: Socket, connection: Connection, time: number): void => {
    const { waits } = connection;
    if (waits.length === 0) return;
    const isAnswered = socket.bytesRead !== connection.bytesRead;
    if (!isAnswered && !socket.destroyed) return;
    // Of those that wrote where nothing had come back yet, the others may have wanted no answer.
    const ended = connection.isAnswered ? waits : waits.slice(-1);
    if (isAnswered) connection.isAnswered = true;
    waiting.delete(socket);
    for (const wait of ended) {
      if (isAnswered) begin(socket, connection, wait);
      if (wait.id === 0) continue;
      const text = isAnswered ? '' : '{"aborted":true}';
      const end = Math.max(wait.start, isAnswered ? time : now());
      recordWith(text, 0, 0, RecordKind.asyncEnd, connection.label, wait.task, end, wait.id);
    }
    waits.length = 0;
  };

  const begin = (socket: Socket & Known, connection: Connection, wait: Wait): void => {
    if (wait.id !== 0) return;
    if (connection.label === 0) name(socket, connection);
    if (connection.label === 0) return;
    wait.id = nextId();
    const { task, start, id } = wait;
    recordWith('', id, 0, RecordKind.asyncBegin, connection.label, task, start, start);
  };

  /** Pipes and Unix sockets have no port, and none is known of what is closed. */
  const name = ({ _host, _handle }: Known, connection: Connection): void => {
    // Asked by the socket's own properties it would remember the answer, and give it after its end as well.
    const peer: Peer = {};
    _handle?.getpeername?.(peer);
    if (peer.port === undefined) return;
    connection.label = labelOf(`socket ${_host ?? peer.address}:${peer.port}`, 'socket (other)');
  };

  const noteWrite = (socket: Socket & Known): void => {
    // hot: also once a response of a server.
    if (socket._server != null || socket._httpMessage != null) return;
    let connection = connections.get(socket);
    if (connection === undefined) {
      if (connections.has(socket)) return;
      connection = isOwnConnection(socket)
        ? { label: 0, waits: [], bytesRead: 0, hasEarlyWrite: false, isAnswered: false }
        : undefined;
      connections.set(socket, connection);
      if (connection === undefined) return;
    }
    if (connection.label === 0 && !socket.connecting) {
      name(socket, connection);
      // A pipe, such as stdout.
      if (connection.label === 0) {
        connections.set(socket, undefined);
        return;
      }
    }
    const isAgain = connection.hasEarlyWrite && !socket.connecting;
    connection.hasEarlyWrite = socket.connecting;
    if (isAgain) return;
    const { waits } = connection;
    // Answered in this very turn.
    if (waits.length > 0) settle(socket, connection, wokenAt());
    const task = currentTaskId();
    if (waits.length >= MAX_WAITS || waits.some((wait) => wait.task === task)) return;
    const wait: Wait = { task, start: now(), id: 0 };
    if (waits.push(wait) === 1) {
      connection.bytesRead = socket.bytesRead;
      waiting.set(socket, connection);
    }
    if (connection.isAnswered) begin(socket, connection, wait);
    // In the context of whoever writes it would keep that alive.
    if (immediate === undefined) scope.runInAsyncScope(watch);
  };

  const unpatch = patchMethod(
    process.getBuiltinModule('node:net').Socket.prototype,
    '_writeGeneric',
    (original, patch) =>
      function (this: unknown, several, data, encoding, callback) {
        try {
          if (patch.isOn) noteWrite(this as Socket);
        } catch {
          // A socket that is not as Node.js makes them.
        }
        const result = original.call(this, several, data, encoding, callback);
        const { errored } = this as { readonly errored?: unknown };
        if (errored !== null && errored !== undefined) withoutOwnFrames(errored);
        return result;
      },
  );
  return () => {
    unpatch();
    clearImmediate(immediate);
    settleAll();
    waiting.clear();
  };
}

/**
 * Whether this process has made it, for something else than HTTP by undici. One that another process has accepted and handed over to
 * code that is no HTTP server cannot be told from it.
 */
function isOwnConnection(socket: Socket & Known): boolean {
  if (socket.server != null || socket._tlsOptions?.isServer === true) return false;
  return Object.getOwnPropertySymbols(socket).every(({ description }) => description !== 'parser');
}
