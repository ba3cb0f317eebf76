/** Finds out within a moment whether anything listens where spans are to be sent, before minutes are spent on retries. */
import { connect } from 'node:net';

/** Longest that the probe waits for a connection. */
const PROBE_MS = 1500;
/** A second look after a refusal: a receiver that is just starting. */
const AGAIN_MS = 300;

/** Rejects with the error of the connection when nothing listens there. */
export async function probe(url: URL): Promise<void> {
  try {
    await tryConnect(url);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    await tryConnect(url);
  }
}

function tryConnect({ hostname, port, protocol }: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    const host = hostname.replace(/^\[|\]$/g, '');
    const socket = connect({ host, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) });
    socket.setTimeout(PROBE_MS, () => {
      socket.destroy(Object.assign(new Error('no connection'), { code: 'ETIMEDOUT' }));
    });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', (error) => {
      // Where a name has several addresses, the error is one of all of them.
      const first = error instanceof AggregateError ? (error.errors[0] as Error) : error;
      reject(first ?? error);
    });
  });
}
