/** The HTTP server: what comes before and after an endpoint. Whatever it is sent, and however a connection ends, it goes on. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ChosenOptions } from './debug-server-options.ts';
import { endpointAt, type Served } from './endpoints.ts';
import { send, sendProblem } from './exchange.ts';
import { guard } from './guard.ts';
import { HttpProblem } from './http-problem.ts';

/** A body has addresses for `symbol`, and nothing else. */
const MAX_BODY = 1 << 20;
const MAX_CONNECTIONS = 100;
const SYMBOL = '/debug/pprof/symbol';

/** @param closing aborts when the server closes: captures end. */
export function createDebugHttpServer(served: Served, options: ChosenOptions, closing: AbortSignal): Server {
  const server = createServer((request, response) => {
    void answer(request, response, served, options, closing);
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.keepAliveTimeout = 5000;
  // An answer takes as long as its capture.
  server.timeout = 0;
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  served: Served,
  options: ChosenOptions,
  closing: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.on('error', () => {});
  const signal = AbortSignal.any([gone.signal, closing]);
  try {
    const url = addressOf(request);
    guard(request, url, options);
    const { method = '' } = request;
    const isHead = method === 'HEAD';
    if (method !== 'GET' && !isHead && !(method === 'POST' && url.pathname === SYMBOL)) {
      throw new HttpProblem(405, `${method} is not answered`, { Allow: 'GET, HEAD' });
    }
    const endpoint = endpointAt(url.pathname);
    if (endpoint === undefined) throw new HttpProblem(404, 'Unknown profile');
    const body = method === 'POST' ? await bodyOf(request) : '';
    if (isHead) return send(response, { type: 'application/octet-stream', body: '' }, true);
    const result = await endpoint(served, { query: url.searchParams, body, signal });
    if (!gone.signal.aborted) send(response, result, false);
    else result.done?.();
  } catch (error) {
    if (gone.signal.aborted || response.headersSent) return;
    if (error instanceof HttpProblem) sendProblem(response, error.status, error.message, error.headers);
    else sendProblem(response, 500, `the debug server failed: ${(error as Error).message}`, {});
  }
}

/** @throws HttpProblem */
function addressOf({ url = '' }: IncomingMessage): URL {
  // Paths only: no address of a proxy's, and nothing that a parser might take for a host.
  if (!url.startsWith('/') || url.startsWith('//')) throw new HttpProblem(400, 'that is no path');
  try {
    return new URL(url, 'http://ttrace.invalid');
  } catch {
    throw new HttpProblem(400, 'that is no path');
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length > MAX_BODY) throw new HttpProblem(413, 'that is too much', { Connection: 'close' });
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
