// For the tests: a main thread that has begun things before and after it serves, and then never comes back to its event loop.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { startDebugServer } from '@ttrace/debug-server';

const kept = [];

function waitForJob() {
  kept.push(new Promise(() => {}));
}

function startPolling() {
  setInterval(() => {}, 1e6);
}

function blockForever() {
  for (let i = 0; ; i = (i + 1) | 0) if (i === -17 && process.pid < 0) return i;
}

const listening = createServer().listen(0, '127.0.0.1');
await once(listening, 'listening');
const { url } = await startDebugServer({ port: 0, pendingStacks: process.env.PENDING_STACKS === '1' });
startPolling();
for (let i = 0; i < 3; i++) waitForJob();
const worker = new Worker(new URL('./pending-worker.mjs', import.meta.url), { name: 'poller' });
await once(worker, 'message');
process.send({ url });
setPriority(5);
setImmediate(blockForever);
