/** The lives of workers, as the thread that makes them sees it: from construction to exit, and when they run their code. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Worker } from 'node:worker_threads';
import { Category } from '@ttrace/format';
import { RecordKind } from '../ring.ts';
import { currentTaskId, nextId, now, recordWith, sourceName } from '../thread-recorder.ts';

const CHANNEL = 'worker_threads';

export function startWorkers(): () => void {
  let isOn = true;
  const onWorker = (message: unknown): void => {
    const { worker } = message as { readonly worker: Worker };
    const { threadId } = worker;
    const id = nextId();
    const task = currentTaskId();
    const start = now();
    const name = sourceName(Category.worker, `worker ${threadId}`);
    recordWith(`{"threadId":${threadId}}`, id, 0, RecordKind.asyncBegin, name, task, start, start);
    worker.once('online', () => {
      if (!isOn) return;
      const online = sourceName(Category.worker, 'worker online');
      recordWith(`{"threadId":${threadId}}`, 0, 0, RecordKind.instant, online, task, now(), 0);
    });
    worker.once('exit', (exitCode) => {
      if (isOn) recordWith(`{"exitCode":${exitCode}}`, 0, 0, RecordKind.asyncEnd, name, task, now(), id);
    });
  };
  subscribe(CHANNEL, onWorker);
  return () => {
    isOn = false;
    unsubscribe(CHANNEL, onWorker);
  };
}
