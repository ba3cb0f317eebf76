/** Where this package's own files lie, by which its frames are known in a stack. */
import { fileURLToPath } from 'node:url';

/** As the URL of a directory. All of the package's JavaScript is in it or below. */
export const OWN_FILES: string = new URL('.', import.meta.url).href;
const OWN_DIRECTORY: string = fileURLToPath(OWN_FILES);

/** Whether a text begins with the name of a file of ours: stacks have paths of CommonJS modules and URLs of others, profiles have URLs. */
export function isOwnFile(name: string): boolean {
  return name.startsWith(OWN_DIRECTORY) || name.startsWith(OWN_FILES);
}

/** Whether a line of an error's stack names one. */
export function namesOwnFile(line: string): boolean {
  return line.includes(OWN_DIRECTORY);
}
