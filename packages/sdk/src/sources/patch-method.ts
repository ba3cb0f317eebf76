/**
 * Replaces a method while recording, and puts it back. The replacement has the name, the length and the property attributes of
 * the original.
 */
import { withoutOwnFrames } from './own-frames.ts';

export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** Whether a patch is in force: one that somebody has patched on top of cannot be taken out, and must do nothing. */
export interface Patch {
  isOn: boolean;
}

/** Functions of ours that stand where an original stood. */
const own = new WeakSet<object>();

/**
 * Puts `wrap(original)` in the place of a method; the result puts the original back, unless somebody has patched on top. Harmless
 * where there is no such method, or a patch already.
 */
export function patchMethod(
  owner: object,
  key: string | symbol,
  wrap: (original: AnyFunction, patch: Patch) => AnyFunction,
): () => void {
  const methods = owner as Record<string | symbol, unknown>;
  const original = methods[key];
  const descriptor = Object.getOwnPropertyDescriptor(owner, key);
  if (typeof original !== 'function' || own.has(original) || descriptor?.configurable === false)
    return () => {};
  const patch: Patch = { isOn: true };
  const patched = wrap(original as AnyFunction, patch);
  own.add(patched);
  for (const property of ['name', 'length']) {
    Object.defineProperty(patched, property, { ...Object.getOwnPropertyDescriptor(original, property) });
  }
  Object.defineProperty(owner, key, { writable: true, configurable: true, ...descriptor, value: patched });
  return () => {
    patch.isOn = false;
    if (methods[key] !== patched) return;
    // It was inherited: an own one would hide what is patched further up.
    if (descriptor === undefined) delete methods[key];
    else Object.defineProperty(owner, key, descriptor);
  };
}

type AnyClass = new (...args: unknown[]) => object;

/**
 * Replaces a class that is a property of `owner`; the result puts it back, unless somebody has patched on top. Statics, `instanceof`
 * and classes that extend it stay as they are. Harmless where there is no such class.
 * @param make gets what constructs an object, and its arguments.
 */
export function patchClass(
  owner: object,
  key: string,
  make: (construct: () => object, args: readonly unknown[]) => object,
): () => void {
  const classes = owner as Record<string, AnyClass>;
  const Original = classes[key];
  // The global object's may be an accessor until it is first used.
  const descriptor = Object.getOwnPropertyDescriptor(owner, key);
  if (typeof Original !== 'function' || descriptor?.configurable !== true) return () => {};
  const Patched: AnyClass = new Proxy(Original, {
    construct(target, args: unknown[], newTarget): object {
      // Not the proxy itself: pool-tasks.ts tells why.
      const made = newTarget === Patched ? target : newTarget;
      try {
        return make(() => Reflect.construct(target, args, made) as object, args);
      } catch (error) {
        throw withoutOwnFrames(error);
      }
    },
  });
  const { enumerable } = descriptor;
  Object.defineProperty(owner, key, {
    value: Patched,
    enumerable: enumerable === true,
    configurable: true,
    writable: true,
  });
  return () => {
    if (classes[key] === Patched) Object.defineProperty(owner, key, descriptor);
  };
}
