/**
 * Finds the packages whose waits are recorded, as the program loads them, and hands them to their instrumentation.
 *
 * CommonJS: where a path is looked up, so that the loader is touched only while one of these files is loaded, and other modules
 * have no frame of ours in their stacks. Files that were loaded before the start are in the cache: methods of classes are
 * reached there, functions that somebody has taken already are not.
 * ES modules: a synchronous load hook (Node.js 22.15, 23.5 and newer) adds a statement behind the text of these files alone.
 * Older versions have none without a thread of its own: there ES modules that are imported are not seen, those that are required
 * are. ES modules that were loaded before the start are not seen on any version.
 */
import { createRequire } from 'node:module';
import {
  type InstrumentedModule,
  instrumentedModule,
  moduleNumber,
  moduleWithNumber,
} from './instrumented-modules.ts';
import type { Restore } from './lock-waits.ts';
import { type AnyFunction, patchMethod } from './patch-method.ts';

interface LoadedModule {
  exports: unknown;
  readonly loaded: boolean;
}

interface LoadResult {
  readonly format?: string;
  readonly source?: string | ArrayBuffer | Uint8Array | null;
}

type Load = (
  url: string,
  context: unknown,
  next: (url: string, context: unknown) => LoadResult,
) => LoadResult;

interface Loader {
  readonly _cache: Readonly<Record<string, LoadedModule | undefined>>;
  readonly _extensions: Record<string, AnyFunction>;
  readonly registerHooks?: (hooks: { load: Load }) => { deregister(): void };
}

// The CommonJS object: the ES module has copies of its properties.
const loader = createRequire(import.meta.url)('node:module') as Loader;
/** Key (`Symbol.for`) of the function by which ES modules hand out what is inside them. */
const HAND_OUT_KEY = 'ttrace/module';

/** What ES modules have handed out: their classes are patched again with the next recording. */
const handedOut = new Map<unknown, InstrumentedModule>();

/** Begins to instrument packages in this thread; the result takes back what can be. */
export function startModulePatches(): () => void {
  const restores: Restore[] = [];
  const instrument = (module: InstrumentedModule, value: unknown): unknown => {
    try {
      return module.instrument(value, restores);
    } catch {
      // A version that is not what it looks like.
      return value;
    }
  };
  for (const [value, module] of handedOut) instrument(module, value);
  const global = globalThis as unknown as Record<symbol, unknown>;
  const key = Symbol.for(HAND_OUT_KEY);
  const handOut = (number: number, value: unknown): unknown => {
    const module = moduleWithNumber(number);
    if (module === undefined) return value;
    if (module.inside?.binding === undefined) handedOut.set(value, module);
    return instrument(module, value);
  };
  global[key] = handOut;
  const stops = [patchCommonJs(instrument, restores), hookEsModules()];
  return () => {
    for (const stop of stops) stop();
    for (const restore of restores.reverse()) restore();
    if (global[key] === handOut) delete global[key];
  };
}

function patchCommonJs(
  instrument: (module: InstrumentedModule, exports: unknown) => unknown,
  restores: Restore[],
): () => void {
  const replaceExports = (loaded: LoadedModule, module: InstrumentedModule): void => {
    const { exports } = loaded;
    const replaced = instrument(module, exports);
    if (replaced === exports) return;
    loaded.exports = replaced;
    restores.push(() => {
      if (loaded.exports === replaced) loaded.exports = exports;
    });
  };
  for (const [file, loaded] of Object.entries(loader._cache)) {
    const module = instrumentedModule(file);
    if (module !== undefined && loaded?.loaded === true) replaceExports(loaded, module);
  }
  const expected = new Map<string, InstrumentedModule>();
  let unpatchExtension = (): void => {};
  const loadExpected = (original: AnyFunction): AnyFunction =>
    function (...args) {
      const module = expected.get(String(args[1]));
      if (module === undefined) return Reflect.apply(original, this, args);
      expected.delete(String(args[1]));
      if (expected.size === 0) unpatchExtension();
      const loaded = args[0] as LoadedModule;
      if (loader.registerHooks === undefined) addInside(loaded, module);
      const result = Reflect.apply(original, this, args);
      replaceExports(loaded, module);
      return result;
    };
  const unpatchLookup = patchMethod(loader, '_findPath', (original, patch) => {
    return function (...args) {
      const file = Reflect.apply(original, this, args);
      if (!patch.isOn || typeof file !== 'string') return file;
      const module = instrumentedModule(file);
      if (module !== undefined && loader._cache[file]?.loaded !== true) {
        if (expected.size === 0) unpatchExtension = patchMethod(loader._extensions, '.js', loadExpected);
        expected.set(file, module);
      }
      return file;
    };
  });
  return () => {
    expected.clear();
    unpatchLookup();
    unpatchExtension();
  };
}

/** Without a load hook: an ES module that is required is compiled by a method of the module object. */
function addInside(loaded: LoadedModule, module: InstrumentedModule): void {
  const own = loaded as unknown as { _compile?: AnyFunction };
  const compile = own._compile;
  if (typeof compile !== 'function' || module.inside === undefined) return;
  own._compile = function (...args) {
    delete own._compile;
    if (args[2] === 'module') args[0] = `${String(args[0])}${statementOf(module)}`;
    return Reflect.apply(compile, this, args);
  };
}

function hookEsModules(): () => void {
  if (loader.registerHooks === undefined) return () => {};
  const decoder = new TextDecoder();
  const hooks = loader.registerHooks({
    load(url, context, next) {
      // What is not ours is handed on as it is: Node.js 22 sees by a property of its own that CommonJS was not changed.
      const result = next(url, context);
      const module = result.format === 'module' ? instrumentedModule(url.split(/[?#]/)[0]!) : undefined;
      if (module === undefined || result.source === null || result.source === undefined) return result;
      const text = typeof result.source === 'string' ? result.source : decoder.decode(result.source);
      return { ...result, source: text + statementOf(module) };
    },
  });
  return () => hooks.deregister();
}

/** Hands out what is inside a module; without a recording it does nothing. Stands behind its last line, which keeps its number. */
function statementOf(module: InstrumentedModule): string {
  if (module.inside === undefined) return '';
  const { value, binding } = module.inside;
  const handed = `globalThis[Symbol.for(${JSON.stringify(HAND_OUT_KEY)})]?.(${moduleNumber(module)}, ${value})`;
  return `\n;try { ${binding === undefined ? handed : `${binding} = ${handed} ?? ${binding}`}; } catch {}\n`;
}
