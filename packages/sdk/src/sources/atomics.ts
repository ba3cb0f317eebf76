/**
 * Waits on shared memory: `Atomics.wait`, `waitAsync` and `notify`, patched while recording. A wait that finds the value
 * changed already, the quick way of every lock, is passed on and not recorded.
 */
import { Category } from '@ttrace/format/vocabulary';
import { RecordKind } from '../ring.ts';
import { currentTaskId, now, recordWith, sourceName } from '../thread-recorder.ts';
import { areWaitsRecorded, beginWait, endWait } from './open-waits.ts';
import { withoutOwnFrames } from './own-frames.ts';
import { type AnyFunction, type Patch, patchMethod } from './patch-method.ts';
import { beginThreadWait, endThreadWait } from './thread-waits.ts';

/** Node's own functions, for those who record what they wait for by themselves. */
export const wait: typeof Atomics.wait = Atomics.wait;
export const waitAsync: typeof Atomics.waitAsync = Atomics.waitAsync;
export const notify: typeof Atomics.notify = Atomics.notify;

export function startAtomics(): () => void {
  const stops = [
    patchMethod(Atomics, 'wait', patchedWait),
    patchMethod(Atomics, 'waitAsync', patchedWaitAsync),
    patchMethod(Atomics, 'notify', patchedNotify),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function patchedWait(original: AnyFunction, patch: Patch): AnyFunction {
  return (...args) => {
    // hot: 3 to 30 ns more than the original where there is nothing to wait for.
    try {
      if (!patch.isOn || args[3] === 0) return Reflect.apply(original, Atomics, args);
      // A wait of no time asks whether there is anything to wait for, and throws what there is to throw.
      const quick = Reflect.apply(original, Atomics, [args[0], args[1], args[2], 0]);
      if (quick !== 'timed-out') return quick;
      // Between a recording's end and the moment when this thread hears of it, the wait is the original's alone.
      return areWaitsRecorded() ? recordedWait(original, args) : Reflect.apply(original, Atomics, args);
    } catch (error) {
      throw withoutOwnFrames(error);
    }
  };
}

function recordedWait(original: AnyFunction, args: unknown[]): unknown {
  const open = beginThreadWait('Atomics.wait');
  let result: unknown = 'failed';
  try {
    result = Reflect.apply(original, Atomics, args);
    return result;
  } finally {
    endThreadWait(open, `{"index":${indexOf(args[1])},"result":"${String(result)}"}`);
  }
}

function patchedWaitAsync(original: AnyFunction, patch: Patch): AnyFunction {
  return (...args) => {
    try {
      const result = Reflect.apply(original, Atomics, args) as { async: boolean; value: Promise<string> };
      if (patch.isOn && result.async) {
        const open = beginWait('Atomics.waitAsync', undefined, `{"index":${indexOf(args[1])}}`);
        // It is never rejected.
        if (open !== undefined) void result.value.then((how) => endWait(open, `{"result":"${how}"}`));
      }
      return result;
    } catch (error) {
      throw withoutOwnFrames(error);
    }
  };
}

function patchedNotify(original: AnyFunction, patch: Patch): AnyFunction {
  const name = sourceName(Category.wait, 'Atomics.notify');
  return (...args) => {
    try {
      const woken = Reflect.apply(original, Atomics, args) as number;
      if (woken > 0 && patch.isOn && areWaitsRecorded()) {
        const text = `{"index":${indexOf(args[1])},"woken":${woken}}`;
        recordWith(text, 0, 0, RecordKind.instant, name, currentTaskId(), now(), 0);
      }
      return woken;
    } catch (error) {
      throw withoutOwnFrames(error);
    }
  };
}

/** What an index that was good enough for the original means. */
function indexOf(value: unknown): number {
  return (typeof value === 'object' ? 0 : Math.trunc(Number(value))) || 0;
}
