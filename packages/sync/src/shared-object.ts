/**
 * What the objects of this package have in common: all that they are is in one field, `shared`, so that one that is sent to another
 * thread arrives as an object with that field, from which `from` makes an instance again.
 */
import { SyncError } from './sync-error.ts';
import { adoptLives, ownLives, type ThreadLives } from './thread-lives.ts';

/** The fields that cross threads. */
export interface SharedObject {
  /** What it is, and the version of its memory's layout. */
  readonly kind: string;
  readonly name: string;
  readonly memory: SharedArrayBuffer;
  readonly lives: SharedArrayBuffer;
}

let unnamed = 0;

/** @param bytes of memory, all zero at first. */
export function createShared(kind: string, name: string | undefined, bytes: number): SharedObject {
  if (name !== undefined && typeof name !== 'string') throw new TypeError('name must be a string');
  return {
    kind,
    name: name ?? `${++unnamed}`,
    memory: new SharedArrayBuffer(bytes),
    lives: ownLives.buffer as SharedArrayBuffer,
  };
}

/** Checks what another thread sent. */
export function adoptShared(kind: string, value: unknown): SharedObject {
  const shared =
    (value as { readonly shared?: Partial<SharedObject> | null } | null | undefined)?.shared ?? {};
  const isWhole = shared.memory instanceof SharedArrayBuffer && shared.lives instanceof SharedArrayBuffer;
  if (shared.kind === kind && isWhole && typeof shared.name === 'string') return shared as SharedObject;
  const got = typeof shared.kind === 'string' ? shared.kind : value === null ? 'null' : typeof value;
  throw new SyncError('NOT_SHARED', `expected what another thread sent of ${kind}, got ${got}`);
}

/** Who of the threads that share it has ended. */
export function livesOf(shared: SharedObject): ThreadLives {
  return adoptLives(shared.lives);
}
