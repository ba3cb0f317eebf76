/** Where this package's own files lie, and those of the packages beside it, by which their frames are known in a stack. */
import { fileURLToPath } from 'node:url';

/** As the URL of a directory. All of the package's JavaScript is in it or below. */
export const OWN_FILES: string = new URL('.', import.meta.url).href;
const OWN_DIRECTORY: string = fileURLToPath(OWN_FILES);
/** What source maps make of it. */
const OWN_SOURCES: string = fileURLToPath(new URL('../src/', OWN_FILES));
/** Packages of ours whose code runs in users' threads, where they are installed beside this one. */
const SIBLINGS: readonly string[] = ['sync', 'otel', 'debug-server'].map((name) =>
  fileURLToPath(new URL(`../../${name}/`, OWN_FILES)),
);

/** Whether a text begins with the name of a file of ours: stacks have paths of CommonJS modules and URLs of others, profiles have URLs. */
export function isOwnFile(name: string): boolean {
  return pathOf(name).startsWith(OWN_DIRECTORY);
}

/** Whether it is of another package of ours, such as a lock that calls the program's code while it is held. */
export function isSiblingFile(name: string): boolean {
  const path = pathOf(name);
  return SIBLINGS.some((directory) => path.startsWith(directory));
}

/** Profiles escape other letters than Node.js does, so that URLs cannot be compared. */
function pathOf(name: string): string {
  if (!name.startsWith('file:')) return name;
  try {
    return fileURLToPath(name);
  } catch {
    return name;
  }
}

/** Whether a line of an error's stack names one. */
export function namesOwnFile(line: string): boolean {
  return line.includes(OWN_DIRECTORY) || line.includes(OWN_SOURCES);
}
