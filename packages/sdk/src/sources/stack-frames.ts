/**
 * The stack of the code that runs now, as plain data, whatever the program has made of `Error.prepareStackTrace`. Called in
 * the middle of the user's code, so it leaves everything as it was.
 */

/**
 * A frame: function, file or URL, line and column from 1; '' and 0 where there is none. `isEntered`: 1 when the function has
 * only just been entered.
 */
export type RawFrame = readonly [name: string, file: string, line: number, column: number, isEntered: 0 | 1];

/** Innermost frames that are kept. */
const MAX_FRAMES = 50;

/** Characters of names and addresses that are kept: a `data:` URL may be a whole module. */
const MAX_NAME = 200;
const MAX_FILE = 1000;

const lengths = (texts: readonly string[]): ReadonlySet<number> => new Set(texts.map(({ length }) => length));
/** How long the head of a function without a name may be, as it is mostly written … */
const HEADS = lengths([
  '',
  'function',
  'function ',
  'function* ',
  'async function',
  'async function ',
  'async function* ',
]);
/** … and what stands before a name. */
const HEADS_OF_NAMES = lengths([
  '',
  '*',
  'async ',
  'async *',
  'function ',
  'function* ',
  'async function ',
  'async function* ',
]);

const CONSTRUCTOR = 'constructor'.length;

interface ErrorHooks {
  prepareStackTrace?: unknown;
  stackTraceLimit: number;
  captureStackTrace(target: object, above: unknown): void;
}

/** @param above The frames from this function on inwards are left out. */
export function stackFrames(above: (...args: never[]) => unknown): readonly RawFrame[] {
  const hooks = Error as unknown as ErrorHooks;
  const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit');
  try {
    Object.defineProperty(Error, 'stackTraceLimit', {
      value: MAX_FRAMES,
      configurable: true,
      writable: true,
    });
    Object.defineProperty(Error, 'prepareStackTrace', {
      value: rawFrames,
      configurable: true,
      writable: true,
    });
    const target: { stack?: unknown } = {};
    hooks.captureStackTrace(target, above);
    const frames = target.stack;
    return Array.isArray(frames) ? (frames as RawFrame[]) : [];
  } catch {
    // Frozen by the program.
    return [];
  } finally {
    restore('prepareStackTrace', own);
    restore('stackTraceLimit', limit);
  }
}

function restore(name: string, descriptor: PropertyDescriptor | undefined): void {
  try {
    if (descriptor === undefined) Reflect.deleteProperty(Error, name);
    else Object.defineProperty(Error, name, descriptor);
  } catch {
    // It was never changed then.
  }
}

function rawFrames(_: unknown, sites: readonly NodeJS.CallSite[]): RawFrame[] {
  const frames: RawFrame[] = [];
  for (const site of sites) {
    const file = site.getFileName() ?? (site.isEval() ? site.getEvalOrigin() : '') ?? '';
    const line = site.getLineNumber() ?? 0;
    const column = site.getColumnNumber() ?? 0;
    const isEntered = isJustEntered(site, line, column) ? 1 : 0;
    frames.push([siteName(site).slice(0, MAX_NAME), file.slice(0, MAX_FILE), line, column, isEntered]);
  }
  return frames;
}

/** V8 places a function that has run nothing yet at its parameters, behind the head that it begins with. */
function isJustEntered(site: NodeJS.CallSite, line: number, column: number): boolean {
  if (line !== site.getEnclosingLineNumber()) return false;
  const head = column - (site.getEnclosingColumnNumber() ?? 0);
  const { length } = site.getFunctionName() ?? '';
  return (
    HEADS.has(head) || HEADS_OF_NAMES.has(head - length) || (head === CONSTRUCTOR && site.isConstructor())
  );
}

function siteName(site: NodeJS.CallSite): string {
  const name = site.getFunctionName() ?? site.getMethodName() ?? '';
  if (name === '' || site.isConstructor() || name.includes('.'))
    return site.isConstructor() ? `new ${name}` : name;
  const type = site.isToplevel() ? null : site.getTypeName();
  return type === null || type === 'Object' || type === 'global' ? name : `${type}.${name}`;
}
