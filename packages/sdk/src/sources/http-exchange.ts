/**
 * A request that this process makes, as node:http and undici have it in common: an asynchronous slice in the task that makes
 * it, named by method and host; its end says how long each phase took that was seen.
 */
import { Category } from '@ttrace/format/vocabulary';
import { joinedText } from '../attributes.ts';
import { RecordKind } from '../ring.ts';
import { idsText, traceHere } from '../task-trace.ts';
import { currentTaskId, nextId, now, recordWith, sourceName } from '../thread-recorder.ts';
import { newSpanId, type SpanContext } from '../traceparent.ts';
import { boundedNames } from './bounded-names.ts';
import { pathOf } from './request-name.ts';

/** Waiting for a connection that is shorter goes without saying. */
const LEAST_QUEUE_MS = 1;
const MAX_ERROR_LENGTH = 200;

/** One request and what came of it. Durations are in ms, 0 = not seen. */
export interface Exchange {
  readonly id: number;
  readonly label: number;
  readonly task: number;
  readonly start: number;
  /** Until it had a connection, without the time to make one. */
  queueMs: number;
  dnsMs: number;
  connectMs: number;
  tlsMs: number;
  /** When the head of the response came, and its status. */
  headAt: number;
  status: number;
}

/**
 * Begins exchanges of one recording.
 * @param own Ids that the request has told the service, if it has: an exchange that has none gets some if its task has.
 */
export function exchangeOpener(): (
  method: unknown,
  host: string,
  url: string,
  own?: ExchangeTrace,
) => Exchange {
  const labelOf = boundedNames((name) => sourceName(Category.http, name));
  return (method, host, url, own) => {
    const start = now();
    const exchange: Exchange = {
      id: nextId(),
      label: labelOf(`${method} ${host}`, `${method} (other)`),
      task: currentTaskId(),
      start,
      queueMs: 0,
      dnsMs: 0,
      connectMs: 0,
      tlsMs: 0,
      headAt: 0,
      status: 0,
    };
    const { id, label, task } = exchange;
    const path = `{"path":${JSON.stringify(pathOf(url))}}`;
    const text = joinedText(path, exchangeText(own ?? newExchangeTrace(task)));
    recordWith(text, id, 0, RecordKind.asyncBegin, label, task, start, start);
    return exchange;
  };
}

/** Which span in which trace a request is, and whose. */
export interface ExchangeTrace extends SpanContext {
  readonly parentSpanId: string;
}

/** Ids for a request made where the code is in a trace; undefined elsewhere. */
export function newExchangeTrace(
  task: number,
  parent: SpanContext | undefined = traceHere(task),
): ExchangeTrace | undefined {
  return parent === undefined ? undefined : { ...parent, spanId: newSpanId(), parentSpanId: parent.spanId };
}

function exchangeText(trace: ExchangeTrace | undefined): string {
  return trace === undefined ? '' : idsText(trace, trace.parentSpanId);
}

/** Notes the head of a response. */
export function noteHead(exchange: Exchange, status: number): void {
  exchange.headAt = now();
  exchange.status = status;
}

/** Ends an exchange: with an error, broken off, or else well. */
export function endExchange(exchange: Exchange, error: unknown, isAborted: boolean): void {
  const end = now();
  const { id, label, task, start, status, headAt, queueMs } = exchange;
  const text =
    (status === 0 ? '' : `,"status":${status | 0}`) +
    (queueMs < LEAST_QUEUE_MS ? '' : millis('queueMs', queueMs)) +
    millis('dnsMs', exchange.dnsMs) +
    millis('connectMs', exchange.connectMs) +
    millis('tlsMs', exchange.tlsMs) +
    (headAt === 0 ? '' : millis('firstByteMs', headAt - start) + millis('bodyMs', end - headAt)) +
    (error === undefined ? '' : `,"error":${JSON.stringify(errorText(error))}`) +
    (isAborted ? ',"aborted":true' : '');
  recordWith(`{${text.slice(1)}}`, 0, 0, RecordKind.asyncEnd, label, task, end, id);
}

function millis(name: string, value: number): string {
  return value > 0 ? `,"${name}":${Math.round(value * 1000) / 1000}` : '';
}

function errorText(error: unknown): string {
  const { code, name, message } = (error ?? {}) as Readonly<Record<string, unknown>>;
  // Errors of the DOM have numbers for codes.
  return String(typeof code === 'string' ? code : (name ?? message ?? 'failed')).slice(0, MAX_ERROR_LENGTH);
}
