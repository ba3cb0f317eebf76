/**
 * The header by which services tell each other which trace a request belongs to, and new ids for it.
 * https://www.w3.org/TR/trace-context/
 */

/** Where in which trace something is: 32 and 16 lower-case hexadecimal digits, and the flags of the header. */
export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  /** Bit 0: sampled. */
  readonly flags: number;
  /** What stands in `tracestate`, for those who are asked next; '' for nothing. */
  readonly state: string;
}

/** Version 0, or a later one, which may have more behind what is known of it. Ids of zeros alone are none. */
const HEADER = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/;
/** Longer ones may be left out when they are passed on. */
const MAX_STATE = 512;

/** Reads the header; undefined if it says nothing that counts. */
export function parseTraceparent(header: unknown, state: unknown = ''): SpanContext | undefined {
  if (typeof header !== 'string' || header.length < 55 || header.length > 200) return undefined;
  const match = HEADER.exec(header.trim());
  if (match === null || (match[1] === '00' && match[5] !== undefined)) return undefined;
  const isKept = typeof state === 'string' && state.length <= MAX_STATE;
  return {
    traceId: match[2]!,
    spanId: match[3]!,
    flags: Number.parseInt(match[4]!, 16),
    state: isKept ? state : '',
  };
}

/** Writes the header. Of the flags only what this version knows: sampled, and that the trace id is random. */
export function traceparentOf({ traceId, spanId, flags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(flags & 3).toString(16).padStart(2, '0')}`;
}

const POOL_BYTES = 4096;
let pool: Buffer | undefined;
let used = 0;

export function newTraceId(): string {
  return randomHex(16);
}

export function newSpanId(): string {
  return randomHex(8);
}

function randomHex(bytes: number): string {
  if (pool === undefined || used + bytes > POOL_BYTES) {
    pool ??= Buffer.allocUnsafeSlow(POOL_BYTES);
    // Loaded when it is needed: it takes 3 ms of the start of a worker.
    process.getBuiltinModule('node:crypto').randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  const id = pool.toString('hex', used - bytes, used);
  return /^0+$/.test(id) ? randomHex(bytes) : id;
}
