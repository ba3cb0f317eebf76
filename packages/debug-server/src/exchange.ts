/** One request and its answer, as the endpoints see it. */
import type { ServerResponse } from 'node:http';

/** What an endpoint answers. */
export interface Answer {
  readonly type: string;
  readonly body: string | Uint8Array | NodeJS.ReadableStream;
  /** Name under which a browser keeps it; without one it shows it. */
  readonly filename?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called when it has been sent, or cannot be. */
  readonly done?: () => void;
}

/** A request that may be answered. */
export interface Exchange {
  readonly query: URLSearchParams;
  /** Text of a POST. */
  readonly body: string;
  /** Aborts when the client has gone, or the server closes. */
  readonly signal: AbortSignal;
}

/** What every answer has: it is shown as what it is, and nowhere else. */
const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
};

/** Sends an answer. @param isHead without its body. */
export function send(response: ServerResponse, answer: Answer, isHead: boolean): void {
  const { type, body, filename, headers = {}, done } = answer;
  if (done !== undefined) response.once('close', done);
  const disposition =
    filename === undefined ? {} : { 'Content-Disposition': `attachment; filename="${filename}"` };
  response.writeHead(200, { ...HEADERS, 'Content-Type': type, ...disposition, ...headers });
  if (isHead) response.end();
  else if (typeof body === 'string' || body instanceof Uint8Array) response.end(body);
  else body.once('error', () => response.destroy()).pipe(response);
}

/** Sends an error as Go does. */
export function sendProblem(
  response: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, {
    ...HEADERS,
    ...headers,
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Go-Pprof': '1',
  });
  response.end(`${message}\n`);
}
