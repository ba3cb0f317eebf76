/**
 * Asks a thread, while its JavaScript runs, what it is doing: evaluates an expression in it through the inspector. Works on
 * the main thread and on every worker, nested and later ones too, without the Debugger domain, so that a debugger of the user's
 * is not disturbed, and without stopping the thread for longer than the expression takes.
 *
 * Runs in the collector. Connects when it is first asked, and must be closed before the process ends: Node.js says on stderr
 * that it waits for the debugger otherwise.
 */
import type { Session } from 'node:inspector';
import { setTimeout as sleep } from 'node:timers/promises';
import { threadId as ownThreadId } from 'node:worker_threads';
import type { SharedMemory } from './shared-memory.ts';
import { beginQuestion, endQuestion } from './worker-questions.ts';

/** A thread that has not answered by then may be gone. */
const PATIENCE_MS = 30_000;
/** A recording goes on without the workers that the main thread has not told of by then. */
const KNOWN_PATIENCE_MS = 3000;

const NOT_PERMITTED =
  'this process may not use the inspector: the permission model does not allow it (--allow-inspector), or it is the one that starts ' +
  'others for node --test or --watch';

/** Gives an answer; a second one is ignored. */
type Answer = (value: string | undefined) => void;

/** A worker of the process, but for ours and those of Node.js itself, such as the thread of `module.register`. */
export interface FoundWorker {
  readonly threadId: number;
  /** What it was called when it was made, else its file. */
  readonly label: string;
}

/** Is told of workers. */
export interface WorkerListener {
  readonly found: (worker: FoundWorker) => void;
  /** It has ended. */
  readonly gone: (threadId: number) => void;
}

interface EvaluateResult {
  readonly result?: { readonly value?: unknown };
}

export class StackSampler {
  readonly #expression: string;
  readonly #memory: SharedMemory;
  /** Inspector's session ids by thread id. */
  readonly #workers = new Map<number, string>();
  readonly #found = new Map<number, FoundWorker>();
  /** Who waits for an answer, and by which session of a worker, '' for the main thread. */
  readonly #open = new Map<Answer, string>();
  readonly #pending = new Map<number, Answer>();
  #session: Session | undefined;
  #workersKnown: Promise<void> | undefined;
  #lastId = 0;
  #listener: WorkerListener | undefined;
  /** Whether there has been a session. */
  wasConnected = false;
  /** Why there can be no stacks; undefined as long as there can. */
  failure: string | undefined;

  /**
   * @param expression its value must be a text.
   * @param memory In which workers that are about to be ended are known.
   * @param isPermitted Whether the process may use the inspector: if not, connecting would end it.
   */
  constructor(expression: string, memory: SharedMemory, isPermitted: boolean) {
    this.#expression = expression;
    this.#memory = memory;
    if (!isPermitted) this.failure = NOT_PERMITTED;
  }

  /** The expression's value in a thread (0 = main); undefined when it gave none. Takes as long as a native call lasts. */
  ask(threadId: number): Promise<string | undefined> {
    return this.evaluate(threadId, this.#expression);
  }

  /** Has a listener told of each worker that there is, and is later. Resolves when those that there are are known, or the main thread does not say. */
  async watchWorkers(listener: WorkerListener): Promise<void> {
    this.#listener = listener;
    for (const worker of this.#found.values()) listener.found(worker);
    if (this.#connected() === undefined) return;
    const timer = new AbortController();
    const late = sleep(KNOWN_PATIENCE_MS, undefined, { signal: timer.signal }).catch(() => {});
    await Promise.race([this.#workersKnown, late]);
    timer.abort();
  }

  /** Another expression's value, which must be a text too; with `awaitPromise` that of its promise. */
  async evaluate(threadId: number, expression: string, awaitPromise = false): Promise<string | undefined> {
    const session = this.#connected();
    if (session === undefined) return undefined;
    // The main thread's question must not wait for an answer of the main thread: it would come a native call too late.
    if (threadId !== 0) await this.#workersKnown;
    // Closed meanwhile.
    if (this.#session !== session) return undefined;
    const sessionId = threadId === 0 ? '' : this.#workers.get(threadId);
    // It has not started yet, or has ended, or may be about to.
    if (sessionId === undefined || (threadId !== 0 && !beginQuestion(this.#memory, threadId)))
      return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(() => answer(undefined), PATIENCE_MS);
      const answer: Answer = (value) => {
        clearTimeout(timer);
        if (this.#open.delete(answer) && threadId !== 0) endQuestion(this.#memory.control);
        resolve(value);
      };
      this.#open.set(answer, sessionId);
      const params = { expression, returnByValue: true, silent: true, awaitPromise };
      if (threadId === 0) {
        session.post('Runtime.evaluate', params, (error, result) =>
          answer(error === null ? textOf(result) : undefined),
        );
        return;
      }
      const id = ++this.#lastId;
      this.#pending.set(id, answer);
      const message = JSON.stringify({ id, method: 'Runtime.evaluate', params });
      session.post('NodeWorker.sendMessageToWorker', { sessionId, message }, (error) => {
        if (error !== null) this.#answer(id, undefined);
      });
    });
  }

  /** Resolves when no worker is being asked any more, or after so many milliseconds. */
  async settle(millis: number): Promise<void> {
    const deadline = performance.now() + millis;
    while ([...this.#open.values()].some((sessionId) => sessionId !== '') && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Ends the connection. Who still waits for an answer gets none: a timer of theirs would keep the thread for as long. */
  close(): void {
    for (const answer of this.#open.keys()) answer(undefined);
    try {
      this.#session?.disconnect();
    } catch {
      // Not connected.
    }
    this.#session = undefined;
    this.failure ??= 'closed';
  }

  #connected(): Session | undefined {
    if (this.#session !== undefined || this.failure !== undefined) return this.#session;
    try {
      const inspector = process.getBuiltinModule('node:inspector');
      const session = new inspector.Session();
      session.connectToMainThread();
      this.#session = session;
      this.wasConnected = true;
      session.on('NodeWorker.attachedToWorker', ({ params }) => {
        const worker = foundWorker(params.workerInfo);
        if (worker.threadId === ownThreadId) return;
        this.#workers.set(worker.threadId, params.sessionId);
        if (params.workerInfo.url.startsWith('node:')) return;
        this.#found.set(worker.threadId, worker);
        this.#listener?.found(worker);
      });
      session.on('NodeWorker.detachedFromWorker', ({ params }) => this.#forget(params.sessionId));
      session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => this.#receive(params.message));
      this.#workersKnown = new Promise((resolve) =>
        session.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, () => resolve()),
      );
    } catch (error) {
      this.failure ??= error instanceof Error ? error.message : String(error);
    }
    return this.#session;
  }

  #receive(text: string): void {
    const message = JSON.parse(text) as { readonly id?: number; readonly result?: EvaluateResult };
    if (message.id !== undefined) this.#answer(message.id, textOf(message.result));
  }

  #answer(id: number, value: string | undefined): void {
    this.#pending.get(id)?.(value);
    this.#pending.delete(id);
  }

  #forget(sessionId: string): void {
    for (const [threadId, known] of this.#workers) {
      if (known !== sessionId) continue;
      this.#workers.delete(threadId);
      this.#found.delete(threadId);
      this.#listener?.gone(threadId);
    }
    for (const [answer, asked] of this.#open) if (asked === sessionId) answer(undefined);
  }
}

/** Titles are `[worker 3] name`; without a name, newer versions end them in their kind. */
function foundWorker({ title, url }: { readonly title: string; readonly url: string }): FoundWorker {
  const [, number, name = ''] = /^\[worker (\d+)\]\s*(.*)$/.exec(title) ?? [];
  const file = url === '' ? '[eval]' : url.startsWith('data:') ? '[data]' : /[^/\\]*$/.exec(url)![0];
  return { threadId: Number(number), label: name === '' || name === 'WorkerThread' ? file : name };
}

function textOf(result: EvaluateResult | undefined): string | undefined {
  const value = result?.result?.value;
  return typeof value === 'string' ? value : undefined;
}
