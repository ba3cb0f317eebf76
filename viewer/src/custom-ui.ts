/**
 * Serves a directory that holds an unzipped official Perfetto UI, at the root of a port of its own, as that build
 * expects. Public files only, hence no token; the guard still checks host and path.
 */

import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Readable } from 'node:stream';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { judge } from './guard.ts';
import { type Listening, listen } from './listen.ts';
import { COMMON_HEADERS } from './security-headers.ts';
import { contentType } from './ui-files.ts';

/**
 * Starts the server on a free port of `host`.
 *
 * Rejects when the directory has no `index.html`: then it is not an unzipped Perfetto UI.
 * @param onRequest called for each request that the guard let pass.
 */
export async function startCustomUi(
  directory: string,
  host: string,
  isOwnHost: (name: string) => boolean,
  onRequest: () => void = () => {},
): Promise<Listening> {
  const root = await realpath(directory).catch(() => undefined);
  if (root === undefined || (await findFile(root, '/')) === undefined) {
    throw new Error(
      `${directory} holds no Perfetto UI: expected an unzipped perfetto-ui.zip, with index.html`,
    );
  }
  return listen(host, 0, (port) => customUiApp(root, port, isOwnHost, onRequest));
}

function customUiApp(
  root: string,
  port: number,
  isOwnHost: (name: string) => boolean,
  onRequest: () => void,
): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.get('*', async (context) => {
    for (const [name, value] of Object.entries(COMMON_HEADERS)) context.header(name, value);
    const verdict = judge(context.env.incoming, { isOwnHost, port, token: undefined });
    if (verdict.kind === 'refuse') return context.text(`refused: ${verdict.reason}`, verdict.status);
    onRequest();
    const file = await findFile(root, context.req.path);
    if (file === undefined) return context.notFound();
    return context.body(Readable.toWeb(createReadStream(file.path)) as ReadableStream, 200, {
      'content-type': contentType(file.path) ?? 'application/octet-stream',
      'content-length': String(file.size),
      'cache-control': 'no-cache',
    });
  });
  app.all('*', (context) => context.text('refused: method', 405, { allow: 'GET, HEAD' }));
  return app;
}

/** The file behind a path that the guard found plain; links that leave the directory lead nowhere. */
async function findFile(root: string, path: string): Promise<{ path: string; size: number } | undefined> {
  try {
    const real = await realpath(join(root, path === '/' ? 'index.html' : path));
    if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined;
    const stats = await stat(real);
    return stats.isFile() ? { path: real, size: stats.size } : undefined;
  } catch {
    return undefined;
  }
}
