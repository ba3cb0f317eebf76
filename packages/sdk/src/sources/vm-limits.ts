/**
 * Says while this thread runs code of `node:vm` that is to be ended after a time, or by Ctrl-C: it must not be asked for its stack then. Ended
 * while it answers it would go on for ever, as a worker would: worker-questions.ts.
 */
import { Script } from 'node:vm';
import { Stamp } from '../ring.ts';
import { stamp } from '../thread-recorder.ts';
import { patchMethod } from './patch-method.ts';

/** Calls that are limited, one in another. */
let depth = 0;

/** All other functions of `node:vm` that run a script call these. */
const METHODS = { runInContext: 1, runInThisContext: 0 };

export function startVmLimits(): () => void {
  const stops = Object.entries(METHODS).map(([method, at]) =>
    patchMethod(Script.prototype, method, (original, patch) => {
      return function run(this: unknown, ...args: unknown[]): unknown {
        const options = args[at] as { timeout?: unknown; breakOnSigint?: unknown } | null | undefined;
        if (!patch.isOn || (options?.timeout === undefined && options?.breakOnSigint !== true))
          return original.apply(this, args);
        stamp(Stamp.limited, ++depth);
        try {
          return original.apply(this, args);
        } finally {
          stamp(Stamp.limited, --depth);
        }
      };
    }),
  );
  return () => {
    for (const stop of stops) stop();
  };
}
