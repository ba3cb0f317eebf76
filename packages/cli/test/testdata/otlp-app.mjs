// A bit of everything that becomes spans: nested tasks and regions, asynchronous ones, logs, a request, a message to a thread.
import { createServer, get } from 'node:http';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';

if (isMainThread) await main();
else {
  parentPort.once('message', (value) =>
    trace.withRegion('square', () => parentPort.postMessage(value * value)),
  );
}

async function main() {
  const worker = new Worker(new URL(import.meta.url));
  const server = createServer((request, response) => {
    trace.withRegion('answer', () => trace.log('cache', 'miss'));
    response.statusCode = request.url === '/bad' ? 500 : 200;
    response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  await trace.withTask('order', { id: 17 }, async () => {
    trace.withRegion('outer', () => trace.withRegion('inner', () => trace.log('step', 'in')));
    await trace.withRegion('store', () => new Promise((resolve) => setTimeout(resolve, 5)));
    await trace.withTask('pay', async () => trace.withRegion('charge', () => {}));
    await new Promise((resolve) => {
      get({ host: '127.0.0.1', port: server.address().port, path: '/bad' }, (response) =>
        response.resume().on('end', resolve),
      );
    });
    await new Promise((resolve) => {
      worker.once('message', resolve);
      worker.postMessage(3);
    });
  });
  trace.log('done', 'no task');
  server.close();
  await new Promise((resolve) => worker.once('exit', resolve));
}
