/**
 * Tells the services that this process asks which trace a request belongs to, by the headers `traceparent` and `tracestate`. Only
 * when that is asked for, and never where somebody has put one: an instrumentation of OpenTelemetry knows better.
 */
import type { ClientRequest } from 'node:http';
import { Control } from '../ring.ts';
import { PROPAGATE } from '../source-options.ts';
import { ensureTrace, traceHere } from '../task-trace.ts';
import { control, currentTaskId, isTakingPart } from '../thread-recorder.ts';
import { newSpanId, newTraceId, traceparentOf } from '../traceparent.ts';
import { type ExchangeTrace, newExchangeTrace } from './http-exchange.ts';
import { type AnyFunction, patchMethod } from './patch-method.ts';

const NAME = 'traceparent';
const STATE = 'tracestate';

/** Ids that requests have told. */
const told = new WeakMap<object, ExchangeTrace>();

/** Whether requests that this process makes carry their trace. */
export function isPropagated(): boolean {
  return (control[Control.sources]! & PROPAGATE) !== 0;
}

/** Puts the headers into requests of node:http, when their head is about to be sent. The result takes that back. */
export function startPropagation(): () => void {
  if (!isPropagated()) return () => {};
  const { ClientRequest } = process.getBuiltinModule('node:http');
  // What makes the head of requests that do not come with a finished one, in all versions of Node.js from 20 to 26.
  return patchMethod(ClientRequest.prototype, '_implicitHeader', (original, patch) => {
    const patched: AnyFunction = function (...args) {
      try {
        if (patch.isOn && isTakingPart()) tellBy(this as ClientRequest);
      } catch {
        // Not what Node.js makes.
      }
      return Reflect.apply(original, this, args);
    };
    return patched;
  });
}

/** Ids that a request of node:http tells, or will tell; undefined if it tells none of ours. */
export function toldTrace(request: ClientRequest): ExchangeTrace | undefined {
  const known = told.get(request);
  if (known !== undefined || !isPropagated() || request.headersSent || request.hasHeader(NAME)) return known;
  return tellLater(request);
}

function tellLater(request: object): ExchangeTrace | undefined {
  const task = currentTaskId();
  const own =
    task === 0 && traceHere(0) === undefined ? newRoot() : newExchangeTrace(task, ensureTrace(task));
  if (own !== undefined) told.set(request, own);
  return own;
}

/** Ids of a request that nothing is around: its trace begins with it, and is sampled, for it is recorded. */
function newRoot(): ExchangeTrace {
  return { traceId: newTraceId(), spanId: newSpanId(), parentSpanId: '', flags: 1, state: '' };
}

function tellBy(request: ClientRequest): void {
  if (request.headersSent || request.hasHeader(NAME)) return;
  const own = told.get(request) ?? tellLater(request);
  if (own === undefined) return;
  request.setHeader(NAME, traceparentOf(own));
  if (own.state !== '') request.setHeader(STATE, own.state);
}

/** A request of undici as its channel publishes it; from version 6 on its headers are names and values in turn. */
interface UndiciRequest {
  headers?: unknown;
  addHeader?: (name: string, value: string) => unknown;
}

/**
 * Puts the headers into a request of undici that has just been made, and returns the ids; undefined if it has one already. Whoever
 * adds one after us, for the order of listeners is nobody's choice, replaces ours.
 */
export function tellUndici(request: UndiciRequest): ExchangeTrace | undefined {
  const { headers } = request;
  if (!isPropagated() || !Array.isArray(headers) || typeof request.addHeader !== 'function') return undefined;
  if (placeOf(headers, NAME) >= 0) return undefined;
  const own = tellLater(request);
  if (own === undefined) return undefined;
  const add = request.addHeader;
  add.call(request, NAME, traceparentOf(own));
  const hasState = own.state !== '' && placeOf(headers, STATE) < 0;
  if (hasState) add.call(request, STATE, own.state);
  request.addHeader = function (name, value) {
    const lower = String(name).toLowerCase();
    if (lower !== NAME && !(lower === STATE && hasState)) return add.call(this, name, value);
    const list = this.headers as unknown[];
    const at = placeOf(list, lower);
    if (at < 0) return add.call(this, name, value);
    list[at + 1] = value;
    // What came with the one of ours goes with it.
    const state = lower === NAME && hasState ? placeOf(list, STATE) : -1;
    if (state >= 0) list.splice(state, 2);
    return this;
  };
  return own;
}

function placeOf(headers: readonly unknown[], name: string): number {
  for (let i = 0; i < headers.length; i += 2) {
    if (String(headers[i]).toLowerCase() === name) return i;
  }
  return -1;
}
