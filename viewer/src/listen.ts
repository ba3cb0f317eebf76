/** Sockets for Hono applications: an application is made once its port is known, and a server closes without waiting for idle connections. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';

/** An application on a socket. */
export interface Listening {
  readonly port: number;
  /** Cuts all connections. Harmless twice. */
  close(): Promise<void>;
}

/** Binds `host`:`port` (0 = any free port) and serves what `makeApp` makes for the port that it got. */
export async function listen(
  host: string,
  port: number,
  makeApp: (port: number) => Hono<{ Bindings: HttpBindings }>,
): Promise<Listening> {
  let app: Hono<{ Bindings: HttpBindings }> | undefined;
  const server = createAdaptorServer({
    fetch: (request, bindings) => app!.fetch(request, bindings as HttpBindings),
    overrideGlobalObjects: false,
  }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explained(error, host, port)));
    server.listen(port, host, () => {
      app = makeApp((server.address() as AddressInfo).port);
      resolve();
    });
  });
  const bound = (server.address() as AddressInfo).port;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: bound, close };
}

function explained(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} of ${host} is in use: choose another one, or none to get a free one`,
    EADDRNOTAVAIL: `${host} is not an address of this machine`,
    EACCES: `not allowed to listen on port ${port}: choose one above 1023`,
    ENOTFOUND: `${host} is not a known host name`,
  };
  return new Error(reasons[error.code ?? ''] ?? `cannot listen on ${host}:${port}: ${error.message}`, {
    cause: error,
  });
}
