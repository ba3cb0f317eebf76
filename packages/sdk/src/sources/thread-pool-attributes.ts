/** What slices of the thread pool say about their arguments. Short: a path may be long, and nothing else is anybody's business. */

const MAX_TEXT = 200;

/** An attribute as its part of a JSON object, '' for none; undefined when the call does not go to the pool. */
export type About = (args: readonly unknown[]) => string | undefined;

export const aboutNothing: About = () => '';

/** The path that a file operation is called with. */
export const aboutPath: About = ([path]) => {
  if (typeof path === 'string') return `"path":${JSON.stringify(clip(path))}`;
  return path instanceof URL ? `"path":${JSON.stringify(clip(path.pathname))}` : '';
};

/** The host that is looked up. An address is answered without the pool. */
export const aboutHost: About = ([host]) => {
  if (typeof host !== 'string' || host === '') return undefined;
  if (process.getBuiltinModule('node:net').isIP(host) !== 0) return undefined;
  return `"host":${JSON.stringify(clip(host))}`;
};

/** How long a chunk is. */
export const aboutChunk: About = ([chunk]) =>
  ArrayBuffer.isView(chunk) ? `"bytes":${chunk.byteLength}` : '';

function clip(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}
