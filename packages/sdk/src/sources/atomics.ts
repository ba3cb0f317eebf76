/**
 * Waits on shared memory: `Atomics.wait`, `waitAsync` and `notify`, patched while recording. A wait that finds the value
 * changed already, the quick way of every lock, is passed on and not recorded.
 *
 * While a worker waits it is parked: its wait stands on the stack of open regions, and ends the turn of its event loop.
 */
import { Category } from '@ttrace/format';
import { RecordKind } from '../ring.ts';
import {
  closeRegion,
  currentTaskId,
  isTakingPart,
  now,
  openRegion,
  recordLate,
  recordWith,
  sourceName,
} from '../thread-recorder.ts';
import { parkThread, unparkThread } from './event-loop.ts';
import { areWaitsRecorded, beginWait, endWait } from './open-waits.ts';
import { type AnyFunction, type Patch, patchMethod } from './patch-method.ts';

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
  const name = sourceName(Category.wait, 'Atomics.wait');
  return (...args) => {
    // hot: 3 to 30 ns more than the original where there is nothing to wait for.
    try {
      if (!patch.isOn || args[3] === 0) return Reflect.apply(original, Atomics, args);
      // A wait of no time asks whether there is anything to wait for, and throws what there is to throw.
      const quick = Reflect.apply(original, Atomics, [args[0], args[1], args[2], 0]);
      return quick === 'timed-out' && areWaitsRecorded() ? recordedWait(original, args, name) : quick;
    } catch (error) {
      throw withoutOwnFrames(error);
    }
  };
}

function recordedWait(original: AnyFunction, args: unknown[], name: number): unknown {
  const task = currentTaskId();
  const start = now();
  const depth = openRegion(name, task, start);
  parkThread();
  let result: unknown = 'failed';
  try {
    result = Reflect.apply(original, Atomics, args);
    return result;
  } finally {
    unparkThread();
    // Another thread may have stopped the recording: then this thread's memory may be somebody else's.
    if (isTakingPart()) {
      const text = `{"index":${indexOf(args[1])},"result":"${String(result)}"}`;
      if (closeRegion(start, depth)) recordWith(text, 0, 0, RecordKind.region, name, task, start, now());
      else recordLate(text, name, task, start);
    }
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

/** The error as it would be without the patch. */
function withoutOwnFrames(error: unknown): unknown {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return error;
  const lines = error.stack.split('\n');
  const others = lines.filter((line) => !line.includes(import.meta.url));
  if (others.length < lines.length) error.stack = others.join('\n');
  return error;
}
