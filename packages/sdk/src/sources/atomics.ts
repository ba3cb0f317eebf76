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
  nextId,
  now,
  openRegion,
  record,
  recordLate,
  recordWith,
  sourceName,
} from '../thread-recorder.ts';
import { parkThread, unparkThread } from './event-loop.ts';

type AnyFunction = (...args: unknown[]) => unknown;
type Patched = Record<'wait' | 'waitAsync' | 'notify', AnyFunction>;

const atomics = Atomics as unknown as Patched;

export function startAtomics(): () => void {
  const { wait, waitAsync, notify } = atomics;
  let isOn = true;
  const names = {
    wait: sourceName(Category.wait, 'Atomics.wait'),
    waitAsync: sourceName(Category.wait, 'Atomics.waitAsync'),
    notify: sourceName(Category.wait, 'Atomics.notify'),
  };
  const patches: Partial<Patched> = {
    wait: named('wait', wait, (args) => {
      if (!isOn || args[3] === 0) return Reflect.apply(wait, atomics, args);
      // A wait of no time asks whether there is anything to wait for, and throws what there is to throw.
      const quick = Reflect.apply(wait, atomics, [args[0], args[1], args[2], 0]);
      return quick === 'timed-out' ? recordedWait(wait, args, names.wait) : quick;
    }),
    notify: named('notify', notify, (args) => {
      const woken = Reflect.apply(notify, atomics, args);
      if (isOn && typeof woken === 'number' && woken > 0) {
        recordWith(
          `{"index":${indexOf(args)},"woken":${woken}}`,
          0,
          0,
          RecordKind.instant,
          names.notify,
          currentTaskId(),
          now(),
          0,
        );
      }
      return woken;
    }),
  };
  if (typeof waitAsync === 'function') {
    patches.waitAsync = named('waitAsync', waitAsync, (args) => {
      const result = Reflect.apply(waitAsync, atomics, args) as { async: boolean; value: Promise<string> };
      if (isOn && result.async) recordAsync(result.value, args, names.waitAsync, () => isOn);
      return result;
    });
  }
  Object.assign(atomics, patches);
  const originals: Partial<Patched> = { wait, waitAsync, notify };
  return () => {
    isOn = false;
    for (const name of Object.keys(patches) as (keyof Patched)[]) {
      // Somebody may have patched on top of us; then ours stays, and does nothing.
      if (atomics[name] === patches[name]) atomics[name] = originals[name]!;
    }
  };
}

/** A function that looks like the original: name, length, no prototype. */
function named(name: string, original: AnyFunction, body: (args: unknown[]) => unknown): AnyFunction {
  const patched = { [name]: (...args: unknown[]): unknown => body(args) }[name]!;
  Object.defineProperty(patched, 'length', { value: original.length, configurable: true });
  return patched;
}

/** The index as Atomics takes it; what is no number is 0 there. */
function indexOf(args: readonly unknown[]): number {
  return Math.trunc(Number(args[1])) || 0;
}

function recordedWait(wait: AnyFunction, args: unknown[], name: number): unknown {
  const task = currentTaskId();
  const start = now();
  const depth = openRegion(name, task, start);
  parkThread();
  let result: unknown = 'failed';
  try {
    result = Reflect.apply(wait, atomics, args);
    return result;
  } finally {
    unparkThread();
    const text = `{"index":${indexOf(args)},"result":"${String(result)}"}`;
    if (closeRegion(start, depth)) recordWith(text, 0, 0, RecordKind.region, name, task, start, now());
    else recordLate(text, name, task, start);
  }
}

function recordAsync(value: Promise<unknown>, args: unknown[], name: number, isOn: () => boolean): void {
  const id = nextId();
  const task = currentTaskId();
  const start = now();
  recordWith(`{"index":${indexOf(args)}}`, id, 0, RecordKind.asyncBegin, name, task, start, start);
  void value.then(() => {
    if (isOn()) record(RecordKind.asyncEnd, name, task, now(), id);
  });
}
