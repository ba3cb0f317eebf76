// A thread that begins two spans, of which one gets its name and an attribute later, and does as it is told.
import { parentPort, workerData } from 'node:worker_threads';
import { TtraceSpanProcessor } from '@ttrace/otel';
import { TracerProvider } from '@ttrace/otel-sdk3';

const { name, flag } = workerData;
const tracer = new TracerProvider({ spanProcessors: [new TtraceSpanProcessor()] }).getTracer('app');
tracer.startSpan(`${name} over`).end();
const first = tracer.startSpan(`${name} first`);
const second = tracer.startSpan(`${name} early name`);
second.updateName(`${name} second`);
second.setAttribute('worker', name);

parentPort.on('message', (order) => {
  if (order === 'end') parentPort.close();
  if (order === 'span') {
    first.end();
    tracer.startSpan(`${name} later`).end();
    parentPort.postMessage('done');
  }
  if (order !== 'wait') return;
  parentPort.postMessage('waiting');
  if (name === 'short') {
    Atomics.wait(flag, 0, 0);
    first.end();
    tracer.startSpan(`${name} after the end`).end();
  } else {
    while (Atomics.load(flag, 0) < 2) Atomics.wait(flag, 0, Atomics.load(flag, 0));
    first.end();
    parentPort.postMessage('done');
  }
});
parentPort.postMessage('ready');
