import { parentPort } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';

const never = new Int32Array(new SharedArrayBuffer(4));
function waitForTurn() {
  Atomics.wait(never, 0, 0, 15);
}

parentPort.postMessage('here');
setInterval(() => trace.withRegion('critical', waitForTurn), 30);
