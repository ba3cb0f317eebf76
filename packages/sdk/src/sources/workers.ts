/**
 * The lives of workers, as the thread that makes them sees it: from construction to exit, and when they run their code. Node's
 * channel tells of every construction; the recorder's own thread is made before any source starts.
 */
import type { Worker } from 'node:worker_threads';
import { Category } from '@ttrace/format/vocabulary';
import { isOwnWorker } from '../own-worker.ts';
import { RecordKind } from '../ring.ts';
import { newWorkerLabel, workerName } from '../thread-name.ts';
import { currentTaskId, nextId, now, recordWith, sourceName } from '../thread-recorder.ts';
import { wasTerminated } from '../worker-enrolment.ts';
import { boundedNames } from './bounded-names.ts';
import { listenOn } from './channels.ts';

interface Life {
  readonly id: number;
  readonly label: number;
  readonly task: number;
  readonly threadId: number;
}

export function startWorkers(): () => void {
  const labelOf = boundedNames((name) => sourceName(Category.worker, name));
  const online = sourceName(Category.worker, 'worker online');
  const lives = new Map<Worker, Life>();

  function onOnline(this: Worker): void {
    const life = lives.get(this);
    if (life === undefined) return;
    recordWith(`{"threadId":${life.threadId}}`, 0, 0, RecordKind.instant, online, life.task, now(), 0);
  }
  function onExit(this: Worker, exitCode: number): void {
    const life = lives.get(this);
    if (life === undefined) return;
    forget(this);
    const text = `{"exitCode":${exitCode | 0}${wasTerminated(this) ? ',"terminated":true' : ''}}`;
    recordWith(text, 0, 0, RecordKind.asyncEnd, life.label, life.task, now(), life.id);
  }
  const forget = (worker: Worker): void => {
    lives.delete(worker);
    worker.off('online', onOnline).off('exit', onExit);
  };

  const unlisten = listenOn({
    worker_threads: ({ worker }: { readonly worker: Worker }) => {
      if (isOwnWorker()) return;
      const { threadId } = worker;
      const given = newWorkerLabel();
      const label = labelOf(workerName(threadId, given), `worker ${given || '(other)'}`);
      const life: Life = { id: nextId(), label, task: currentTaskId(), threadId };
      const start = now();
      recordWith(
        `{"threadId":${threadId}}`,
        life.id,
        0,
        RecordKind.asyncBegin,
        label,
        life.task,
        start,
        start,
      );
      lives.set(worker, life);
      worker.on('online', onOnline).on('exit', onExit);
    },
  });
  return () => {
    unlisten();
    for (const worker of [...lives.keys()]) forget(worker);
  };
}
