/** One POST over a connection that stays open. Bounded in time and in what is read of the answer. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { OtlpAnswer } from './otlp-answer.ts';
import type { OtlpTarget } from './otlp-environment.ts';

/** Most bytes of an answer that are kept; the rest is read and forgotten. */
const MAX_ANSWER_BYTES = 1 << 16;

/** Posts bodies to one URL. */
export interface OtlpConnection extends Disposable {
  /** Rejects with the error of the connection; its `code` says which. */
  readonly post: (
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
    timeoutMs: number,
    signal: AbortSignal,
  ) => Promise<OtlpAnswer>;
}

/** Opens connections when they are needed, at most so many. */
export function connectOtlp({ url, tls, headers: own }: OtlpTarget, connections: number): OtlpConnection {
  const isSecure = url.protocol === 'https:';
  const agent = isSecure
    ? new HttpsAgent({ keepAlive: true, maxSockets: connections, ...tls })
    : new HttpAgent({ keepAlive: true, maxSockets: connections });
  const send = isSecure ? httpsRequest : httpRequest;
  const target = new URL(url);
  target.username = '';
  target.password = '';
  return {
    post: (body, headers, timeoutMs, signal) =>
      new Promise((resolve, reject) => {
        const request = send(target, {
          method: 'POST',
          agent,
          signal,
          headers: { ...headers, ...Object.fromEntries(own), 'content-length': String(body.length) },
        });
        const timer = setTimeout(() => {
          request.destroy(
            Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' }),
          );
        }, timeoutMs);
        const fail = (error: Error): void => {
          clearTimeout(timer);
          reject(error);
        };
        request.on('error', fail);
        request.on('response', (response) => {
          const chunks: Uint8Array[] = [];
          let length = 0;
          response.on('data', (chunk: Uint8Array) => {
            length += chunk.length;
            if (length <= MAX_ANSWER_BYTES) chunks.push(chunk);
          });
          response.on('error', fail);
          response.on('end', () => {
            clearTimeout(timer);
            const { statusCode = 0, headers: got } = response;
            resolve({
              status: statusCode,
              contentType: got['content-type'] ?? '',
              retryAfter: got['retry-after'],
              location: got.location,
              body: Buffer.concat(chunks),
            });
          });
        });
        request.end(body);
      }),
    [Symbol.dispose]: () => agent.destroy(),
  };
}
