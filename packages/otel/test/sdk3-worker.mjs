// A thread that goes on with a task of another one.
import { workerData } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';

const task = trace.adoptTask(workerData);
task.run(() => trace.withTask('part in a worker', () => {}));
task.end();
