/**
 * Requests by undici, Node's own `fetch` or the package: asynchronous slices named by method and host, in the task that makes
 * them, with when the head of the response came.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Category } from '@ttrace/format';
import { attributesText } from '../attributes.ts';
import { RecordKind } from '../ring.ts';
import { currentTaskId, nextId, now, recordWith, sourceName } from '../thread-recorder.ts';
import { rounded } from './http-client.ts';

interface UndiciRequest {
  readonly origin?: unknown;
  readonly path?: unknown;
  readonly method?: unknown;
}

interface Exchange {
  readonly id: number;
  readonly name: number;
  readonly task: number;
  readonly start: number;
  status?: number;
  firstByteMs?: number;
}

export function startFetch(): () => void {
  let isOn = true;
  const exchanges = new WeakMap<object, Exchange>();
  const finish = (request: object, error: unknown): void => {
    const exchange = exchanges.get(request);
    if (exchange === undefined || !isOn) return;
    exchanges.delete(request);
    const { id, name, task, status, firstByteMs } = exchange;
    const text = attributesText({
      status,
      firstByteMs,
      error: error === undefined ? undefined : errorText(error),
    });
    recordWith(text, 0, 0, RecordKind.asyncEnd, name, task, now(), id);
  };
  const listeners: Record<
    string,
    (message: { readonly request: UndiciRequest; readonly [key: string]: unknown }) => void
  > = {
    create: ({ request }) => {
      const start = now();
      const host = String(request.origin).replace(/^\w+:\/\//, '');
      const name = sourceName(Category.http, `${String(request.method)} ${host}`);
      const exchange = { id: nextId(), name, task: currentTaskId(), start };
      exchanges.set(request, exchange);
      const text = attributesText({ path: String(request.path).replace(/\?.*/s, '') });
      recordWith(text, exchange.id, 0, RecordKind.asyncBegin, name, exchange.task, start, start);
    },
    headers: ({ request, response }) => {
      const exchange = exchanges.get(request);
      if (exchange === undefined) return;
      exchange.status = (response as { readonly statusCode: number }).statusCode;
      exchange.firstByteMs = rounded(now() - exchange.start);
    },
    trailers: ({ request }) => finish(request, undefined),
    error: ({ request, error }) => finish(request, error),
  };
  for (const [event, listener] of Object.entries(listeners))
    subscribe(`undici:request:${event}`, listener as never);
  return () => {
    isOn = false;
    for (const [event, listener] of Object.entries(listeners))
      unsubscribe(`undici:request:${event}`, listener as never);
  };
}

function errorText(error: unknown): string {
  const { code, name, message } = (error ?? {}) as Readonly<Record<string, unknown>>;
  // Errors of the DOM have numbers for codes.
  return String(typeof code === 'string' ? code : (name ?? message ?? 'failed'));
}
