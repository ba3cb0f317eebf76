/** Where this package's own files lie, by which its frames are known in a stack. */
import { fileURLToPath } from 'node:url';

/** As the URL of a directory. All of the package's JavaScript is in it or below. */
export const OWN_FILES: string = new URL('.', import.meta.url).href;
const OWN_DIRECTORY: string = fileURLToPath(OWN_FILES);
/** What source maps make of it. */
const OWN_SOURCES: string = fileURLToPath(new URL('../src/', OWN_FILES));

/** Whether a text begins with the name of a file of ours: stacks have paths of CommonJS modules and URLs of others, profiles have URLs. */
export function isOwnFile(name: string): boolean {
  return (name.startsWith('file:') ? pathOf(name) : name).startsWith(OWN_DIRECTORY);
}

/** Profiles escape other letters than Node.js does, so that URLs cannot be compared. */
function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}

/** Whether a line of an error's stack names one. */
export function namesOwnFile(line: string): boolean {
  return line.includes(OWN_DIRECTORY) || line.includes(OWN_SOURCES);
}
