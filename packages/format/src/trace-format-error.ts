/** The one error that reading a trace can produce. */

/**
 * Why reading stopped.
 * - `truncated`: the input ended inside an event, a packet or a gzip member
 * - `malformed`: bytes that the format does not allow
 * - `unknown-format`: none of the formats that are read, nor gzip of one
 * - `limit`: a bound of the reader was reached (see `ReadLimits`)
 */
export type TraceFormatErrorCode = 'truncated' | 'malformed' | 'unknown-format' | 'limit';

/** Damaged or foreign input. Everything before `offset` was read and is in the trace. */
export class TraceFormatError extends Error {
  readonly code: TraceFormatErrorCode;
  /** Byte offset into the (decompressed) input at which the good part ends. */
  readonly offset: number;

  constructor(code: TraceFormatErrorCode, message: string, offset: number) {
    super(`${message} (at byte ${offset})`);
    this.name = 'TraceFormatError';
    this.code = code;
    this.offset = offset;
  }
}
