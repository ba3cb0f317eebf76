/** Writing onto names that are there already and are no plain files. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeAtomically } from './atomic-file.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ttrace-atomic-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function write(path: string, text: string): Promise<number> {
  return writeAtomically(path, false, (sink) => {
    sink(new TextEncoder().encode(text));
    return [];
  });
}

test.skipIf(process.platform === 'win32')('a pipe is written into, and stays a pipe', async () => {
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const reader = openSync(pipe, 'r+');
  expect(await write(pipe, 'text')).toBe(4);
  const bytes = Buffer.alloc(10);
  expect(bytes.toString('utf8', 0, readSync(reader, bytes))).toBe('text');
  closeSync(reader);
  expect(lstatSync(pipe).isFIFO()).toBe(true);
});

test.skipIf(process.platform === 'win32')('a link stays, and the file that it leads to is new', async () => {
  const [file, link] = [join(directory, 'file'), join(directory, 'link')];
  await write(file, 'old');
  symlinkSync(file, link);
  await write(link, 'new');
  expect(readFileSync(file, 'utf8')).toBe('new');
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
});
