/**
 * Evaluates expressions in the main thread of a process through its inspector: https://chromedevtools.github.io/devtools-protocol/.
 * Uses no Debugger domain, so that a debugger that is attached as well is not disturbed. Workers are the collector's business.
 */
import { WebSocket } from 'ws';
import { Failure } from '../failure.ts';

/** What an expression gave: its value, which must be a text, or nothing when it threw or the process is gone. */
export type Answer = string | undefined;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly result?: { readonly result?: { readonly value?: unknown } };
}

/** A connection to a process's inspector. */
export interface InspectorClient {
  /** Resolves when it is closed, by either side. */
  readonly closed: Promise<void>;
  /** Resolves when the main thread has answered, which a long native call delays; or when it cannot any more. */
  evaluate(expression: string, awaitsPromise?: boolean): Promise<Answer>;
  close(): void;
}

const HANDSHAKE_MS = 5000;
/** @throws Failure when there is no connection. */
export async function connectInspector(url: string): Promise<InspectorClient> {
  const socket = new WebSocket(url, { handshakeTimeout: HANDSHAKE_MS, perMessageDeflate: false });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (error) => reject(new Failure(`cannot connect to the inspector: ${error.message}`)));
  });
  socket.on('error', () => {});
  return clientOf(socket);
}

function clientOf(socket: WebSocket): InspectorClient {
  const open = new Map<number, (message?: Message) => void>();
  let lastId = 0;
  const send = (method: string, params: object): number => {
    const id = ++lastId;
    socket.send(JSON.stringify({ id, method, params }));
    return id;
  };
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as Message;
    // An ending process waits for its debuggers.
    if (message.method === 'NodeRuntime.waitingForDisconnect') socket.terminate();
    if (message.id === undefined) return;
    open.get(message.id)?.(message);
    open.delete(message.id);
  });
  const closed = new Promise<void>((resolve) =>
    socket.once('close', () => {
      for (const settle of open.values()) settle();
      resolve();
    }),
  );
  send('NodeRuntime.notifyWhenWaitingForDisconnect', { enabled: true });
  return {
    closed,
    evaluate: async (expression, awaitPromise = false) => {
      if (socket.readyState !== WebSocket.OPEN) return undefined;
      const id = send('Runtime.evaluate', { expression, returnByValue: true, silent: true, awaitPromise });
      const message = await new Promise<Message | undefined>((settle) => open.set(id, settle));
      const value = message?.result?.result?.value;
      return typeof value === 'string' ? value : undefined;
    },
    close: () => socket.terminate(),
  };
}
