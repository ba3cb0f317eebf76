/**
 * Asks a thread, while its JavaScript runs, what it is doing: evaluates an expression in it through the inspector. Works on
 * the main thread and on every worker, nested and later ones too, without the Debugger domain, so that a debugger of the user's
 * is not disturbed, and without stopping the thread for longer than the expression takes.
 *
 * Runs in the collector. Connects when it is first asked, and must be closed before the process ends: Node.js says on stderr
 * that it waits for the debugger otherwise.
 */
import type { Session } from 'node:inspector';
import { threadId as ownThreadId } from 'node:worker_threads';

/** A thread that has not answered by then may be gone. */
const PATIENCE_MS = 30_000;

const NOT_PERMITTED =
  'this process may not use the inspector: the permission model does not allow it (--allow-inspector), or it is the one that starts ' +
  'others for node --test or --watch';

/** Gives an answer; a second one is ignored. */
type Answer = (value: string | undefined) => void;

interface EvaluateResult {
  readonly result?: { readonly value?: unknown };
}

export class StackSampler {
  readonly #expression: string;
  /** Inspector's session ids by thread id. */
  readonly #workers = new Map<number, string>();
  /** Who waits for an answer, and by which session of a worker, '' for the main thread. */
  readonly #open = new Map<Answer, string>();
  readonly #pending = new Map<number, Answer>();
  #session: Session | undefined;
  #workersKnown: Promise<void> | undefined;
  #lastId = 0;
  /** Why there can be no stacks; undefined as long as there can. */
  failure: string | undefined;

  /**
   * @param expression its value must be a text.
   * @param isPermitted Whether the process may use the inspector: if not, connecting would end it.
   */
  constructor(expression: string, isPermitted: boolean) {
    this.#expression = expression;
    if (!isPermitted) this.failure = NOT_PERMITTED;
  }

  /** The expression's value in a thread (0 = main); undefined when it gave none. Takes as long as a native call lasts. */
  async ask(threadId: number): Promise<string | undefined> {
    const session = this.#connected();
    if (session === undefined) return undefined;
    // The main thread's question must not wait for an answer of the main thread: it would come a native call too late.
    if (threadId !== 0) await this.#workersKnown;
    // Closed meanwhile.
    if (this.#session !== session) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(() => answer(undefined), PATIENCE_MS);
      const answer: Answer = (value) => {
        clearTimeout(timer);
        this.#open.delete(answer);
        resolve(value);
      };
      this.#open.set(answer, '');
      const params = { expression: this.#expression, returnByValue: true, silent: true };
      if (threadId === 0) {
        session.post('Runtime.evaluate', params, (error, result) =>
          answer(error === null ? textOf(result) : undefined),
        );
        return;
      }
      const sessionId = this.#workers.get(threadId);
      // It has not started yet, or has ended.
      if (sessionId === undefined) return answer(undefined);
      this.#open.set(answer, sessionId);
      const id = ++this.#lastId;
      this.#pending.set(id, answer);
      const message = JSON.stringify({ id, method: 'Runtime.evaluate', params });
      session.post('NodeWorker.sendMessageToWorker', { sessionId, message }, (error) => {
        if (error !== null) this.#answer(id, undefined);
      });
    });
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
      session.on('NodeWorker.attachedToWorker', ({ params }) => {
        const threadId = Number(/\d+/.exec(params.workerInfo.title)?.[0]);
        if (threadId !== ownThreadId) this.#workers.set(threadId, params.sessionId);
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
    for (const [threadId, known] of this.#workers) if (known === sessionId) this.#workers.delete(threadId);
    for (const [answer, asked] of this.#open) if (asked === sessionId) answer(undefined);
  }
}

function textOf(result: EvaluateResult | undefined): string | undefined {
  const value = result?.result?.value;
  return typeof value === 'string' ? value : undefined;
}
