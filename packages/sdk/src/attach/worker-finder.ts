/**
 * Finds the workers that no patched constructor has enrolled, those that are older than the recording and those that a program makes
 * with a constructor that it took earlier, and makes them take part. By the inspector, from the collector.
 *
 * A worker that is older than the shared memory gets it over a BroadcastChannel (waiting-worker.ts).
 */
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BroadcastChannel } from 'node:worker_threads';
import { OWN_FILES } from '../own-files.ts';
import type { SharedMemory } from '../shared-memory.ts';
import type { FoundWorker, StackSampler } from '../stack-sampler.ts';
import { interruption, RUNNING } from './interruption.ts';

/** Which workers were there at first. */
export interface FoundThreads {
  /** `worker 3 resize.js`. */
  readonly workers: readonly string[];
  /** Those that are not recorded: they do not answer, or have a recorder of their own. */
  readonly missed: readonly string[];
}

const MODULE = fileURLToPath(new URL('attach/waiting-worker.cjs', OWN_FILES));
/**
 * Whether a worker has got as far as to the program's modules: Node.js ends one that has run a module before, as `require` in the
 * middle of its start would. Its loaders are then being set up, or have not been.
 */
const IS_STARTED = `(() => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = Infinity;
  const { stack } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  return process.getBuiltinModule('node:module').globalPaths.length > 0 &&
    !/\\b(setupUserModules|initializeModuleLoaders)\\b/.test(String(stack));
})()`;
/** The inspector tells of workers after it has answered that it will. */
const FIRST_MS = 100;
/** Interrupted from then on: idle workers of pools wait in Atomics.wait. */
const INTERRUPT_MS = 300;
/** One in a longer native call is told of as missed; it takes part when that is over. */
const PATIENCE_MS = 5000;
/** A worker that has just begun, or whose loop is handing it the memory, is asked again. */
const RETRY_MS = 50;
const MAX_TRIES = 100;

const LATE = Symbol('late');

/** The collector does not stay for it. */
const sleep = <T>(millis: number, value?: T): Promise<T | undefined> =>
  setTimeout(millis, value, { ref: false });

export class WorkerFinder {
  readonly #sampler: StackSampler;
  readonly #memory: SharedMemory;
  readonly #channel = `ttrace-${process.hrtime.bigint()}`;
  readonly #whenGone: (threadId: number) => void;
  readonly #workers = new Map<FoundWorker, boolean>();
  #open = 0;

  /** @param whenGone is told of workers that have ended. */
  constructor(sampler: StackSampler, memory: SharedMemory, whenGone: (threadId: number) => void) {
    this.#sampler = sampler;
    this.#memory = memory;
    this.#whenGone = whenGone;
  }

  /** Whether answers are awaited, which takes an event loop. */
  get isBusy(): boolean {
    return this.#open > 0;
  }

  /** Enrols workers from now on. Resolves when those that there are are asked. */
  async start(): Promise<FoundThreads> {
    this.#open++;
    const first: Promise<void>[] = [];
    let isFirst = true;
    const found = (worker: FoundWorker): void => {
      const asked = this.#enrol(worker);
      if (isFirst) first.push(asked);
    };
    const gone = (threadId: number): void => {
      for (const worker of this.#workers.keys())
        if (worker.threadId === threadId) this.#workers.delete(worker);
      this.#whenGone(threadId);
    };
    await this.#sampler.watchWorkers({ found, gone });
    await sleep(FIRST_MS);
    isFirst = false;
    await Promise.race([Promise.all(first), sleep(PATIENCE_MS)]);
    this.#open--;
    const titles = (wanted: boolean): string[] =>
      [...this.#workers].filter(([, isIn]) => isIn === wanted).map(([worker]) => titleOf(worker));
    return { workers: titles(true), missed: titles(false) };
  }

  async #enrol(worker: FoundWorker): Promise<void> {
    this.#workers.set(worker, false);
    this.#open++;
    try {
      let isWaiting = false;
      for (let tries = 0; tries < MAX_TRIES && this.#workers.has(worker); tries++) {
        isWaiting ||=
          (await this.#call(worker, `awaitMemory(${JSON.stringify(this.#channel)})`)) !== undefined;
        if (isWaiting) {
          if (tries === 0) this.#offerMemory();
          const isIn = await this.#call(worker, `enrolWorker(${JSON.stringify(worker.label)})`);
          if (isIn === 'true') {
            this.#workers.set(worker, true);
            return;
          }
        }
        await sleep(RETRY_MS);
      }
      await this.#call(worker, 'forgetChannel()');
    } finally {
      this.#open--;
    }
  }

  #offerMemory(): void {
    const sender = new BroadcastChannel(this.#channel);
    sender.postMessage({ control: this.#memory.control.buffer, arena: this.#memory.arena });
    sender.close();
  }

  /** What a call gave, as text; undefined when it threw, or the worker has ended or is about to begin. */
  async #call({ threadId }: FoundWorker, call: string): Promise<string | undefined> {
    const path = JSON.stringify(MODULE);
    const { begin, force, forget } = interruption(
      `${IS_STARTED} ? String(process.getBuiltinModule('node:module').createRequire(${path})(${path}).${call}) : undefined`,
    );
    const answer = this.#sampler.evaluate(threadId, begin, true);
    const first = await Promise.race([answer, sleep(INTERRUPT_MS, LATE as typeof LATE)]);
    let text = first === LATE ? undefined : first;
    if (first === LATE) {
      text = await Promise.race([answer, this.#sampler.evaluate(threadId, force)]);
      if (text === RUNNING) text = await answer;
    }
    void this.#sampler.evaluate(threadId, forget);
    return text;
  }
}

function titleOf({ threadId, label }: FoundWorker): string {
  return `worker ${threadId} ${label}`.trim();
}
