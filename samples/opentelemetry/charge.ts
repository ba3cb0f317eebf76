/** The worker of the sample: charges orders, each with work that takes a while. It has no OpenTelemetry of its own. */
import { parentPort } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';

interface Charge {
  readonly order: number;
  /** The task goes on here under this id. */
  readonly taskId: number;
}

parentPort?.on('message', ({ order, taskId }: Charge) => {
  trace.adoptTask(taskId).run(() =>
    trace.withTask('charge', { order }, () => {
      let sum = order;
      for (let i = 0; i < 1_000_000; i++) sum = (sum * 31 + i) % 1_000_003;
      parentPort?.postMessage({ order, sum });
    }),
  );
});
