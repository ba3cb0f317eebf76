/**
 * Frames of stacks as a trace has them in text: `function (file:line:column)`, `function (native)`, or a name and `file:line`. Columns
 * are left out: what a line does is one thing to those who look for where time went.
 */

/** A function, or what stands in its place: a region, a wait, a message's way. */
export interface Frame {
  readonly name: string;
  /** Path or URL of the source; '' where there is none. */
  readonly file: string;
  /** From 1; 0 where it is not known. */
  readonly line: number;
}

/** A frame from the text of a stack. What has no place in parentheses is all name. */
export function parseFrame(text: string): Frame {
  const at = text.indexOf(' (');
  if (at < 0 || !text.endsWith(')')) return { name: text, file: '', line: 0 };
  return frameAt(text.slice(0, at), text.slice(at + 2, -1));
}

/** A frame from a name and its place: `file:line:column`, `file:line`, `native` or ''. */
export function frameAt(name: string, place: string): Frame {
  const match = /^(.+?):(\d+)(?::\d+)?$/.exec(place);
  if (match === null) return { name, file: place === 'native' ? '' : place, line: 0 };
  return { name, file: match[1]!, line: Number(match[2]) };
}

/** Where a frame is, for people: `auth.js:12`, '' where there is no source. */
export function placeText({ file, line }: Frame): string {
  const base = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
  return line > 0 ? `${base}:${line}` : base;
}

/** Whether it is Node.js's or V8's, and has no file that anybody has written for the program. */
export function isOfNodeItself({ file, line }: Frame): boolean {
  return line === 0 || file.startsWith('node:');
}

/** A frame in one line: `hash auth.js:12`. */
export function frameText(frame: Frame): string {
  const place = placeText(frame);
  return place === '' ? frame.name : `${frame.name} ${place}`;
}
