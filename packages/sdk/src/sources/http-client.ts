/**
 * Requests that this process makes by node:http and node:https: asynchronous slices named by method and host, in the task
 * that makes them, from the request to the last byte of the response.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Category } from '@ttrace/format';
import { attributesText } from '../attributes.ts';
import { RecordKind } from '../ring.ts';
import { currentTaskId, nextId, now, recordWith, sourceName } from '../thread-recorder.ts';

interface Exchange {
  readonly id: number;
  readonly name: number;
  readonly task: number;
  readonly start: number;
  response?: IncomingMessage;
  firstByteMs?: number;
}

export function startHttpClient(): () => void {
  let isOn = true;
  const exchanges = new WeakMap<ClientRequest, Exchange>();
  const finish = (request: ClientRequest, facts: Readonly<Record<string, unknown>>): void => {
    const exchange = exchanges.get(request);
    if (exchange === undefined || !isOn) return;
    exchanges.delete(request);
    const { id, name, task } = exchange;
    recordWith(attributesText(facts as never), 0, 0, RecordKind.asyncEnd, name, task, now(), id);
  };
  const listeners: Record<string, (message: unknown) => void> = {
    'http.client.request.start': (message) => {
      const { request } = message as { readonly request: ClientRequest };
      const start = now();
      const name = sourceName(
        Category.http,
        `${request.method} ${String(request.getHeader('host') ?? request.host)}`,
      );
      const exchange: Exchange = { id: nextId(), name, task: currentTaskId(), start };
      exchanges.set(request, exchange);
      const text = attributesText({ path: request.path.replace(/\?.*/s, '') });
      recordWith(text, exchange.id, 0, RecordKind.asyncBegin, name, exchange.task, start, start);
      // Comes last, after the response's last byte, an error, or when the program gives up.
      request.once('close', () => finish(request, answerOf(exchange)));
    },
    'http.client.request.error': (message) => {
      const { request, error } = message as { readonly request: ClientRequest; readonly error: Error };
      finish(request, { error: (error as NodeJS.ErrnoException).code ?? error.message });
    },
    // Published with the head of the response.
    'http.client.response.finish': (message) => {
      const { request, response } = message as {
        readonly request: ClientRequest;
        readonly response: IncomingMessage;
      };
      const exchange = exchanges.get(request);
      if (exchange === undefined) return;
      exchange.response = response;
      exchange.firstByteMs = rounded(now() - exchange.start);
    },
  };
  for (const [channel, listener] of Object.entries(listeners)) subscribe(channel, listener);
  return () => {
    isOn = false;
    for (const [channel, listener] of Object.entries(listeners)) unsubscribe(channel, listener);
  };
}

function answerOf({ response, firstByteMs }: Exchange): Readonly<Record<string, unknown>> {
  if (response === undefined) return { aborted: true };
  return { status: response.statusCode, firstByteMs, aborted: response.complete ? undefined : true };
}

/** Milliseconds with three digits. */
export function rounded(millis: number): number {
  return Math.round(millis * 1000) / 1000;
}
