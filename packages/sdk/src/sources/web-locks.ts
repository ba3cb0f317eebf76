/**
 * Web Locks (`worker_threads.locks`, `navigator.locks`) by the channels on which newer Node.js publishes them: how long a
 * request waited, and how long an exclusive lock was held. Channels give no id: requests of one name and mode are granted in
 * the order in which they were made. Those who share a lock may let go in any order, so their holding is not recorded.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Category } from '@ttrace/format';
import { RecordKind } from '../ring.ts';
import { currentTaskId, nextId, now, record, recordWith, sourceName } from '../thread-recorder.ts';

interface LockMessage {
  readonly name: string;
  readonly mode: 'exclusive' | 'shared';
  readonly ifAvailable?: boolean;
}

/** An async slice that is open. */
interface Open {
  readonly id: number;
  readonly name: string;
  readonly task: number;
}

export function startWebLocks(): () => void {
  const waiting = new Map<string, Open[]>();
  /** A lock is granted to the next one a moment before the last one's end is published. */
  const held = new Map<string, Open[]>();
  /** Requests that did not wait and got nothing: they end as well. */
  const missed = new Map<string, number>();
  const listeners: Record<string, (message: unknown) => void> = {
    start: (message) => {
      const { name, mode } = message as LockMessage;
      queueOf(waiting, keyOf(message)).push(begin(`lock ${name} wait`, mode));
    },
    // Said at once after its own start, for a request that does not want to wait.
    miss: (message) => {
      const key = keyOf(message);
      end(waiting.get(key)?.pop());
      missed.set(key, (missed.get(key) ?? 0) + 1);
    },
    grant: (message) => {
      const { name, mode } = message as LockMessage;
      end(waiting.get(keyOf(message))?.shift());
      if (mode === 'exclusive') queueOf(held, name).push(begin(`lock ${name}`, mode));
    },
    end: (message) => {
      const { name, mode, ifAvailable } = message as LockMessage;
      const misses = missed.get(keyOf(message)) ?? 0;
      if (ifAvailable === true && misses > 0) missed.set(keyOf(message), misses - 1);
      else if (mode === 'exclusive') end(held.get(name)?.shift());
    },
  };
  for (const [event, listener] of Object.entries(listeners)) subscribe(`locks.request.${event}`, listener);
  return () => {
    for (const [event, listener] of Object.entries(listeners))
      unsubscribe(`locks.request.${event}`, listener);
  };
}

function queueOf(queues: Map<string, Open[]>, key: string): Open[] {
  let queue = queues.get(key);
  if (queue === undefined) {
    queue = [];
    queues.set(key, queue);
  }
  return queue;
}

function keyOf(message: unknown): string {
  const { name, mode } = message as LockMessage;
  return `${mode} ${name}`;
}

function begin(name: string, mode: string): Open {
  const open = { id: nextId(), name, task: currentTaskId() };
  const time = now();
  const label = sourceName(Category.wait, name);
  recordWith(`{"mode":"${mode}"}`, open.id, 0, RecordKind.asyncBegin, label, open.task, time, time);
  return open;
}

function end(open: Open | undefined): void {
  if (open === undefined) return;
  record(RecordKind.asyncEnd, sourceName(Category.wait, open.name), open.task, now(), open.id);
}
