/** Brings the file that another process has written to where this one was asked to put it: its `/tmp` may be one of its own. */
import { copyFileSync, existsSync } from 'node:fs';
import { Failure, fileReason } from '../failure.ts';
import type { Target } from './find-target.ts';

/** @throws Failure when there is none. */
export function fetchFile({ root }: Target, file: string): void {
  if (root !== '' && existsSync(root + file)) {
    try {
      copyFileSync(root + file, file);
    } catch (error) {
      throw new Failure(`cannot copy ${root}${file} to ${file}: ${fileReason(error)}`);
    }
  }
  if (!existsSync(file)) throw new Failure(`there is no ${file}: the process ended before it could write it`);
}
