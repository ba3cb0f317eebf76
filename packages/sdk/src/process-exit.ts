/**
 * The moment after a process's last `exit` listener. A listener of our own would not do: it runs before those that the
 * program adds later, and an `exit` listener that calls `process.exit` again ends the process before the ones behind it.
 */

type ReallyExit = (code?: number) => never;

/** Calls `last` when the process exits, after every `exit` listener; returns what takes this back. */
export function afterExitListeners(last: () => void): () => void {
  const hadOwn = Object.hasOwn(process, 'emit');
  const original = process.emit as (...args: unknown[]) => boolean;
  function emit(this: unknown, ...args: unknown[]): boolean {
    if (args[0] !== 'exit') return Reflect.apply(original, this, args);
    const restore = onReallyExit(last);
    try {
      return Reflect.apply(original, this, args);
    } finally {
      restore();
      last();
    }
  }
  process.emit = emit as typeof process.emit;
  return () => {
    // Somebody may have patched on top of us; then ours stays, and `last` finds nothing to do.
    if ((process.emit as unknown) !== emit) return;
    if (hadOwn) process.emit = original as typeof process.emit;
    else delete (process as Partial<typeof process>).emit;
  };
}

/** Where `process.exit` in an exit listener goes on; replaced only while the exit listeners run. */
function onReallyExit(last: () => void): () => void {
  const owner = process as unknown as { reallyExit?: ReallyExit };
  const original = owner.reallyExit;
  if (typeof original !== 'function') return () => {};
  owner.reallyExit = (code) => {
    last();
    return Reflect.apply(original, process, [code]) as never;
  };
  return () => {
    owner.reallyExit = original;
  };
}
