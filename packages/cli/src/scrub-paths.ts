/**
 * Takes the directories out of texts: `/home/ann/shop/order.ts:12` becomes `…/order.ts:12`. What cannot be told from a directory,
 * the end of a path without an extension or a line number, goes as well.
 */

/** What ends a path in a text. */
const END = '\\s"\'`()<>|=,;:';
const SEGMENT = `[^${END}/\\\\]+`;
/** A directory of up to six words. A file stands at the end of a path, so what has a dot is none. */
const WORD = `[^.${END}/\\\\]+`;
const SPACED = `${WORD}(?: ${WORD}){1,5}`;
/** Begins where a word does. */
const START = `(?<![^${END}])`;

const URL = /[a-z][a-z\d+.-]*:\/{2,}[^\s"'`()<>|]*/gi;
const ABSOLUTE = new RegExp(
  `${START}(?:[a-z]:|~)?[/\\\\]+(?:(?:${SEGMENT}|${SPACED})[/\\\\]+)*(?:${SEGMENT})?(:\\d+)?`,
  'gi',
);
/** Words with a slash between them are many things; with an extension they are a file. */
const RELATIVE = new RegExp(`${START}(?:${SEGMENT}[/\\\\]+)+${SEGMENT}\\.[a-z]\\w{0,7}(?!\\w)`, 'gi');
/** Requests are named by method and path, which is none of a file. */
const ROUTE = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|QUERY) \/\S*/;
const EXTENSION = /\.[a-z]\w{0,7}$/i;

/** A text without the directories of the paths in it, and without the hosts of its URLs. */
export function withoutDirectories(text: string): string {
  if (!/[/\\]/.test(text)) return text;
  const [route = ''] = ROUTE.exec(text) ?? [];
  const rest = text
    .slice(route.length)
    .replace(URL, (url) => fileOf(url.replace(/[?#].*$/, ''), true))
    .replace(ABSOLUTE, (path, line: string | undefined) => absolute(path, line))
    .replace(RELATIVE, (path) => fileOf(path, true));
  return route + rest;
}

/** Where code is, `file:line` or `file:line:column`, without the directories, whatever characters they have. */
export function locationWithoutDirectories(location: string): string {
  return location.startsWith('node:') || !/[/\\]/.test(location) ? location : fileOf(location, true);
}

/** A frame of a stack, `function (file:line:column)`, without the directories. */
export function frameWithoutDirectories(frame: string): string {
  const match = /^(.*? \()(.*)(\))$/s.exec(frame);
  if (match !== null) {
    const [, before = '', location = '', after = ''] = match;
    return `${withoutDirectories(before)}${locationWithoutDirectories(location)}${withoutDirectories(after)}`;
  }
  return /:\d+$/.test(frame) ? locationWithoutDirectories(frame) : withoutDirectories(frame);
}

function absolute(path: string, line: string | undefined): string {
  // A slash, or a file in the topmost directory.
  if (/^[/\\]+[^/\\]*$/.test(path)) return path;
  return fileOf(path, line !== undefined);
}

/** What stands behind the last separator, if it is a file. */
function fileOf(path: string, isFile: boolean): string {
  const last = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  return isFile || EXTENSION.test(last) ? `…/${last}` : '…';
}
