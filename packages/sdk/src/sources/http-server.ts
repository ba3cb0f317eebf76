/**
 * Requests that this process serves, each a task that the handler runs in, named by method and path; what looks like an id in
 * a path becomes `:id`, so that requests of one kind have one name. Known by Node's diagnostics channels, so every framework
 * on node:http is covered; HTTP/2 is not.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { RecordKind } from '../ring.ts';
import { enterTask, nextId, now, recordWith } from '../thread-recorder.ts';
import { listenOn } from './channels.ts';
import { requestDescriber } from './request-name.ts';

interface ServerMessage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
}

/** Of fastify, whose requests know their route only there. */
interface HandlerMessage {
  readonly request: { readonly raw: IncomingMessage };
  readonly route: { readonly url?: unknown };
}

/** What express leaves on a request. */
interface Routed {
  readonly baseUrl?: unknown;
  readonly route?: { readonly path?: unknown };
}

/** A request that is being served. */
interface Open {
  readonly id: number;
  readonly label: number;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  route: unknown;
}

/** Connections after which those that are gone are looked for, should one have lost its listener. */
const FIRST_SWEEP = 1024;

export function startHttpServer(): () => void {
  const describe = requestDescriber();
  /** Requests being served on each connection, in order: one, or more with pipelining. */
  const connections = new Map<Socket, Open[]>();
  let sweepAt = FIRST_SWEEP;

  // One listener a connection: what it takes along when it breaks has no other end.
  function onClose(this: Socket): void {
    for (const open of connections.get(this) ?? []) end(open, abortedText(open.response));
    connections.delete(this);
  }

  const openOn = (socket: Socket): Open[] => {
    const known = connections.get(socket);
    if (known !== undefined) return known;
    if (connections.size >= sweepAt) {
      for (const [other, open] of connections) {
        if (other.destroyed && open.length === 0) connections.delete(other);
      }
      sweepAt = Math.max(FIRST_SWEEP, connections.size * 2);
    }
    const open: Open[] = [];
    connections.set(socket, open);
    socket.on('close', onClose);
    return open;
  };

  const unlisten = listenOn({
    'http.server.request.start': ({ request, response, socket }: ServerMessage) => {
      // hot
      const start = now();
      const id = nextId();
      const { label, text } = describe(request.method ?? '', request.url ?? '');
      // No parent: on a kept connection the request before is still the current task.
      recordWith(text, 0, 0, RecordKind.taskBegin, label, id, start, 0);
      enterTask(id);
      openOn(socket).push({ id, label, request, response, route: undefined });
    },
    'http.server.response.finish': ({ response, socket }: ServerMessage) => {
      // hot
      const requests = connections.get(socket);
      if (requests === undefined) return;
      const at =
        requests[0]?.response === response ? 0 : requests.findIndex((open) => open.response === response);
      // Begun before the recording.
      if (at < 0) return;
      const open = at === 0 ? requests.shift()! : requests.splice(at, 1)[0]!;
      end(open, finishedText(open));
    },
    'tracing:fastify.request.handler:start': ({ request: { raw }, route }: HandlerMessage) => {
      const open = connections.get(raw.socket)?.find(({ request }) => request === raw);
      if (open !== undefined) open.route = route.url;
    },
  });
  return () => {
    unlisten();
    for (const socket of connections.keys()) socket.off('close', onClose);
    connections.clear();
  };
}

function end({ id, label }: Open, text: string): void {
  recordWith(text, 0, 0, RecordKind.taskEnd, label, id, now(), 0);
}

function finishedText({ request, response, route }: Open): string {
  const path = route ?? routeOf(request as Routed);
  const { _contentLength: length } = response as { readonly _contentLength?: unknown };
  const bytes = typeof length === 'number' && request.method !== 'HEAD' ? `,"responseBytes":${length}` : '';
  const where = typeof path === 'string' ? `,"route":${JSON.stringify(path)}` : '';
  return `{"status":${response.statusCode | 0}${where}${bytes}}`;
}

function abortedText({ headersSent, statusCode }: ServerResponse): string {
  return headersSent ? `{"status":${statusCode | 0},"aborted":true}` : '{"aborted":true}';
}

function routeOf({ route, baseUrl }: Routed): string | undefined {
  const path = route?.path;
  if (typeof path !== 'string') return undefined;
  return typeof baseUrl === 'string' ? baseUrl + path : path;
}
