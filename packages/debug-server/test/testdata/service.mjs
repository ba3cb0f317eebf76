// For the tests: a program that has time, does what it is told, and serves with a token.
import { once } from 'node:events';
import { Session } from 'node:inspector';
import { Worker } from 'node:worker_threads';
import { startDebugServer } from '@ttrace/debug-server';
import { trace } from '@ttrace/sdk';

const kept = [];

function remember() {
  for (let i = 0; i < 200_000; i++) kept.push({ text: `item ${i}`, i });
}

function waitForever() {
  const waiting = new Promise(() => {});
  kept.push(waiting);
  return waiting;
}

const options = {
  port: 0,
  token: 'open-sesame',
  maxSeconds: 60,
  pendingStacks: process.env.PENDING_STACKS === '1',
};
let server = await startDebugServer(options);
let holder;
let worker;
const hire = async () => {
  worker = new Worker('setInterval(() => {}, 1000)', { eval: true, name: 'mortal' });
  await once(worker, 'online');
  return worker.threadId;
};
const recorder = new trace.FlightRecorder();
const orders = {
  remember,
  wait: () => void waitForever(),
  'wait a lot': () => {
    for (let i = 0; i < 100_500; i++) kept.push(new Promise(() => {}));
  },
  hire,
  terminate: async () => {
    // In the middle of the second that is looked at.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await worker.terminate();
  },
  // Workers that are ended at every moment of their start, two at a time, for three seconds.
  churn: async () => {
    const end = performance.now() + 3000;
    const makeAndEnd = async () => {
      for (let i = 0; performance.now() < end; i++) {
        const short = new Worker('setInterval(() => {}, 1000)', { eval: true });
        await new Promise((resolve) => setTimeout(resolve, 5 + ((i * 7) % 60)));
        await short.terminate();
      }
    };
    await Promise.all([makeAndEnd(), makeAndEnd()]);
    return 'ended';
  },
  fly: () => recorder.start(),
  // Another profiler takes V8's heap sampler, and a new server finds it taken.
  hold: async () => {
    await server.close();
    holder = new Session();
    holder.connect();
    holder.post('HeapProfiler.startSampling');
    server = await startDebugServer(options);
    return server.url;
  },
  'left behind': () =>
    Object.getOwnPropertySymbols(globalThis)
      .map(String)
      .filter((name) => name.startsWith('Symbol(ttrace/pending')),
  'close server': () => server.close().then(() => true),
  exit: () => process.exit(7),
  close: async () => {
    await server.close();
    await recorder.stop();
    process.disconnect();
  },
};
process.on('message', async ({ order, id }) => {
  const answer = await orders[order]();
  if (process.connected) process.send({ id, answer });
});
process.send({ url: server.url });
