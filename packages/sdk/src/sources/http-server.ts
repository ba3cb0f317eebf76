/**
 * Requests that this process serves, each a task that the handler runs in, named by method and path; what looks like an id in
 * a path becomes `:id`, so that requests of one kind have one name. Known by Node's diagnostics channels, so every framework
 * on node:http is covered.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { attributesText } from '../attributes.ts';
import { RecordKind } from '../ring.ts';
import { enterTask, nameId, nextId, now, recordWith } from '../thread-recorder.ts';
import { describeRequest } from './request-name.ts';

interface ServerMessage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
}

/** What express leaves on a request. */
interface Routed {
  readonly baseUrl?: unknown;
  readonly route?: { readonly path?: unknown };
}

/** A request that is being served. */
interface Open {
  readonly id: number;
  readonly name: string;
  readonly response: ServerResponse;
}

/** Ends of the plain kind, by status: made once. */
const plainEnds = new Map<number, string>();

export function startHttpServer(): () => void {
  let isOn = true;
  /** Requests being served on each connection, in order: one, or more with pipelining. */
  const connections = new WeakMap<Socket, Open[]>();
  const end = ({ id, name }: Open, text: string): void =>
    recordWith(text, 0, 0, RecordKind.taskEnd, nameId(name), id, now(), 0);
  const openOn = (socket: Socket): Open[] => {
    const known = connections.get(socket);
    if (known !== undefined) return known;
    const open: Open[] = [];
    connections.set(socket, open);
    // One listener a connection: what it takes along when it breaks has no other end.
    socket.once('close', () => {
      for (const one of isOn ? open : []) {
        if (!one.response.writableFinished) end(one, '{"aborted":true}');
      }
    });
    return open;
  };
  const onStart = (message: unknown): void => {
    const { request, response, socket } = message as ServerMessage;
    const id = nextId();
    const { name, text } = describeRequest(request.method ?? '', request.url ?? '');
    // No parent: on a kept connection the request before is still the current task.
    recordWith(text, 0, 0, RecordKind.taskBegin, nameId(name), id, now(), 0);
    enterTask(id);
    openOn(socket).push({ id, name, response });
  };
  const onFinish = (message: unknown): void => {
    const { request, response, socket } = message as ServerMessage;
    const open = connections.get(socket);
    const at = open?.findIndex((one) => one.response === response) ?? -1;
    if (open === undefined || at < 0) return;
    end(open.splice(at, 1)[0]!, endText(response.statusCode, request as Routed));
  };
  subscribe('http.server.request.start', onStart);
  subscribe('http.server.response.finish', onFinish);
  return () => {
    isOn = false;
    unsubscribe('http.server.request.start', onStart);
    unsubscribe('http.server.response.finish', onFinish);
  };
}

function endText(status: number, request: Routed): string {
  const { route, baseUrl } = request;
  if (typeof route?.path === 'string') {
    return attributesText({ status, route: typeof baseUrl === 'string' ? baseUrl + route.path : route.path });
  }
  let text = plainEnds.get(status);
  if (text === undefined) {
    text = `{"status":${Number(status)}}`;
    plainEnds.set(status, text);
  }
  return text;
}
