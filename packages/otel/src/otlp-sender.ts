/**
 * Sends bodies: so many at a time, each made when one before it is done, so that never more than those in flight are in memory. What may
 * succeed later is tried again until its deadline. What is lost is counted with the reason; nothing is lost without a count.
 */
import { isPage, type OtlpAnswer, partialSuccessIn, refusalIn } from './otlp-answer.ts';
import type { OtlpBody } from './otlp-bodies.ts';
import { type OtlpTarget, shownAddress } from './otlp-environment.ts';
import { gzipBody } from './otlp-gzip.ts';
import { connectOtlp, type OtlpConnection } from './otlp-request.ts';
import { isRetryableError, isRetryableStatus, retryAfterMs, waitMs } from './otlp-retry.ts';

/** How bodies are sent. */
export interface SendOptions {
  /** Requests at a time. */
  readonly inFlight: number;
  /** How long one body is tried again, in milliseconds: no try begins later. */
  readonly deadlineMs: number;
  /** Stops sending when it is aborted. */
  readonly signal: AbortSignal;
  /** Called with the spans that were answered for, after each answer. */
  readonly onProgress: (spans: number) => void;
  /** Called before a wait that the receiver asks for with `Retry-After`, with its answer. */
  readonly onWait?: ((ms: number, answer: string) => void) | undefined;
}

/** What became of the bodies. */
export interface SendResult {
  /** Spans that the receiver took. */
  readonly sent: number;
  /** Spans that it did not take, by reason. */
  readonly lost: ReadonlyMap<string, number>;
  /** What it said though it took all of a request, each text once. */
  readonly warnings: readonly string[];
  readonly requests: number;
  readonly retries: number;
  /** Bytes of all bodies that were taken, as sent. */
  readonly bytes: number;
  /** Why sending ended before all was tried; the rest of the spans were not sent. */
  readonly stopped: string | undefined;
}

/** Receivers that put a number into every message would fill memory. */
const MAX_TEXTS = 20;
/** Answers that all further requests would get as well. */
const HOPELESS: ReadonlySet<number> = new Set([401, 403, 404, 405, 407, 410, 501]);

/** Sends all bodies. Never rejects for what a receiver does. */
export async function sendBodies(
  bodies: Iterator<OtlpBody>,
  target: OtlpTarget,
  options: SendOptions,
): Promise<SendResult> {
  using connection = connectOtlp(target, options.inFlight);
  const sender = new Sender(connection, target, options);
  const workers = Array.from({ length: options.inFlight }, async () => {
    while (!sender.isStopped) {
      const { done, value } = bodies.next();
      if (done === true) return;
      await sender.deliver(value);
    }
  });
  await Promise.all(workers);
  return sender.result();
}

class Sender {
  readonly #connection: OtlpConnection;
  readonly #target: OtlpTarget;
  readonly #options: SendOptions;
  readonly #lost = new Map<string, number>();
  readonly #warnings = new Set<string>();
  #sent = 0;
  #done = 0;
  #requests = 0;
  #retries = 0;
  #bytes = 0;
  #stopped: string | undefined;

  constructor(connection: OtlpConnection, target: OtlpTarget, options: SendOptions) {
    this.#connection = connection;
    this.#target = target;
    this.#options = options;
  }

  get isStopped(): boolean {
    return this.#stopped !== undefined || this.#options.signal.aborted;
  }

  result(): SendResult {
    return {
      sent: this.#sent,
      lost: this.#lost,
      warnings: [...this.#warnings],
      requests: this.#requests,
      retries: this.#retries,
      bytes: this.#bytes,
      stopped: this.#stopped ?? (this.#options.signal.aborted ? 'interrupted' : undefined),
    };
  }

  async deliver({ bytes, spans, contentType }: OtlpBody): Promise<void> {
    const { isGzip } = this.#target;
    const body = isGzip ? await gzipBody(bytes) : bytes;
    const headers = {
      'content-type': contentType,
      'user-agent': 'ttrace',
      ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
    };
    const deadline = performance.now() + this.#options.deadlineMs;
    for (let tries = 1; ; tries++) {
      const outcome = await this.#attempt(body, headers);
      if (outcome.answer !== undefined) {
        this.#take(outcome.answer, spans, body.length);
        return;
      }
      const wait = waitMs(tries, outcome.retryAfterMs, Math.random);
      const isLate = performance.now() + wait > deadline;
      if (!outcome.mayRetry || isLate || this.isStopped) {
        const isInterrupted = this.#options.signal.aborted;
        this.#lose(spans, isInterrupted ? 'interrupted' : outcome.reason);
        if (isInterrupted) return;
        if (outcome.isHopeless || (outcome.mayRetry && isLate)) this.#stopped ??= outcome.reason;
        return;
      }
      this.#retries++;
      if (outcome.retryAfterMs !== undefined) this.#options.onWait?.(wait, outcome.reason);
      await pause(wait, this.#options.signal);
    }
  }

  /** A request has all of its time, also when the deadline is near: what ended it would else be said to be slowness. */
  async #attempt(body: Uint8Array, headers: Readonly<Record<string, string>>): Promise<Outcome> {
    this.#requests++;
    try {
      const { timeoutMs } = this.#target;
      const answer = await this.#connection.post(body, headers, timeoutMs, this.#options.signal);
      return outcomeOf(answer);
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      return {
        answer: undefined,
        reason: connectionReason(code, message),
        mayRetry: isRetryableError(code),
        isHopeless: !isRetryableError(code),
        retryAfterMs: undefined,
      };
    }
  }

  #take(answer: OtlpAnswer, spans: number, bytes: number): void {
    const { rejectedSpans, message } = partialSuccessIn(answer);
    const rejected = Math.min(spans, rejectedSpans);
    this.#sent += spans - rejected;
    this.#bytes += bytes;
    if (rejected > 0)
      this.#count(rejected, `rejected by the receiver${message === '' ? '' : `: ${message}`}`);
    else if (message !== '' && this.#warnings.size < MAX_TEXTS) this.#warnings.add(message);
    this.#progress(spans);
  }

  #lose(spans: number, reason: string): void {
    this.#count(spans, reason);
    this.#progress(spans);
  }

  #count(spans: number, reason: string): void {
    const key = this.#lost.has(reason) || this.#lost.size < MAX_TEXTS ? reason : 'other reasons';
    this.#lost.set(key, (this.#lost.get(key) ?? 0) + spans);
  }

  #progress(spans: number): void {
    this.#done += spans;
    this.#options.onProgress(this.#done);
  }
}

/** What one request led to: an answer that took the spans, or why not. */
type Outcome =
  | { readonly answer: OtlpAnswer }
  | {
      readonly answer: undefined;
      readonly reason: string;
      readonly mayRetry: boolean;
      readonly isHopeless: boolean;
      readonly retryAfterMs: number | undefined;
    };

function outcomeOf(answer: OtlpAnswer): Outcome {
  const { status, location } = answer;
  const isTaken = status >= 200 && status < 300;
  if (isTaken && !isPage(answer)) return { answer };
  const why = isTaken ? 'a web page, not a receiver of OTLP' : refusalIn(answer);
  const isMoved = status >= 300 && status < 400;
  const where = isMoved && location !== undefined ? ` to ${shownAddress(location)}` : '';
  return {
    answer: undefined,
    reason: `answered ${status}${where}${why === '' ? '' : `: ${why}`}`,
    mayRetry: isRetryableStatus(status),
    isHopeless: isTaken || isMoved || HOPELESS.has(status),
    retryAfterMs: isRetryableStatus(status) ? retryAfterMs(answer.retryAfter, Date.now()) : undefined,
  };
}

function connectionReason(code: string, message: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there any more';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the connection was broken off';
    case 'ETIMEDOUT':
      return 'no answer in time';
    default: {
      // Those of TLS end in a line break.
      const line = message.replace(/\s+/g, ' ').trim();
      return code === '' ? line : `${line} (${code})`;
    }
  }
}

/** Waits, but not longer than until the signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
