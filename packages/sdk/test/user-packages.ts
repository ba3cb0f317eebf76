/** Directories for programs that use packages of npm, which programs of the test kit cannot find from where they are. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import { temporaryDirectory } from './program.ts';

const require = createRequire(import.meta.url);
const ENTRIES: Readonly<Record<string, string>> = {
  'async-mutex': require.resolve('async-mutex'),
  'p-limit': require.resolve('p-limit'),
  fastq: require.resolve('fastq'),
  'generic-pool': require.resolve('generic-pool'),
  piscina: require.resolve('piscina'),
  tinypool: require.resolve('tinypool'),
};

/** A directory whose programs can import the packages whose waits are recorded. Removed when the test ends. */
export function directoryWithPackages(): string {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'node_modules'));
  for (const [name, entry] of Object.entries(ENTRIES)) {
    const folder = `${sep}node_modules${sep}${name}${sep}`;
    const root = entry.slice(0, entry.lastIndexOf(folder) + folder.length - 1);
    symlinkSync(root, join(directory, 'node_modules', name), 'dir');
  }
  return directory;
}

/**
 * Text that brings the packages in as `Mutex`, `Semaphore`, `pLimit`, `limitFunction`, `fastq`, `genericPool`, `Piscina` and
 * `Tinypool`.
 */
export function packagesIn(kind: 'mjs' | 'cjs'): string {
  return kind === 'mjs'
    ? `import { Mutex, Semaphore } from 'async-mutex'; import pLimit, { limitFunction } from 'p-limit';
       import fastq from 'fastq'; import genericPool from 'generic-pool'; import Piscina from 'piscina';
       import { Tinypool } from 'tinypool';`
    : `const { Mutex, Semaphore } = require('async-mutex'); const { default: pLimit, limitFunction } = require('p-limit');
       const fastq = require('fastq'), genericPool = require('generic-pool'), Piscina = require('piscina');
       const { Tinypool } = require('tinypool');`;
}
