/** Where this package's own files lie, by which its frames are known in a stack. */

/** As the URL of a directory. All of the package's JavaScript is in it or below. */
export const OWN_FILES: string = new URL('.', import.meta.url).href;
