/** When a request is made again, and after how long. Pure: the clock and the dice are parameters. */

/** Answers after which the same request may succeed. Source: https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** Ends of a connection after which it may be there again. */
const RETRYABLE_ERRORS: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'HPE_INVALID_EOF_STATE',
]);

const FIRST_MS = 300;
const FACTOR = 2;
const MOST_MS = 5000;
/** A wait is between this share of what it would be and all of it, so that several senders do not come back at once. */
const LEAST_SHARE = 0.5;

/** Whether the same request may succeed later. */
export function isRetryableStatus(status: number): boolean {
  return RETRYABLE.has(status);
}

/** Whether a failed connection may succeed later. */
export function isRetryableError(code: string): boolean {
  return RETRYABLE_ERRORS.has(code);
}

/** The wait before the next try, after `tries` of them; never shorter than what the receiver asks for. */
export function waitMs(tries: number, retryAfterMs: number | undefined, random: () => number): number {
  const most = Math.min(MOST_MS, FIRST_MS * FACTOR ** (tries - 1));
  const own = most * (LEAST_SHARE + (1 - LEAST_SHARE) * random());
  // All that were sent away come back a little apart.
  return retryAfterMs === undefined ? own : Math.max(own, retryAfterMs + FIRST_MS * random());
}

/** Milliseconds that a Retry-After header asks for: seconds, or a date. Undefined for what is neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text) * 1000;
  // A date has letters: what Date.parse makes of other numbers is no time.
  if (!/[a-z]/i.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
