/**
 * Operations of the thread pool of Node.js - files, cryptography, compression, names looked up - as asynchronous slices from
 * the call to its callback or the settlement of its promise. All threads of a process share one pool.
 *
 * The functions are patched while recording. Trace events of Node.js would tell when an operation leaves the queue, but only
 * those of cryptography and compression, not whose, and not before the recording's end or 65,000 events, at which the process
 * may crash; they take two to four times as long as well (bench/pool.mjs). So the time in the queue is computed from the order in
 * which operations come and go: thread-pool-queue.ts.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { Category } from '@ttrace/format/vocabulary';
import { OTHER_NAME_ID } from '../ring.ts';
import { sourceName } from '../thread-recorder.ts';
import { boundedNames } from './bounded-names.ts';
import { patchMethod } from './patch-method.ts';
import { type About, aboutChunk, aboutHost, aboutNothing, aboutPath } from './thread-pool-attributes.ts';
import { PoolCalls, type PoolFunction } from './thread-pool-calls.ts';
import {
  COMPRESS,
  CRYPTO,
  FILE_HANDLE,
  FILES,
  FILES_WITH_PROMISES,
  LOOKUPS,
  SUBTLE_CRYPTO,
  WITH_STEPS,
} from './thread-pool-functions.ts';

// The CommonJS objects: ES modules have copies of their properties.
const require = createRequire(import.meta.url);

type Methods = Readonly<Record<string, unknown>>;
type Patch = (
  owner: unknown,
  prefix: string,
  names: readonly string[],
  about: About,
  see?: (value: unknown) => void,
) => void;

/** Begins to record the operations that this thread hands to the pool. */
export function startThreadPool(): () => void {
  const calls = new PoolCalls();
  const stops: (() => void)[] = [];
  const patch: Patch = (owner, prefix, names, about, see) => {
    for (const name of names) {
      const of = poolFunction(`${prefix}.${name}`, about, name === 'open' ? see : undefined);
      stops.push(patchMethod(owner as object, name, (original) => calls.wrap(original, of)));
    }
  };
  patchAll(patch);
  stops.push(patchCompression(calls));
  syncBuiltinESMExports();
  return () => {
    calls.stop();
    for (const stop of stops.reverse()) stop();
    syncBuiltinESMExports();
  };
}

function patchAll(patch: Patch): void {
  let knowsHandles = false;
  // Node.js does not hand out the class of file handles: it is found with the first one.
  const seeHandle = (handle: unknown): void => {
    if (knowsHandles) return;
    knowsHandles = true;
    patch(Object.getPrototypeOf(handle), 'FileHandle', FILE_HANDLE, aboutNothing);
  };
  patch(load('node:fs'), 'fs', FILES, aboutPath);
  patch(load('node:fs/promises'), 'fs.promises', FILES_WITH_PROMISES, aboutPath, seeHandle);
  patch(load('node:dns'), 'dns', LOOKUPS, aboutHost);
  patch(load('node:dns/promises'), 'dns.promises', LOOKUPS, aboutHost);
  const crypto = load('node:crypto');
  patch(crypto, 'crypto', CRYPTO, aboutNothing);
  const { subtle } = crypto.webcrypto as { readonly subtle: object };
  patch(Object.getPrototypeOf(subtle), 'crypto.subtle', SUBTLE_CRYPTO, aboutNothing);
}

function load(name: string): Methods {
  return require(name) as Methods;
}

function poolFunction(name: string, about: About, see?: (value: unknown) => void): PoolFunction {
  let label = 0;
  return {
    labelOf() {
      // Most are never called: a name takes room.
      if (label <= OTHER_NAME_ID) label = sourceName(Category.pool, name);
      return label;
    },
    about,
    hasSteps: WITH_STEPS.has(name),
    isLookup: about === aboutHost,
    ...(see === undefined ? {} : { see }),
  };
}

/** Streams and functions alike compress by this method, which is called with each chunk. */
function patchCompression(calls: PoolCalls): () => void {
  let owner = (load('node:zlib').Gzip as { readonly prototype: object }).prototype as object | null;
  while (owner !== null && !Object.hasOwn(owner, COMPRESS))
    owner = Object.getPrototypeOf(owner) as object | null;
  if (owner === null) return () => {};
  const nameOf = boundedNames((name) => sourceName(Category.pool, name), 20);
  const labelOf = (stream: unknown): number => {
    const { constructor: kind } = stream as { readonly constructor?: { readonly name: string } };
    return nameOf(`zlib.${kind?.name ?? ''}`, 'zlib');
  };
  return patchMethod(owner, COMPRESS, (original) =>
    calls.wrap(original, { labelOf, about: aboutChunk, hasSteps: false, isLookup: false }),
  );
}
