/** Makes a stack readable: places in the program's own sources where there are source maps, and a name for the whole. */
import { basename } from 'node:path';
import { isOwnFile, isSiblingFile } from './own-files.ts';
import { filePath, sourcePosition } from './source-position.ts';
import type { RawFrame } from './sources/stack-frames.ts';

export interface StackDescription {
  /**
   * What was running: the innermost function of the program, and what of Node.js or of a package it was calling:
   * `load app.js:7 → readFileSync`. A package's function where none of the program's own was on the stack.
   */
  readonly name: string;
  /** Where that function was: `file:line`, '' when nothing of the program was running. */
  readonly location: string;
  /** Frames, innermost first: `function (file:line:column)`. */
  readonly frames: readonly string[];
}

/** What runs callbacks, timers, promise jobs and listeners, also of messages and of HTTP. */
const PLUMBING =
  /^node:(events|_http_common|internal\/(timers|process\/task_queues|async_hooks|event_target|per_context\/messageport))$/;
/** The native call was the last of its callback: who made it has returned. */
const NOBODY: StackDescription = { name: 'blocked', location: '', frames: [] };

/**
 * @param frames innermost first.
 * @param isLate The thread answered only when a native call was over: a function that it has just entered is not to blame.
 */
export function describeStack(frames: readonly RawFrame[], isLate: boolean): StackDescription {
  const program = withoutSiblings(frames.filter(([, file]) => !isOwnFile(file)));
  const [first] = program;
  // A builtin that was interrupted is one that has just been entered: what really took long has returned.
  const isInnocent =
    isLate && first !== undefined && program.length > 1 && (first[4] === 1 || first[1] === '');
  const shown = (isInnocent ? program.slice(1) : program).map(mapped);
  if (isLate && shown.every(([, file]) => PLUMBING.test(file))) return NOBODY;
  const ofProgram = shown.findIndex(([, file]) => isProgram(file) && !isPackage(file));
  const own = ofProgram >= 0 ? ofProgram : shown.findIndex(([, file]) => isProgram(file));
  const frame = shown[own];
  return {
    name: blockName(shown, own, isLate),
    location: frame === undefined ? '' : `${frame[1]}:${frame[2]}`,
    frames: shown.map(frameText),
  };
}

/** Without frames of our other packages, where the program has any, and without those of their modules as they load. */
function withoutSiblings(frames: readonly RawFrame[]): readonly RawFrame[] {
  const hasProgram = frames.some(([, file]) => isProgram(file) && !isSiblingFile(file));
  return frames.filter(([name, file]) => !((hasProgram || name === '') && isSiblingFile(file)));
}

/** What of Node.js runs promise jobs. */
const RUNS_JOBS = /^(process\.)?(runNextTicks|processTicksAndRejections|runMicrotasks) /;

/** Whether a thread was seen between two promise jobs, where V8 mostly answers while they are short. */
export function isBetweenJobs([innermost]: readonly string[]): boolean {
  return innermost === undefined || RUNS_JOBS.test(innermost);
}

function blockName(frames: readonly RawFrame[], own: number, isLate: boolean): string {
  const frame = frames[own];
  const inner = frames[own < 0 ? 0 : own - 1];
  if (frame === undefined) return inner?.[0] || 'blocked';
  const [name, file, line] = frame;
  const place = `${name === '' ? '(anonymous)' : name} ${basename(file)}:${line}`;
  // Of Node.js's own JavaScript a moment says little; a native call is what takes the time.
  const isNamed =
    inner !== undefined && inner[0] !== '' && (isLate || inner[1] === '' || isPackage(inner[1]));
  return isNamed ? `${place} → ${inner[0]}` : place;
}

function mapped(frame: RawFrame): RawFrame {
  const [name, file, line, column, isEntered] = frame;
  if (!isProgram(file)) return frame;
  const path = filePath(file);
  const original = sourcePosition(path, line, column);
  return original === undefined
    ? [name, path, line, column, isEntered]
    : [name, original.file, original.line, original.column, isEntered];
}

function isProgram(file: string): boolean {
  return file !== '' && !file.startsWith('node:');
}

/** Whether it is a file that somebody else has written. */
function isPackage(file: string): boolean {
  return /[\\/]node_modules[\\/]/.test(file);
}

function frameText([name, file, line, column]: RawFrame): string {
  const place = file === '' ? 'native' : `${file}:${line}:${column}`;
  return `${name === '' ? '(anonymous)' : name} (${place})`;
}
