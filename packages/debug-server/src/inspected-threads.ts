/**
 * The threads of the process as the inspector sees them: the main thread, and every worker by way of it, nested and later ones too. What
 * is asked is answered in the middle of whatever JavaScript runs there, as when its loop is blocked; a native call is waited for.
 *
 * Connected as long as the server runs: V8's heap sampler ends with the session that started it.
 */
import { Session } from 'node:inspector';
import { setTimeout as sleep } from 'node:timers/promises';
import { threadId as ownThreadId } from 'node:worker_threads';
import { beginWorkerQuestion, endWorkerQuestion } from '@ttrace/sdk/debug';
import { within } from './deadline.ts';

const SETTLE_PATIENCE_MS = 500;
/** How long it is until a worker that is about to be ended is. */
const ENDING_LOOK_MS = 5;

/** A thread that can be asked. */
export interface InspectedThread {
  /** 0 for the main thread. */
  readonly id: number;
  /** `main`, or `worker 3 resize`. */
  readonly name: string;
  /** Address of the worker's script; '' where there is none. */
  readonly url: string;
  /** Resolves with the result of a method of the inspector's; rejects when the thread says no, or has ended. */
  post<T = unknown>(method: string, params?: object): Promise<T>;
}

interface Pending {
  resolve(value: never): void;
  reject(error: Error): void;
  readonly sessionId: string;
}

export class InspectedThreads {
  readonly #session = new Session();
  readonly #excluded: ReadonlySet<number>;
  readonly #main: InspectedThread;
  /** By the inspector's id of their session. */
  readonly #workers = new Map<string, InspectedThread>();
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(thread: InspectedThread) => void>();
  #lastId = 0;
  #isOpen = true;

  /** @param excluded ids of threads that are not the program's. @throws Error when the main thread cannot be inspected. */
  constructor(excluded: readonly number[]) {
    this.#excluded = new Set([...excluded, ownThreadId]);
    const session = this.#session;
    session.connectToMainThread();
    this.#main = { id: 0, name: 'main', url: '', post: (method, params) => this.#postMain(method, params) };
    session.on('NodeWorker.attachedToWorker', ({ params }) =>
      this.#attach(params.sessionId, params.workerInfo),
    );
    session.on('NodeWorker.detachedFromWorker', ({ params }) => this.#detach(params.sessionId));
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => this.#receive(params.message));
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  }

  /** The threads that there are now, main first. */
  list(): InspectedThread[] {
    return [this.#main, ...[...this.#workers.values()].sort((a, b) => a.id - b.id)];
  }

  /** Calls `listener` for each thread that there is, and each that comes; returns what ends that. */
  each(listener: (thread: InspectedThread) => void): () => void {
    for (const thread of this.list()) listener(thread);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the threads have done what they were asked to, or are in native calls. */
  async settle(): Promise<void> {
    const params = { expression: '0', silent: true };
    await Promise.all(
      this.list().map((thread) => within(thread.post('Runtime.evaluate', params), SETTLE_PATIENCE_MS)),
    );
  }

  /** Lets go of all threads; whoever waits for an answer is told. Harmless twice. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      this.#session.disconnect();
    } catch {
      // The main thread is gone.
    }
    this.#fail(() => true, 'the debug server closes');
  }

  #postMain<T>(method: string, params: object | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve: resolve as (value: never) => void, reject, sessionId: '' });
      const answer = (error: Error | null, result?: unknown): void => {
        const pending = this.#pending.get(id);
        this.#pending.delete(id);
        if (error === null) pending?.resolve(result as never);
        else pending?.reject(error);
      };
      try {
        this.#session.post(method, params, answer);
      } catch (error) {
        answer(error as Error);
      }
    });
  }

  #postWorker<T>(sessionId: string, method: string, params: object | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve: resolve as (value: never) => void, reject, sessionId });
      const message = JSON.stringify({ id, method, params });
      const failed = (error: Error | null): void => {
        if (error === null) return;
        this.#pending.delete(id);
        reject(error);
      };
      if (!this.#workers.has(sessionId)) return failed(new Error('the thread has ended'));
      try {
        this.#session.post('NodeWorker.sendMessageToWorker', { sessionId, message }, failed);
      } catch (error) {
        failed(error as Error);
      }
    });
  }

  /** Asks a worker for something that its own code answers: not while a worker is about to be ended. */
  async #askWorker<T>(
    threadId: number,
    sessionId: string,
    method: string,
    params: object | undefined,
  ): Promise<T> {
    while (!beginWorkerQuestion(threadId)) {
      await sleep(ENDING_LOOK_MS);
      if (!this.#isOpen) throw new Error('the debug server closes');
      if (!this.#workers.has(sessionId)) throw new Error('the thread has ended');
    }
    try {
      return await this.#postWorker(sessionId, method, params);
    } finally {
      endWorkerQuestion();
    }
  }

  #attach(sessionId: string, { title, url }: { readonly title: string; readonly url: string }): void {
    const [, number = '', label = ''] = /^\[worker (\d+)\] ?(.*)$/.exec(title) ?? [];
    const id = Number(number);
    if (number === '' || this.#excluded.has(id)) return;
    const name = label === '' || label === 'WorkerThread' ? `worker ${id}` : `worker ${id} ${label}`;
    const thread: InspectedThread = {
      id,
      name,
      url,
      post: (method, params) =>
        method === 'Runtime.evaluate'
          ? this.#askWorker(id, sessionId, method, params)
          : this.#postWorker(sessionId, method, params),
    };
    this.#workers.set(sessionId, thread);
    for (const listener of this.#listeners) listener(thread);
  }

  #detach(sessionId: string): void {
    this.#workers.delete(sessionId);
    this.#fail((pending) => pending.sessionId === sessionId, 'the thread has ended');
  }

  #fail(isMeant: (pending: Pending) => boolean, reason: string): void {
    for (const [id, pending] of this.#pending) {
      if (!isMeant(pending)) continue;
      this.#pending.delete(id);
      pending.reject(new Error(reason));
    }
  }

  #receive(text: string): void {
    const { id, result, error } = JSON.parse(text) as {
      readonly id?: number;
      readonly result?: unknown;
      readonly error?: { readonly message: string };
    };
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id!);
    if (error === undefined) pending.resolve(result as never);
    else pending.reject(new Error(error.message));
  }
}
