/** Asks the recorder's thread over a port of its own. Works while the main thread is blocked. */
import type { MessagePort } from 'node:worker_threads';
import type { DebugReplies, DebugReply, DebugWish } from '@ttrace/sdk/debug';
import { HttpProblem } from './http-problem.ts';

/** A recorder that does not answer for so long is gone: it answers within 20 ms. */
const PATIENCE_MS = 30_000;

export class RecorderClient {
  readonly #port: MessagePort | undefined;
  /** Who waits: told the answer, or that there is none. */
  readonly #waiting = new Map<number, (reply: DebugReply | undefined) => void>();
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
    recorder.on('message', (reply: DebugReply) => this.#waiting.get(reply.id)?.(reply));
    recorder.on('close', () => this.#end('the recorder has ended'));
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
      const hear = (reply: DebugReply | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        if (reply === undefined) reject(new HttpProblem(500, 'the recorder does not answer'));
        else resolve(reply.answer as DebugReplies[W['kind']]);
      };
      const timer = setTimeout(hear, PATIENCE_MS, undefined);
      this.#waiting.set(id, hear);
    });
  }

  close(): void {
    this.#end('closed');
    this.#port?.close();
  }

  #end(reason: string): void {
    this.failure ??= reason;
    for (const hear of this.#waiting.values()) hear(undefined);
  }
}
