/** What goes wrong with locks and channels, in one class. */

/**
 * - `OWNER_ENDED`: the thread that held the lock has ended; what the lock protects may be half changed. `threadId` is its id.
 * - `DEADLOCK`: this thread holds the lock itself: it would wait for ever.
 * - `NOT_LOCKED`, `NOT_OWNER`: an unlock of what is not locked, or is locked by another thread, `threadId`.
 * - `NEGATIVE_COUNT`, `TOO_MANY_RELEASES`: a wait group was done, or a semaphore released, more often than it may be.
 * - `CLOSED`: a message was sent on a channel that is closed, or a closed one closed.
 * - `MESSAGE_TOO_LARGE`, `WRONG_MESSAGE`: a message that a channel was not made for.
 * - `NOT_SHARED`: what a thread was given is not what it was taken for.
 */
export type SyncErrorCode =
  | 'OWNER_ENDED'
  | 'DEADLOCK'
  | 'NOT_LOCKED'
  | 'NOT_OWNER'
  | 'NEGATIVE_COUNT'
  | 'TOO_MANY_RELEASES'
  | 'CLOSED'
  | 'MESSAGE_TOO_LARGE'
  | 'WRONG_MESSAGE'
  | 'NOT_SHARED';

/** Every error of this package but those of wrong arguments, which are `TypeError` and `RangeError`. */
export class SyncError extends Error {
  readonly code: SyncErrorCode;
  /** The other thread that it is about, where there is one. */
  readonly threadId: number | undefined;

  constructor(code: SyncErrorCode, message: string, threadId?: number) {
    super(message);
    this.name = 'SyncError';
    this.code = code;
    this.threadId = threadId;
  }
}
