/**
 * Records a process that another one has started, under `ttrace run --children`: into a file of its own, named by the number
 * that it draws, with ids that no other process of the run has.
 *
 * The variable TTRACE_CHILDREN, which children inherit, names the files: `parts.json` stands for `parts-0.json`, `parts-1.json`
 * and so on. A process without it, or without the hook in NODE_OPTIONS, is simply not recorded. Nothing here says a word.
 */
import { appendFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Category, ProcessSlice } from '@ttrace/format/vocabulary';
import { RecordKind } from './ring.ts';
import { activeRecording, beginIdsAt, now, recordWith, sourceName } from './thread-recorder.ts';
import { recordWholeRun } from './whole-run.ts';

/** Most processes that are recorded beside the first one. */
const MAX_CHILDREN = 1000;
/** Ids are of 32 bits: the first process has the lower half, and each of the others this many of the upper one. */
const FIRST_CHILD_ID = 2 ** 31;
const IDS_PER_CHILD = 2 ** 21;
/** `.json`, `.pftrace.gz`. */
const EXTENSION = /(\.[a-z-]+)?(\.gz)?$/;

/** Records this process into the file of the next number. Does nothing when the run has ended, or has children enough. */
export function recordChild(pattern: string): void {
  const number = drawNumber(pattern);
  if (number === undefined) return;
  beginIdsAt(FIRST_CHILD_ID + number * IDS_PER_CHILD);
  // Its parent may have ended, and taken the directory with it, before this process does.
  recordWholeRun(pattern.replace(EXTENSION, `-${number}$&`), '', () => {});
  if (activeRecording() === 0) return;
  const start = now();
  const label = sourceName(Category.process, ProcessSlice.start);
  recordWith(`{"parentPid":${process.ppid}}`, 0, 0, RecordKind.slice, label, 0, start, now());
}

/** A number that no other process has; undefined past the limit, which is noted, and where no file can be made. */
function drawNumber(pattern: string): number | undefined {
  try {
    const first = readdirSync(dirname(pattern)).filter((name) => name.endsWith('.taken')).length;
    for (let number = first; number < MAX_CHILDREN; number++) {
      if (canCreate(`${pattern}.${number}.taken`)) return number;
    }
    // One character a process that was left out.
    appendFileSync(`${pattern}.refused`, '.');
  } catch {
    // No such directory: the run is over.
  }
  return undefined;
}

/** The file holds this process's id, so that others can see whether it still lives. */
function canCreate(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
