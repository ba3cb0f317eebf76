/** Where V8's functions stand in the program's sources: by source maps, where there are any. */
import { filePath, sourcePosition } from '@ttrace/sdk/source-position';

/** A function as V8's profilers name it; line and column from 0. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** A frame of a profile; line from 1. */
export interface SourceFrame {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

/** Beyond every mapping of a line: its last one counts where the column is not known. */
const END_OF_LINE = 10_000;

/** @param line from 1, of what was running in the function; 0 for the function's own. */
export function sourceFrame(callFrame: CallFrame, line = 0): SourceFrame {
  const { functionName, url, lineNumber, columnNumber } = callFrame;
  // What goes on behind an `await` of a module has no line.
  const own = place(functionName, url, Math.max(1, lineNumber + 1), Math.max(1, columnNumber + 1));
  const name = functionName === '' ? placeName(own) : functionName;
  if (line === 0 || line === lineNumber + 1) return { ...own, name };
  return place(name, url, line, END_OF_LINE);
}

/** A function without a name is one by where it begins, whatever line of it was running. */
function placeName({ file, line }: SourceFrame): string {
  return file === '' ? '(anonymous)' : `(anonymous) ${file.slice(file.lastIndexOf('/') + 1)}:${line}`;
}

/** @param line from 1. @param column from 1. */
export function place(name: string, url: string, line: number, column: number): SourceFrame {
  if (url === '') return { name, file: '', line: 0 };
  const file = filePath(url);
  const original = url.startsWith('node:') ? undefined : sourcePosition(file, line, column);
  return { name, file: original?.file ?? file, line: original?.line ?? line };
}
