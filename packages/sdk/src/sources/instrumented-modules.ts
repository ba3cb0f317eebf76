/**
 * The packages in which waits are looked at: which of their files, and what is done to what that file exports. Versions that
 * look different inside are left alone.
 */
import { instrumentAsyncMutex, instrumentGenericPool, type Restore } from './lock-waits.ts';
import { instrumentPiscina, instrumentTinypool } from './pool-tasks.ts';
import { instrumentFastq, instrumentPLimit } from './queue-waits.ts';

/** One file of a package. */
export interface InstrumentedModule {
  /** Its path behind the last `node_modules/`. */
  readonly file: RegExp;
  /**
   * Changes what a module exports or returns what it shall export instead; the same again if it knows it already. Patches
   * that can be taken back are added to `restores`.
   */
  readonly instrument: (exports: unknown, restores: Restore[]) => unknown;
  /** For an ES module, whose exports cannot be changed from outside: an expression of its own, and the binding that it replaces. */
  readonly inside?: { readonly value: string; readonly binding?: string };
}

const MODULES: readonly InstrumentedModule[] = [
  { file: /^async-mutex\/lib\/index\.js$/, instrument: instrumentAsyncMutex },
  {
    file: /^async-mutex\/(index\.mjs|es6\/index\.js)$/,
    instrument: instrumentAsyncMutex,
    inside: { value: '{ Mutex, Semaphore }' },
  },
  { file: /^generic-pool\/index\.js$/, instrument: instrumentGenericPool },
  {
    file: /^p-limit\/index\.js$/,
    instrument: instrumentPLimit,
    inside: { value: 'pLimit', binding: 'pLimit' },
  },
  { file: /^fastq\/queue\.js$/, instrument: instrumentFastq },
  { file: /^piscina\/dist\/task_queue\/index\.js$/, instrument: instrumentPiscina },
  {
    file: /^tinypool\/dist\/(esm\/)?index\.js$/,
    instrument: instrumentTinypool,
    inside: { value: 'TaskInfo', binding: 'TaskInfo' },
  },
];

const FOLDER = 'node_modules';

/** What is known about a file. @param file a path or the address of a file. */
export function instrumentedModule(file: string): InstrumentedModule | undefined {
  const at = file.lastIndexOf(FOLDER);
  if (at < 0) return undefined;
  const path = file.slice(at + FOLDER.length + 1).replaceAll('\\', '/');
  return MODULES.find((candidate) => candidate.file.test(path));
}

/** The module with this number, as `moduleNumber` gave it. */
export function moduleWithNumber(number: number): InstrumentedModule | undefined {
  return MODULES[number];
}

/** A number for a module, the same in every thread. */
export function moduleNumber(module: InstrumentedModule): number {
  return MODULES.indexOf(module);
}
