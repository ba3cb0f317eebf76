/**
 * Requests by undici, Node's own `fetch` or the package, which publish on the same channels and do not go through node:http:
 * from their making to the last byte of the response. What ends in another protocol, such as a WebSocket, has no end there and
 * is left out.
 */
import { now } from '../thread-recorder.ts';
import { listenOn } from './channels.ts';
import { type Exchange, endExchange, exchangeOpener, noteHead } from './http-exchange.ts';
import { tellUndici } from './http-propagation.ts';

interface UndiciRequest {
  headers?: unknown;
  addHeader?: (name: string, value: string) => unknown;
  readonly origin?: unknown;
  readonly path?: unknown;
  readonly method?: unknown;
  readonly upgrade?: unknown;
}

interface RequestMessage {
  readonly request: UndiciRequest;
}

interface ConnectMessage {
  /** Makes the connections of one pool. */
  readonly connector: object;
  readonly socket: object;
}

export function startFetch(): () => void {
  const open = exchangeOpener();
  const exchanges = new WeakMap<object, Exchange>();
  /** When each pool's connections that are being made were begun, oldest first. */
  const begun = new WeakMap<object, number[]>();
  /** How long it took to make connections that nothing was sent on yet. */
  const fresh = new WeakMap<object, number>();
  const end = (request: object, error: unknown): void => {
    const exchange = exchanges.get(request);
    if (exchange === undefined) return;
    exchanges.delete(request);
    endExchange(exchange, error, false);
  };
  return listenOn({
    'undici:request:create': ({ request }: RequestMessage) => {
      const { origin, path, method, upgrade } = request;
      if (typeof upgrade === 'string' || method === 'CONNECT') return;
      const origins = String(origin).replace(/^\w+:\/\//, '');
      const host = origins.endsWith('/') ? origins.slice(0, -1) : origins;
      exchanges.set(request, open(method, host, String(path), tellUndici(request)));
    },
    'undici:client:beforeConnect': ({ connector }: ConnectMessage) => {
      const times = begun.get(connector) ?? [];
      begun.set(connector, times);
      times.push(now());
    },
    'undici:client:connected': ({ connector, socket }: ConnectMessage) => {
      const since = begun.get(connector)?.shift();
      if (since !== undefined) fresh.set(socket, now() - since);
    },
    'undici:client:connectError': ({ connector }: ConnectMessage) => {
      begun.get(connector)?.shift();
    },
    'undici:client:sendHeaders': ({ request, socket }: RequestMessage & ConnectMessage) => {
      const exchange = exchanges.get(request);
      if (exchange === undefined) return;
      exchange.connectMs = fresh.get(socket) ?? 0;
      fresh.delete(socket);
      exchange.queueMs = now() - exchange.start - exchange.connectMs;
    },
    'undici:request:headers': ({
      request,
      response,
    }: RequestMessage & { readonly response: { readonly statusCode: number } }) => {
      const exchange = exchanges.get(request);
      if (exchange !== undefined) noteHead(exchange, response.statusCode);
    },
    'undici:request:trailers': ({ request }: RequestMessage) => end(request, undefined),
    'undici:request:error': ({ request, error }: RequestMessage & { readonly error: unknown }) =>
      end(request, error ?? 'failed'),
  });
}
