/**
 * HTTP/2: streams that this process serves as tasks, and those that it opens as asynchronous slices, as of HTTP/1. Known by Node's
 * diagnostics channels, which exist from Node.js 22.17 and 24.2 on; before, nothing is recorded. What a server pushes is part of the request
 * that it is pushed for.
 */
import type { Http2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { joinedText } from '../attributes.ts';
import { RecordKind } from '../ring.ts';
import { endTaskTrace, putInTrace } from '../task-trace.ts';
import { enterTask, nextId, now, recordWith } from '../thread-recorder.ts';
import { parseTraceparent } from '../traceparent.ts';
import { listenOn } from './channels.ts';
import { type Exchange, endExchange, exchangeOpener, noteHead } from './http-exchange.ts';
import { requestDescriber } from './request-name.ts';

interface StreamMessage {
  readonly stream: Http2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly error?: unknown;
}

/** Of fastify, whose requests know their route only there. */
interface HandlerMessage {
  readonly request: { readonly raw: { readonly stream?: Http2Stream } };
  readonly route: { readonly url?: unknown };
}

/** A stream that is being served. */
interface Open {
  readonly id: number;
  readonly label: number;
  route: string | undefined;
}

/** The code with which a client says that it does not want an answer any more. */
const CANCEL = 8;

export function startHttp2(): () => void {
  const stops = [startServer(), startClient()];
  return () => {
    for (const stop of stops) stop();
  };
}

function startServer(): () => void {
  const describe = requestDescriber();
  const streams = new Map<Http2Stream, Open>();
  const unlisten = listenOn({
    'http2.server.stream.created': ({ stream, headers }: StreamMessage) => {
      if (isPushed(stream)) return;
      const id = nextId();
      const { label, text } = describe(String(headers[':method']), String(headers[':path'] ?? ''));
      const { traceparent, tracestate } = headers;
      const trace =
        traceparent === undefined ? '' : putInTrace(id, parseTraceparent(traceparent, tracestate ?? ''));
      recordWith(joinedText(text, trace), 0, 0, RecordKind.taskBegin, label, id, now(), 0);
      enterTask(id);
      streams.set(stream, { id, label, route: undefined });
    },
    'http2.server.stream.close': ({ stream }: StreamMessage) => {
      const open = streams.get(stream);
      if (open === undefined) return;
      streams.delete(stream);
      const text = joinedText(answerText(stream, open.route), endTaskTrace(open.id));
      recordWith(text, 0, 0, RecordKind.taskEnd, open.label, open.id, now(), 0);
    },
    'tracing:fastify.request.handler:start': ({ request: { raw }, route: { url } }: HandlerMessage) => {
      const open = raw.stream === undefined ? undefined : streams.get(raw.stream);
      if (open !== undefined && typeof url === 'string') open.route = url;
    },
  });
  return () => {
    unlisten();
    streams.clear();
  };
}

function answerText(stream: Http2Stream, route: string | undefined): string {
  const { sentHeaders, rstCode, aborted } = stream as Http2Stream & { sentHeaders?: OutgoingHttpHeaders };
  const status = Number(sentHeaders?.[':status']);
  const bytes = Number(sentHeaders?.['content-length']);
  const text =
    (status > 0 ? `,"status":${status}` : '') +
    (route === undefined ? '' : `,"route":${JSON.stringify(route)}`) +
    (bytes >= 0 ? `,"responseBytes":${bytes}` : '') +
    (aborted || isReset(rstCode) ? ',"aborted":true' : '');
  return `{${text.slice(1)}}`;
}

function startClient(): () => void {
  const open = exchangeOpener();
  const exchanges = new Map<Http2Stream, { readonly exchange: Exchange; error: unknown }>();
  const unlisten = listenOn({
    'http2.client.stream.created': ({ stream, headers }: StreamMessage) => {
      if (isPushed(stream)) return;
      const host = String(headers[':authority'] ?? headers.host ?? '');
      const exchange = open(headers[':method'] ?? 'GET', host, String(headers[':path'] ?? '/'));
      exchanges.set(stream, { exchange, error: undefined });
    },
    // Published with the head of the response.
    'http2.client.stream.finish': ({ stream, headers }: StreamMessage) => {
      const known = exchanges.get(stream);
      if (known !== undefined) noteHead(known.exchange, Number(headers[':status']));
    },
    'http2.client.stream.error': ({ stream, error }: StreamMessage) => {
      const known = exchanges.get(stream);
      if (known !== undefined) known.error = error;
    },
    'http2.client.stream.close': ({ stream }: StreamMessage) => {
      const known = exchanges.get(stream);
      if (known === undefined) return;
      exchanges.delete(stream);
      const { rstCode, aborted } = stream;
      const isFailed = isReset(rstCode) && rstCode !== CANCEL;
      endExchange(
        known.exchange,
        known.error ?? (isFailed ? { code: `reset ${rstCode}` } : undefined),
        rstCode === CANCEL || (aborted && !isFailed),
      );
    },
  });
  return () => {
    unlisten();
    exchanges.clear();
  };
}

/** Streams that a server has opened have even numbers. */
function isPushed({ id }: Http2Stream): boolean {
  return id !== undefined && id > 0 && id % 2 === 0;
}

/** 0: it was not reset. Undefined: it is over before anybody has said. */
function isReset(code: number | undefined): boolean {
  return code !== undefined && code !== 0;
}
