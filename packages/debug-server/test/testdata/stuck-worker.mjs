import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';

function spinWorker() {
  let sum = 0;
  for (let i = 0; ; i = (i + 1) | 0) {
    sum = (sum * 31 + i) | 0;
    if (sum === 17 && i === -17 && process.pid < 0) return sum;
  }
}

parentPort.postMessage('here');
setPriority(5);
setTimeout(spinWorker, 50);
