/** The error for calls that cannot be served: wrong arguments, wrong moment, or a file that cannot be written. */

/**
 * - `already-started`: a recording, or a flight recorder, is running; stop it first
 * - `not-started`: the flight recorder does not run
 * - `write-in-progress`: the flight recorder is writing already
 * - `not-main-thread`: recordings start and stop in the main thread
 * - `unsupported-node`: this Node.js is older than 20.19 or 22.12
 * - `bundled`: the package is part of a bundle, without the files that its threads load
 * - `bad-option`: an option has a value it may not have
 * - `cannot-open`: the file cannot be created
 * - `write-failed`: writing failed later (disk full, closed pipe, …); what was written before is readable
 */
export type TraceUsageErrorCode =
  | 'already-started'
  | 'not-started'
  | 'write-in-progress'
  | 'not-main-thread'
  | 'unsupported-node'
  | 'bundled'
  | 'bad-option'
  | 'cannot-open'
  | 'write-failed';

export class TraceUsageError extends Error {
  readonly code: TraceUsageErrorCode;
  /** The file it is about, if it is about one. */
  readonly file: string | undefined;

  constructor(code: TraceUsageErrorCode, message: string, file?: string) {
    super(message);
    this.name = 'TraceUsageError';
    this.code = code;
    this.file = file;
  }
}
