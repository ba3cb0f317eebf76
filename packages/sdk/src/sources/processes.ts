/**
 * The lives of child processes, from spawn to exit. Their arguments may hold secrets and are not recorded. A synchronous spawn
 * has no life of its own here: it blocks the loop, and is seen there.
 */
import type { ChildProcess } from 'node:child_process';
import { type EventEmitter, errorMonitor } from 'node:events';
import { basename } from 'node:path';
import { Category, ProcessSlice } from '@ttrace/format/vocabulary';
import { RecordKind } from '../ring.ts';
import { currentTaskId, nextId, now, recordWith, sourceName } from '../thread-recorder.ts';
import { boundedNames } from './bounded-names.ts';
import { listenOn } from './channels.ts';

interface Life {
  readonly id: number;
  readonly label: number;
  readonly task: number;
}

// Bound early: test tools replace it.
const { nextTick } = process;

export function startProcesses(): () => void {
  let isOn = true;
  const labelOf = boundedNames((name) => sourceName(Category.process, name));
  const spawn = sourceName(Category.process, ProcessSlice.spawn);
  const lives = new Map<ChildProcess, Life>();

  const end = (child: ChildProcess, text: string): void => {
    const life = lives.get(child);
    if (life === undefined) return;
    forget(child);
    recordWith(text, 0, 0, RecordKind.asyncEnd, life.label, life.task, now(), life.id);
  };
  const forget = (child: ChildProcess): void => {
    lives.delete(child);
    (child as EventEmitter).off('exit', onExit).off(errorMonitor, onError);
  };
  function onExit(this: ChildProcess, exitCode: number | null, signal: string | null): void {
    end(this, exitCode === null ? `{"signal":${JSON.stringify(signal)}}` : `{"exitCode":${exitCode}}`);
  }
  // Sees an error without handling it: one that nobody handles must end the program as ever.
  function onError(this: ChildProcess, { code }: NodeJS.ErrnoException): void {
    end(this, `{"error":${JSON.stringify(code ?? 'failed')}}`);
  }

  const begin = (child: ChildProcess, file: string, task: number, start: number, seen: number): void => {
    const label = labelOf(`process ${basename(file)}`, 'process (other)');
    const life: Life = { id: nextId(), label, task };
    const pid = child.pid === undefined ? '' : `"pid":${child.pid},`;
    const text = `{${pid}"args":${Math.max(0, (child.spawnargs?.length ?? 1) - 1)}}`;
    recordWith(text, life.id, 0, RecordKind.asyncBegin, label, task, start, start);
    lives.set(child, life);
    if (child.pid !== undefined) {
      // On the thread that did it: where the arrow to the child begins, if that is recorded too.
      recordWith(`{"pid":${child.pid}}`, 0, 0, RecordKind.slice, spawn, task, start, seen);
      child.on('exit', onExit);
    } else {
      // One that could not be started never exits: its error comes in this tick, if `spawn` has not thrown it.
      (child as EventEmitter).on(errorMonitor, onError);
      nextTick(() => end(child, '{"error":"failed"}'));
    }
  };

  const unlisten = listenOn({
    child_process: ({ process: child }: { readonly process: ChildProcess }) => {
      const task = currentTaskId();
      const start = now();
      const seen = now();
      // Published before it is spawned: its name comes with the next tick, and is what its track is called.
      nextTick(() => {
        // Without a file it was made, but not spawned.
        if (isOn && typeof child.spawnfile === 'string') begin(child, child.spawnfile, task, start, seen);
      });
    },
  });
  return () => {
    isOn = false;
    unlisten();
    for (const child of [...lives.keys()]) forget(child);
  };
}
