/**
 * What this process waits for at the other end of its connections, such as a database or a cache: an asynchronous slice from a write to the
 * next bytes that come back, in the task that wrote. Protocols are not known: where several tasks share a connection, the bytes end what each of
 * them waits for. HTTP is http.ts's; who reads by `readable` alone is not seen.
 */
import type { Socket } from 'node:net';
import { Category } from '@ttrace/format/vocabulary';
import { RecordKind } from '../ring.ts';
import { currentTaskId, nextId, now, recordWith, sourceName } from '../thread-recorder.ts';
import { boundedNames } from './bounded-names.ts';
import { patchMethod } from './patch-method.ts';

/** Beyond so many on one connection nobody is waited for one by one. */
const MAX_WAITS = 64;

interface Wait {
  readonly id: number;
  readonly task: number;
}

/** A connection that this process has made. */
interface Connection {
  /** 0 until it is connected: then it is known where it leads. */
  label: number;
  readonly waits: Wait[];
  /** The first write while it is being connected; NaN = none. */
  early: number;
  earlyTask: number;
}

/** What Node.js keeps on a socket. */
interface Known {
  /** Of one that a server has accepted. */
  readonly _server?: object | null;
  readonly _tlsOptions?: { readonly isServer?: boolean };
  /** The request of node:http that has it. */
  readonly _httpMessage?: object | null;
  /** Name that was looked up for it. */
  readonly _host?: string | null;
}

export function startSockets(): () => void {
  const labelOf = boundedNames((name) => sourceName(Category.socket, name));
  const connections = new Map<Socket, Connection>();

  function onData(this: Socket): void {
    endAll(connections.get(this), '');
  }
  function onClose(this: Socket): void {
    endAll(connections.get(this), '{"aborted":true}');
    forget(this);
  }
  const forget = (socket: Socket): void => {
    connections.delete(socket);
    socket.off('close', onClose).off('data', onData);
  };

  const connectionOf = (socket: Socket): Connection => {
    const known = connections.get(socket);
    if (known !== undefined) return known;
    const made: Connection = { label: 0, waits: [], early: Number.NaN, earlyTask: 0 };
    connections.set(socket, made);
    socket.on('close', onClose);
    return made;
  };

  const noteWrite = (socket: Socket & Known): void => {
    // hot: also once a response of a server.
    if (socket._server != null || socket._httpMessage != null || socket._tlsOptions?.isServer === true)
      return;
    if (socket.connecting) {
      const connection = connectionOf(socket);
      if (!Number.isNaN(connection.early)) return;
      connection.early = now();
      connection.earlyTask = currentTaskId();
      return;
    }
    // To listen for data makes a stream flow, unless somebody does already. Pipes of child processes have no other end.
    if (socket.remotePort === undefined || socket.listenerCount('data') === 0) return;
    const connection = connectionOf(socket);
    const isEarly = !Number.isNaN(connection.early);
    const task = isEarly ? connection.earlyTask : currentTaskId();
    const start = isEarly ? connection.early : now();
    connection.early = Number.NaN;
    const { waits } = connection;
    if (waits.length >= MAX_WAITS || waits.some((wait) => wait.task === task)) return;
    if (connection.label === 0) {
      connection.label = labelOf(
        `socket ${socket._host ?? socket.remoteAddress}:${socket.remotePort}`,
        'socket (other)',
      );
    }
    if (waits.length === 0) socket.prependOnceListener('data', onData);
    const id = nextId();
    waits.push({ id, task });
    recordWith('', id, 0, RecordKind.asyncBegin, connection.label, task, start, start);
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
        return original.call(this, several, data, encoding, callback);
      },
  );
  return () => {
    unpatch();
    for (const socket of [...connections.keys()]) forget(socket);
  };
}

function endAll(connection: Connection | undefined, text: string): void {
  if (connection === undefined || connection.waits.length === 0) return;
  const end = now();
  for (const { id, task } of connection.waits.splice(0)) {
    recordWith(text, 0, 0, RecordKind.asyncEnd, connection.label, task, end, id);
  }
}
