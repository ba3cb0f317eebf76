/**
 * Requests that this process makes by node:http and node:https, from their making to the last byte of the response; on Node 20,
 * which does not tell earlier, from the time they have a socket and all of their body. Nothing listens for errors: one that the
 * program does not handle must end it as ever.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { now } from '../thread-recorder.ts';
import { listenOn } from './channels.ts';
import { type Exchange, endExchange, exchangeOpener, noteHead } from './http-exchange.ts';
import { toldTrace } from './http-propagation.ts';

interface ClientMessage {
  readonly request: ClientRequest;
}

const NODE_MAJOR = Number(process.versions.node.split('.')[0]);
const BEGIN = NODE_MAJOR >= 22 ? 'http.client.request.created' : 'http.client.request.start';

export function startHttpClient(): () => void {
  const open = exchangeOpener();
  const exchanges = new Map<ClientRequest, Exchange>();
  const connections = watchConnections();

  const end = (request: ClientRequest, error: unknown, isAborted: boolean): void => {
    const exchange = exchanges.get(request);
    if (exchange === undefined) return;
    forget(request);
    endExchange(exchange, error, isAborted);
  };
  const forget = (request: ClientRequest): void => {
    exchanges.delete(request);
    request.off('close', onClose).off('socket', onSocket);
    if (isSocket(request.socket)) connections.forget(request.socket);
  };

  // Comes last: after the last byte of the response, or when it broke off.
  function onClose(this: ClientRequest): void {
    const { res, upgradeOrConnect } = this as { readonly res?: IncomingMessage; upgradeOrConnect?: boolean };
    const exchange = exchanges.get(this);
    // The answer to an upgrade is not published.
    if (exchange !== undefined && exchange.status === 0 && res !== undefined)
      noteHead(exchange, res.statusCode ?? 0);
    end(this, undefined, upgradeOrConnect !== true && res?.complete !== true);
  }

  function onSocket(this: ClientRequest, socket: Socket): void {
    this.off('socket', onSocket);
    const exchange = exchanges.get(this);
    if (exchange === undefined) return;
    exchange.queueMs = now() - exchange.start;
    connections.watch(socket, exchange);
  }

  const unlisten = listenOn({
    [BEGIN]: ({ request }: ClientMessage) => {
      const host = String(request.getHeader('host') ?? request.host);
      const exchange = open(request.method, host, request.path, toldTrace(request));
      exchanges.set(request, exchange);
      request.on('close', onClose);
      if (isSocket(request.socket)) connections.watch(request.socket, exchange);
      else request.on('socket', onSocket);
    },
    'http.client.request.error': ({ request, error }: ClientMessage & { readonly error: unknown }) => {
      end(request, error, false);
    },
    // Published with the head of the response.
    'http.client.response.finish': ({
      request,
      response,
    }: ClientMessage & { readonly response: IncomingMessage }) => {
      const exchange = exchanges.get(request);
      if (exchange !== undefined) noteHead(exchange, response.statusCode ?? 0);
    },
  });
  return () => {
    unlisten();
    for (const request of [...exchanges.keys()]) forget(request);
  };
}

function isSocket(socket: Socket | null | undefined): socket is Socket {
  return socket !== null && socket !== undefined;
}

/** Measures the making of new connections, by events that a socket has until then. */
function watchConnections(): {
  watch(socket: Socket, exchange: Exchange): void;
  forget(socket: Socket): void;
} {
  /** What is being connected, and since when its present phase lasts. */
  const connecting = new Map<Socket, { readonly exchange: Exchange; since: number }>();
  const phase = (socket: Socket, name: 'dnsMs' | 'connectMs' | 'tlsMs'): void => {
    const known = connecting.get(socket);
    if (known === undefined || known.exchange[name] > 0) return;
    const time = now();
    known.exchange[name] = time - known.since;
    known.since = time;
  };

  function onLookup(this: Socket): void {
    phase(this, 'dnsMs');
  }
  function onConnect(this: Socket): void {
    phase(this, 'connectMs');
    if ((this as { readonly encrypted?: boolean }).encrypted !== true) forget(this);
  }
  function onSecureConnect(this: Socket): void {
    phase(this, 'tlsMs');
    forget(this);
  }
  const forget = (socket: Socket): void => {
    if (!connecting.delete(socket)) return;
    socket.off('lookup', onLookup).off('connect', onConnect).off('secureConnect', onSecureConnect);
  };
  return {
    watch(socket, exchange) {
      if (!socket.connecting) return;
      connecting.set(socket, { exchange, since: now() });
      socket.on('lookup', onLookup).on('connect', onConnect).on('secureConnect', onSecureConnect);
    },
    forget,
  };
}
