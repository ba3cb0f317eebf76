// A shop with a worker: tasks, regions on two threads, messages, logs and a counter, and secrets in all that holds text.
const { join } = require('node:path');
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
const { trace } = require('ttrace');

function spin(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

if (isMainThread) {
  const worker = new Worker(join(__dirname, 'shop.cjs'), { name: 'acme-packer' });
  const serve = async (number) => {
    await trace.withTask('acme-order', { id: number, customer: 'acme-customer' }, async () => {
      trace.withRegion('acme-parse', () => spin(2));
      trace.log('cache', `acme-message ${number}`);
      await trace.withTask('acme-pay', async () => {
        worker.postMessage(number);
        await new Promise((resolve) => worker.once('message', resolve));
      });
      trace.counter('acme-queue', number);
    });
  };
  (async () => {
    for (let number = 0; number < 8; number++) await serve(number);
    spin(400);
    await worker.terminate();
  })();
} else {
  parentPort.on('message', (number) => {
    trace.withRegion('acme-pack', () => spin(1));
    parentPort.postMessage(number);
  });
}
