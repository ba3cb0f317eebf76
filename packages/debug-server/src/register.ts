/**
 * `import '@ttrace/debug-server/register'`, or `node --import @ttrace/debug-server/register app.js`: a debug server for a program that does
 * nothing for it. TTRACE_DEBUG_SERVER says where (`6060`, `host:port`; default 127.0.0.1:6060), TTRACE_DEBUG_SERVER_TOKEN may have a token,
 * TTRACE_DEBUG_SERVER_PENDING=1 has the stacks of pending work noted.
 *
 * All are taken out of the environment: child processes inherit it, and must not want the same port.
 */
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { parseAddress } from './debug-server-options.ts';

const {
  TTRACE_DEBUG_SERVER: address = '6060',
  TTRACE_DEBUG_SERVER_TOKEN: token = '',
  TTRACE_DEBUG_SERVER_PENDING: pending = '',
} = process.env;

// Workers inherit `--import`.
if (isMainThread) {
  const isChild = process.env.TTRACE_DEBUG_SERVER === '';
  process.env.TTRACE_DEBUG_SERVER = '';
  delete process.env.TTRACE_DEBUG_SERVER_TOKEN;
  delete process.env.TTRACE_DEBUG_SERVER_PENDING;
  if (!isChild) await begin();
}

async function begin(): Promise<void> {
  try {
    if (!['', '0', '1'].includes(pending))
      throw new Error(`TTRACE_DEBUG_SERVER_PENDING is 1 or 0, not ${pending}`);
    const { beginLoudDebugServer } = await import('./start-debug-server.ts');
    beginLoudDebugServer({
      ...parseAddress(address),
      ...(token === '' ? {} : { token }),
      pendingStacks: pending === '1',
    });
  } catch (error) {
    try {
      writeSync(2, `ttrace: no debug server: ${(error as Error).message}\n`);
    } catch {
      // No stderr left.
    }
  }
}
