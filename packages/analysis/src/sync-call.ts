/** Which synchronous function of Node.js a stack shows that the program has called, and what does the same without stopping the thread. */
import { isOfNodeItself, parseFrame } from './stack-frame.ts';

export interface SyncCall {
  /** As the program calls it, `readFileSync`; of zlib only that it is one is known. */
  readonly name: string;
  /** What to call, with its module: `fs.promises.readFile`. */
  readonly instead: string;
}

/** All synchronous functions of zlib are called so on a stack. */
const OF_ZLIB = 'syncBufferWrapper';

/** Modules by their files. */
const MODULES: readonly (readonly [pattern: RegExp, module: string])[] = [
  [/^node:(internal\/)?fs\b/, 'fs.promises'],
  [/^node:(internal\/)?crypto\b/, 'crypto'],
  [/^node:(internal\/)?zlib\b/, 'zlib'],
  [/^node:(internal\/)?child_process\b/, 'child_process'],
];

/** Of these the asynchronous form is called otherwise. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  existsSync: 'fs.promises.access',
  openSync: 'fs.promises.open',
  readSync: 'the read of a FileHandle, from fs.promises.open,',
  readvSync: 'the readv of a FileHandle, from fs.promises.open,',
  writeSync: 'the write of a FileHandle, from fs.promises.open,',
  writevSync: 'the writev of a FileHandle, from fs.promises.open,',
  closeSync: 'the close of a FileHandle, from fs.promises.open,',
  fstatSync: 'the stat of a FileHandle, from fs.promises.open,',
  fsyncSync: 'the sync of a FileHandle, from fs.promises.open,',
  fdatasyncSync: 'the datasync of a FileHandle, from fs.promises.open,',
  ftruncateSync: 'the truncate of a FileHandle, from fs.promises.open,',
};

/**
 * The call that was going on: Node.js's function next to the innermost one of the program, whatever that has called in its turn. What
 * Node.js calls by itself, as `require` does, is no call of the program.
 * @param stack innermost first.
 */
export function syncCallIn(stack: readonly string[]): SyncCall | undefined {
  const frames = stack.map(parseFrame);
  const own = frames.findIndex((frame) => !isOfNodeItself(frame));
  const inner = own < 0 ? frames : frames.slice(0, own);
  // Not what calls it for each of an array.
  const frame = inner.findLast(({ name, file }) => file !== '' || name.endsWith('Sync'));
  if (frame === undefined) return undefined;
  const name = frame.name.slice(frame.name.lastIndexOf('.') + 1);
  if (name === OF_ZLIB)
    return {
      name: 'A synchronous function of zlib',
      instead: 'its asynchronous form, such as zlib.gzip for gzipSync,',
    };
  if (!/^\w+Sync$/.test(name)) return undefined;
  const module = MODULES.find(([pattern]) => pattern.test(frame.file))?.[1];
  const plain = name.slice(0, -'Sync'.length);
  return { name, instead: OTHER_NAMES[name] ?? (module === undefined ? plain : `${module}.${plain}`) };
}
