/**
 * Requests that this process serves, each a task that the handler runs in, named by method and path; what looks like an id in
 * a path becomes `:id`, so that requests of one kind have one name. Known by Node's diagnostics channels, so every framework
 * on node:http is covered; HTTP/2 is http2.ts's.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { answerText } from '../answer-texts.ts';
import { joinedText } from '../attributes.ts';
import { ANSWER_STATUSES, RecordKind } from '../ring.ts';
import { endTaskTrace, putInTrace } from '../task-trace.ts';
import { enterTask, nextId, now, recordWith, recordWithTextOf } from '../thread-recorder.ts';
import { parseTraceparent } from '../traceparent.ts';
import { listenOn } from './channels.ts';
import { knownTexts, type TextId } from './known-texts.ts';
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

const TRACEPARENT = 'traceparent';
/** Beyond it a length and a status are no exact number. */
const MAX_BYTES = 2 ** 42;
/** Connections after which those that are gone are looked for, should one have lost its listener. */
const FIRST_SWEEP = 1024;

export function startHttpServer(): () => void {
  const describe = requestDescriber();
  const textId = knownTexts();
  const finish = requestFinisher(textId);
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
      const description = describe(request.method ?? '', request.url ?? '');
      const { label, text } = description;
      const trace = traceText(id, request);
      if (description.textId === 0 && trace === '') description.textId = textId(text);
      // No parent: on a kept connection the request before is still the current task.
      if (trace !== '') recordWith(joinedText(text, trace), 0, 0, RecordKind.taskBegin, label, id, start, 0);
      else if (description.textId === 0) recordWith(text, 0, 0, RecordKind.taskBegin, label, id, start, 0);
      else recordWithTextOf(description.textId, RecordKind.taskBegin, label, id, start, 0);
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
      finish(open);
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
  recordWith(joinedText(text, endTaskTrace(id)), 0, 0, RecordKind.taskEnd, label, id, now(), 0);
}

/**
 * Ids of the trace that a request says it belongs to, as the text of a JSON object; '' if it says nothing. Looks through the raw
 * headers, for Node.js makes an object of them only when somebody asks.
 */
function traceText(id: number, { rawHeaders }: IncomingMessage): string {
  // hot: 20 ns for ten headers. Requests that do not come from a socket may have none.
  if (!Array.isArray(rawHeaders)) return '';
  let at = -1;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length !== TRACEPARENT.length || name.toLowerCase() !== TRACEPARENT) continue;
    // Of two nobody knows which one counts.
    if (at >= 0) return '';
    at = i;
  }
  if (at < 0) return '';
  // Several are one list, as of any header that is a list.
  const states = rawHeaders.filter(
    (_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === 'tracestate',
  );
  return putInTrace(id, parseTraceparent(rawHeaders[at + 1], states.join(',')));
}

/** Ends requests that were answered: the answer is a number, the texts of routes are few. */
function requestFinisher(textId: TextId): (open: Open) => void {
  const routes = new Map<string, number>();
  return ({ id, label, request, response, route }) => {
    // hot
    const time = now();
    const path = route ?? routeOf(request as Routed);
    const answer = answerOf(request, response);
    const trace = endTaskTrace(id);
    if (trace !== '') {
      const where = typeof path === 'string' ? `{"route":${JSON.stringify(path)}}` : '';
      const text = joinedText(answerText(answer, where), trace);
      recordWith(text, 0, 0, RecordKind.taskEnd, label, id, time, 0);
      return;
    }
    if (typeof path !== 'string') {
      recordWithTextOf(0, RecordKind.requestEnd, label, id, time, answer);
      return;
    }
    let known = routes.get(path) ?? 0;
    if (known !== 0) {
      recordWithTextOf(known, RecordKind.requestEnd, label, id, time, answer);
      return;
    }
    const text = `{"route":${JSON.stringify(path)}}`;
    known = textId(text);
    if (known !== 0) routes.set(path, known);
    recordWith(text, 0, 0, RecordKind.requestEnd, label, id, time, answer);
  };
}

/** Status and length of the body, as the record has them. What answers without a socket may say anything. */
function answerOf({ method }: IncomingMessage, response: ServerResponse): number {
  const status = response.statusCode | 0;
  const { _contentLength: length } = response as { readonly _contentLength?: unknown };
  const isKnown = Number.isInteger(length) && method !== 'HEAD';
  const bytes = isKnown ? Math.min(Math.max(-1, length as number), MAX_BYTES) : -1;
  return (status >= 0 && status < ANSWER_STATUSES ? status : 0) + (bytes + 1) * ANSWER_STATUSES;
}

function abortedText({ headersSent, statusCode }: ServerResponse): string {
  return headersSent ? `{"status":${statusCode | 0},"aborted":true}` : '{"aborted":true}';
}

function routeOf({ route, baseUrl }: Routed): string | undefined {
  const path = route?.path;
  if (typeof path !== 'string') return undefined;
  return typeof baseUrl === 'string' ? baseUrl + path : path;
}
