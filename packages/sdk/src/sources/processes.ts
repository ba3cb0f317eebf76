/**
 * The lives of child processes, from spawn to exit. Their arguments may hold secrets and are not recorded. A synchronous spawn
 * has no life of its own here: it blocks the loop, and is seen there.
 */
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { basename } from 'node:path';
import { Category } from '@ttrace/format';
import { attributesText } from '../attributes.ts';
import { RecordKind } from '../ring.ts';
import { currentTaskId, nextId, now, recordWith, sourceName } from '../thread-recorder.ts';

const CHANNEL = 'child_process';

export function startProcesses(): () => void {
  let isOn = true;
  const onProcess = (message: unknown): void => {
    const child = (message as { readonly process: ChildProcess }).process;
    const id = nextId();
    const task = currentTaskId();
    const start = now();
    // Published before it is spawned: its name comes with the next tick, and is what its track is called.
    process.nextTick(() => {
      if (!isOn) return;
      const name = sourceName(Category.process, `process ${basename(String(child.spawnfile ?? ''))}`);
      const begin = attributesText({
        pid: child.pid,
        arguments: Math.max(0, (child.spawnargs?.length ?? 1) - 1),
      });
      recordWith(begin, id, 0, RecordKind.asyncBegin, name, task, start, start);
      const end = (exitCode: number | null, signal: string | null): void => {
        if (!isOn) return;
        const text = attributesText({ exitCode: exitCode ?? undefined, signal: signal ?? undefined });
        recordWith(text, 0, 0, RecordKind.asyncEnd, name, task, now(), id);
      };
      // One that could not be started never exits.
      if (child.pid === undefined) end(null, null);
      else child.once('exit', end);
    });
  };
  subscribe(CHANNEL, onProcess);
  return () => {
    isOn = false;
    unsubscribe(CHANNEL, onProcess);
  };
}
