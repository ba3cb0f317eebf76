import { parentPort } from 'node:worker_threads';

function pollInWorker() {
  setInterval(() => {}, 1e6);
}

pollInWorker();
parentPort.postMessage('here');
