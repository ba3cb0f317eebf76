/**
 * Waits on shared memory: `Atomics.wait`, `waitAsync` and `notify`, patched while recording. A wait that finds the value
 * changed already, the quick way of every lock, is passed on and not recorded.
 */
import { Category } from '@ttrace/format/vocabulary';
import { RecordKind } from '../ring.ts';
import { currentTaskId, now, sourceName } from '../thread-recorder.ts';
import { areWaitsRecorded, beginWait, endWait, recordWait } from './open-waits.ts';
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
      if (!patch.isOn || args[3] === 0 || isObject(args[1]) || isObject(args[2]) || !isPlainTime(args[3]))
        return Reflect.apply(original, Atomics, args);
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
    endThreadWait(open, wordText(args[0], args[1], `"result":"${String(result)}"`));
  }
}

function patchedWaitAsync(original: AnyFunction, patch: Patch): AnyFunction {
  return (...args) => {
    try {
      const result = Reflect.apply(original, Atomics, args) as { async: boolean; value: Promise<string> };
      if (patch.isOn && result.async) {
        const open = beginWait('Atomics.waitAsync', undefined, wordText(args[0], args[1], ''));
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
    // hot: 40 ns more than the original where nobody waits, a clock read. bench/waits.mjs
    try {
      if (!patch.isOn || !areWaitsRecorded()) return Reflect.apply(original, Atomics, args);
      // Before those that it wakes go on.
      const time = now();
      const woken = Reflect.apply(original, Atomics, args) as number;
      if (woken > 0 && areWaitsRecorded()) {
        const text = wordText(args[0], args[1], `"woken":${woken}`);
        recordWait(text, RecordKind.instant, name, currentTaskId(), time, 0);
      }
      return woken;
    } catch (error) {
      throw withoutOwnFrames(error);
    }
  };
}

interface KnownText {
  readonly index: unknown;
  readonly what: string;
  readonly text: string;
}

/** The text that was made last of each array: a thread mostly waits for one word of it. */
const texts = new WeakMap<object, KnownText>();

/**
 * What says which word it is, of arguments that were good enough for the original: its index in the array, and what all threads have in
 * common, its place in the memory and the size of that, in bytes. As the text of a JSON object.
 * @param what Another member of it, or ''.
 */
function wordText(array: unknown, index: unknown, what: string): string {
  // hot: once a wait, and once a notify that wakes somebody.
  const known = texts.get(array as object);
  if (known !== undefined && known.index === index && known.what === what) return known.text;
  const text = `{${aboutWord(array, index)}${what === '' ? '' : ','}${what}}`;
  if (typeof index === 'number') texts.set(array as object, { index, what, text });
  return text;
}

function aboutWord(array: unknown, index: unknown): string {
  if (isObject(index)) return '"index":0';
  const word = Math.trunc(Number(index)) || 0;
  const wordBytes = ofArray('byteLength', array) / ofArray('length', array);
  const byte = ofArray('byteOffset', array) + word * wordBytes;
  return `"index":${word},"byte":${byte},"of":${memoryBytes(array)}`;
}

/** Asked a second time, one may say something else, and knows that it was asked. */
function isObject(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Others may be asked, or refused, before anything is waited for, which a wait of no time would not do. */
function isPlainTime(value: unknown): boolean {
  return value === undefined || typeof value === 'number';
}

// As the original reads them, whatever the program has put before.
const typedArray = Object.getPrototypeOf(Int32Array.prototype) as object;
const getters = {
  length: getterOf(typedArray, 'length'),
  byteLength: getterOf(typedArray, 'byteLength'),
  byteOffset: getterOf(typedArray, 'byteOffset'),
  buffer: getterOf(typedArray, 'buffer'),
};
// Of memory that grows, what it never exceeds.
const sharedBytes = getterOf(SharedArrayBuffer.prototype, 'maxByteLength');

function getterOf(owner: object, key: string): () => unknown {
  return Object.getOwnPropertyDescriptor(owner, key)!.get!;
}

function ofArray(key: 'length' | 'byteLength' | 'byteOffset', array: unknown): number {
  return Reflect.apply(getters[key], array, []) as number;
}

/** Those who wait have shared memory, always. */
function memoryBytes(array: unknown): number {
  return Reflect.apply(sharedBytes, Reflect.apply(getters.buffer, array, []), []) as number;
}
