// For the tests: a main thread and a worker that never come back to their event loops, and a worker that waits again and again.
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { startDebugServer } from '@ttrace/debug-server';
import { trace } from '@ttrace/sdk';

function spinForever() {
  let sum = 0;
  for (let i = 0; ; i = (i + 1) | 0) {
    sum = (sum * 31 + i) | 0;
    if (sum === 17 && i === -17 && process.pid < 0) return sum;
  }
}

const server = await startDebugServer({ port: 0 });
const stuck = new Worker(new URL('./stuck-worker.mjs', import.meta.url), { name: 'stuck' });
const waiter = new Worker(new URL('./waiting-worker.mjs', import.meta.url), { name: 'waiter' });
await Promise.all([once(stuck, 'message'), once(waiter, 'message')]);
process.send({ url: server.url, stuck: stuck.threadId });
// The other tests need a processor as well; on Linux this is about this thread alone.
setPriority(5);
setTimeout(() => trace.withTask('order', () => trace.withRegion('compute', spinForever)), 50);
