/**
 * Requests that this process serves, each a task that the handler runs in, named by method and path; what looks like an id in
 * a path becomes `:id`, so that requests of one kind have one name. Known by Node's diagnostics channel, so every framework
 * on node:http is covered.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { attributesText } from '../attributes.ts';
import { RecordKind } from '../ring.ts';
import { enterTask, nameId, nextId, now, recordWith } from '../thread-recorder.ts';
import { requestName } from './request-name.ts';

const CHANNEL = 'http.server.request.start';

interface ServerMessage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** What express leaves on a request. */
interface Routed {
  readonly baseUrl?: unknown;
  readonly route?: { readonly path?: unknown };
}

export function startHttpServer(): () => void {
  let isOn = true;
  const onRequest = (message: unknown): void => {
    const { request, response } = message as ServerMessage;
    const id = nextId();
    const method = request.method ?? '';
    const name = requestName(method, request.url ?? '');
    // No parent: on a kept connection the request before is still the current task.
    const text = attributesText({ method, url: withoutQuery(request.url ?? '') });
    recordWith(text, 0, 0, RecordKind.taskBegin, nameId(name), id, now(), 0);
    enterTask(id);
    // After the last byte, or when the connection broke before.
    response.once('close', () => {
      if (!isOn) return;
      const end = attributesText({
        status: response.headersSent ? response.statusCode : undefined,
        route: routeOf(request as Routed),
        aborted: response.writableFinished ? undefined : true,
      });
      recordWith(end, 0, 0, RecordKind.taskEnd, nameId(name), id, now(), 0);
    });
  };
  subscribe(CHANNEL, onRequest);
  return () => {
    isOn = false;
    unsubscribe(CHANNEL, onRequest);
  };
}

/** A query may hold secrets. */
function withoutQuery(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? url : url.slice(0, at);
}

function routeOf({ route, baseUrl }: Routed): string | undefined {
  const path = route?.path;
  if (typeof path !== 'string') return undefined;
  return typeof baseUrl === 'string' ? `${baseUrl}${path}` : path;
}
