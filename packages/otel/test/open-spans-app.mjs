// Workers with spans that are open when the recording stops, or when they end. What it does is asserted in open-spans.test.ts.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';

const [file, mode] = process.argv.slice(2);
await trace.start({ file, sources: false });
const flag = new Int32Array(new SharedArrayBuffer(4));
const workers = {};
for (const name of ['idle', 'short', 'long', 'ending', 'terminated']) {
  workers[name] = new Worker(new URL('open-spans-worker.mjs', import.meta.url), {
    name,
    workerData: { name, flag },
  });
  await once(workers[name], 'message');
}
const ended = once(workers.ending, 'exit');
workers.ending.postMessage('end');
await ended;
await workers.terminated.terminate();

if (mode === 'exit') {
  process.stdout.write('{}');
  process.exit();
}
workers.short.postMessage('wait');
workers.long.postMessage('wait');
await Promise.all([once(workers.short, 'message'), once(workers.long, 'message')]);
const stopped = trace.stop();
// Lets the one that waits for a short time go on at once, before it can hear of the end.
Atomics.store(flag, 0, 1);
Atomics.notify(flag, 0);
const report = await stopped;

// Whatever comes now is in no trace, and disturbs none.
await trace.start({ file: `${file}.second.json`, sources: false });
workers.idle.postMessage('span');
await once(workers.idle, 'message');
Atomics.store(flag, 0, 2);
Atomics.notify(flag, 0);
await once(workers.long, 'message');
const second = await trace.stop();
for (const worker of Object.values(workers)) await worker.terminate();
process.stdout.write(JSON.stringify({ report, second }));
