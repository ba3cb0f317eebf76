/** What the main thread of another process is doing at this moment, also in the middle of an endless loop. */
import type { InspectorClient } from './inspector-client.ts';

/** Most frames that are shown. */
const MAX_FRAMES = 4;

/** Makes a stack without the program's own ideas of what stacks look like, and without keeping any of it. */
const STACK = `(() => {
  const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  const limit = Error.stackTraceLimit;
  try {
    Error.stackTraceLimit = 50;
    Error.prepareStackTrace = (_, sites) => JSON.stringify(sites.map((site) =>
      [site.getFunctionName() ?? '', site.getFileName() ?? '', site.getLineNumber()]));
    return new Error().stack;
  } finally {
    Error.stackTraceLimit = limit;
    if (own === undefined) delete Error.prepareStackTrace; else Object.defineProperty(Error, 'prepareStackTrace', own);
  }
})()`;

/**
 * The program's innermost functions, such as `spin (/app/spin.js:10)`; undefined when none of it runs.
 * @param recorder directory of the SDK, whose functions are not shown.
 */
export async function blockingStack(client: InspectorClient, recorder: string): Promise<string | undefined> {
  const text = await client.evaluate(STACK);
  if (text === undefined) return undefined;
  const sites = JSON.parse(text) as readonly (readonly [name: string, file: string, line: number])[];
  // What was evaluated has no file.
  const frames = sites.filter(
    ([, file]) => file !== '' && !/^(node:|evalmachine)/.test(file) && !file.includes(recorder),
  );
  const shown = frames.slice(0, MAX_FRAMES).map(([name, file, line]) => {
    const place = `${file.replace(/^file:\/\//, '')}:${line}`;
    return name === '' ? place : `${name} (${place})`;
  });
  return shown.length === 0 ? undefined : shown.join(' < ');
}
