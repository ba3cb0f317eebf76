/**
 * Makes workers enrol by themselves while recording: the Worker constructor gives every worker the register hook and a
 * label, and tells the collector when a worker has ended. One patch a thread, taken back by the returned function.
 *
 * The hook is CommonJS and goes into `execArgv`, the only way that reaches every combination of options (`execArgv: []`,
 * `env: {}`, eval, nested; see TRAPS.md).
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread, type Worker as NodeWorker, type WorkerOptions } from 'node:worker_threads';
import { endBlock } from './end-block.ts';
import { OWN_FILES } from './own-files.ts';
import { Control } from './ring.ts';
import { sharedMemory } from './shared-memory.ts';
import { withoutOwnFrames } from './sources/own-frames.ts';
import { patchMethod } from './sources/patch-method.ts';
import { withWorkerLabel } from './thread-name.ts';
import { endBetweenQuestions, endQuestions } from './worker-questions.ts';

// Bound early: test tools replace it.
const { setTimeout } = globalThis;

// The CommonJS object: assignments to it reach `require` and, after syncBuiltinESMExports, `import` as well.
const workerThreads = createRequire(import.meta.url)('node:worker_threads') as { Worker: typeof NodeWorker };

/** Node's own constructor, for the SDK's own workers. */
export const OriginalWorker: typeof NodeWorker = workerThreads.Worker;

const HOOK = fileURLToPath(new URL('register.cjs', OWN_FILES));
const memory = sharedMemory();
const { control } = memory;

/** Workers that this thread has ended while recording. */
const terminated = new WeakSet<NodeWorker>();

/** Whether `terminate` was called of a worker: it then has the exit code of one that failed. */
export function wasTerminated(worker: NodeWorker): boolean {
  return terminated.has(worker);
}

/** The constructor that this thread has got, while it has it. */
let patched: typeof NodeWorker | undefined;

/** Patches the Worker constructor of this thread, unless it is; returns what takes the patch back. */
export function enrolWorkers(): () => void {
  if (workerThreads.Worker === patched) return () => {};
  // Whatever is there now: other tools patch it as well.
  const Original = workerThreads.Worker;
  // A proxy, so that statics, `instanceof` and classes that extend Worker stay as they are.
  const Worker: typeof NodeWorker = new Proxy(Original, {
    construct(target, [file, options]: [string | URL, WorkerOptions | undefined], newTarget): NodeWorker {
      // Not the proxy itself: sources/pool-tasks.ts tells why.
      const made = newTarget === Worker ? target : newTarget;
      const create = (given: WorkerOptions | undefined): NodeWorker =>
        Reflect.construct(target, [file, given], made) as NodeWorker;
      try {
        if (control[Control.recording] === 0) return create(options);
        const worker = withWorkerLabel(file, options, () => createWithHook(create, options));
        watchEnd(worker);
        return worker;
      } catch (error) {
        throw withoutOwnFrames(error);
      }
    },
  });
  const unpatch = patchMethod(OriginalWorker.prototype, 'terminate', (original, patch) => {
    return function terminate(this: unknown, ...args: unknown[]): unknown {
      if (!patch.isOn) return original.apply(this, args);
      terminated.add(this as NodeWorker);
      return endBetweenQuestions(memory, (this as NodeWorker).threadId, setTimeout, () =>
        original.apply(this, args),
      );
    };
  });
  // The main thread's exit waits for the collector, which asks no more then: session.ts.
  const onExit = (): void => endQuestions(memory);
  if (!isMainThread) process.on('exit', onExit);
  workerThreads.Worker = Worker;
  patched = Worker;
  syncBuiltinESMExports();
  return () => {
    unpatch();
    process.off('exit', onExit);
    // Somebody may have patched on top of us; then ours stays, and does nothing while tracing is off.
    if (workerThreads.Worker !== Worker) return;
    workerThreads.Worker = Original;
    syncBuiltinESMExports();
  };
}

function createWithHook(
  create: (options: WorkerOptions | undefined) => NodeWorker,
  options: WorkerOptions | undefined,
): NodeWorker {
  const refused: string[] = [];
  for (;;) {
    try {
      return create(withHook(options, refused));
    } catch (error) {
      if ((error as NodeJS.ErrnoException | undefined)?.code !== 'ERR_WORKER_INVALID_EXEC_ARGV') throw error;
      const more = newlyRefused(error as Error, refused);
      // Without the hook, or with the error that the program would have got without us.
      if (more.length === 0 || options?.execArgv !== undefined) return create(options);
      refused.push(...more);
    }
  }
}

function withHook(options: WorkerOptions | undefined, without: readonly string[]): WorkerOptions {
  const own = options?.execArgv;
  if (own !== undefined && !Array.isArray(own)) return { ...options };
  // Inherited, with flags that a worker may not be given by name.
  if (own === undefined && process.execArgv.includes(HOOK)) return { ...options };
  const execArgv = [...(own ?? process.execArgv)].filter((flag) => !without.includes(flag));
  return execArgv.includes(HOOK)
    ? { ...options, execArgv }
    : // Short, so that the worker knows it from one that its process was started with.
      { ...options, execArgv: [...execArgv, '-r', HOOK] };
}

/**
 * Flags of this process that a worker inherits silently but may not be given by name, such as `--max-old-space-size=…`: those
 * that the error names, for it does not name all at once. They hold for the whole process anyway.
 */
function newlyRefused({ message }: Error, known: readonly string[]): string[] {
  return process.execArgv.filter((flag) => message.includes(flag) && !known.includes(flag));
}

/** Marks the worker's block as ended when the worker has, however it ended. */
function watchEnd(worker: NodeWorker): void {
  const { threadId } = worker;
  const recording = control[Control.recording];
  worker.once('exit', () => endBlock(memory, threadId, recording!));
}
