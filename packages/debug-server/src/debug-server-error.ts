/** What a debug server says when it cannot be started. */

export type DebugServerErrorCode = 'bad-option' | 'already-started' | 'not-main-thread' | 'cannot-listen';

/** Its `code` is stable, its message is for people. */
export class DebugServerError extends Error {
  readonly code: DebugServerErrorCode;

  constructor(code: DebugServerErrorCode, message: string) {
    super(message);
    this.name = 'DebugServerError';
    this.code = code;
  }
}
