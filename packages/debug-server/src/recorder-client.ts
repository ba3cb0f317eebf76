/** Asks the recorder's thread over a port of its own. Works while the main thread is blocked. */
import type { MessagePort } from 'node:worker_threads';
import type { DebugReplies, DebugReply, DebugWish } from '@ttrace/sdk/debug';
import { HttpProblem } from './http-problem.ts';

/** A recorder that does not answer for so long is gone: it answers within 20 ms. */
const PATIENCE_MS = 30_000;

export class RecorderClient {
  readonly #port: MessagePort | undefined;
  readonly #waiting = new Map<number, (answer: never) => void>();
  #lastId = 0;
  /** Why there is no recorder; undefined if there is. */
  failure: string | undefined;

  /** @param recorder the port, or why there is none. */
  constructor(recorder: MessagePort | string) {
    if (typeof recorder === 'string') {
      this.failure = recorder;
      return;
    }
    this.#port = recorder;
    recorder.on('message', ({ id, answer }: DebugReply) => {
      this.#waiting.get(id)?.(answer as never);
      this.#waiting.delete(id);
    });
    recorder.on('close', () => {
      this.failure = 'the recorder has ended';
    });
    recorder.unref();
  }

  /** @throws HttpProblem when there is no recorder, or it does not answer. */
  ask<W extends DebugWish>(wish: W): Promise<DebugReplies[W['kind']]> {
    if (this.#port === undefined || this.failure !== undefined) {
      throw new HttpProblem(500, `nothing is recorded: ${this.failure}`);
    }
    const id = ++this.#lastId;
    this.#port.postMessage({ ...wish, id });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new HttpProblem(500, 'the recorder does not answer'));
      }, PATIENCE_MS);
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
  }

  close(): void {
    this.failure ??= 'closed';
    this.#port?.close();
  }
}
