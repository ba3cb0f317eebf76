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

function setDepth(calls: number): void {
  depth = calls;
  stamp(Stamp.limited, calls);
}

/** All other functions of `node:vm` that run a script call these; modules of it, which are experimental, are left out. */
const METHODS = { runInContext: 1, runInThisContext: 0 };

export function startVmLimits(): () => void {
  depth = 0;
  const stops = Object.entries(METHODS).map(([method, at]) =>
    patchMethod(Script.prototype, method, (original, patch) => {
      return function run(this: unknown, ...args: unknown[]): unknown {
        const options = args[at] as { timeout?: unknown; breakOnSigint?: unknown } | null | undefined;
        if (!patch.isOn || (options?.timeout === undefined && options?.breakOnSigint !== true))
          return original.apply(this, args);
        // A call that an outer limit ends does not come to its end here: the outer one sets the depth right.
        const outer = depth;
        setDepth(outer + 1);
        try {
          return original.apply(this, args);
        } finally {
          setDepth(outer);
        }
      };
    }),
  );
  return () => {
    for (const stop of stops) stop();
  };
}
