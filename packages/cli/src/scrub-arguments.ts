/**
 * Takes values out of arguments, which are the text of a JSON object: texts and what holds texts go, numbers and truths stay,
 * and of the vocabulary's own where code is. Names of arguments stay.
 */
import { Argument } from '@ttrace/format';
import { frameWithoutDirectories, locationWithoutDirectories, withoutDirectories } from './scrub-paths.ts';

/** What stands where a text was. */
export const REMOVED = '…';

/** What is to go. */
export interface ArgumentScrubbing {
  /** Texts, whatever they say. */
  readonly values: boolean;
  /** The directories of paths in what stays. */
  readonly paths: boolean;
  /** Whether an argument of this name stays as it is. */
  readonly isKept: (name: string) => boolean;
  /** What the name of a region becomes; undefined for what is the name of none. */
  readonly region: (name: string) => string | undefined;
}

/** The arguments without what is to go; '' for what are no arguments. */
export function scrubArguments(text: string, scrubbing: ArgumentScrubbing): string {
  const members = membersOf(text);
  if (members === undefined) return '';
  const scrubbed = members.map(([name, value]) =>
    scrubbing.isKept(name) ? [name, value] : [name, scrubValue(name, value, scrubbing)],
  );
  return JSON.stringify(Object.fromEntries(scrubbed));
}

function membersOf(text: string): [string, unknown][] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? Object.entries(value) : undefined;
  } catch {
    // Not JSON, or nested too deeply.
    return undefined;
  }
}

function scrubValue(name: string, value: unknown, scrubbing: ArgumentScrubbing): unknown {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  const { values, paths, region } = scrubbing;
  if (name === Argument.location && typeof value === 'string' && (!values || LOCATION.test(value))) {
    return paths ? locationWithoutDirectories(value) : value;
  }
  if (name === Argument.stack && (Array.isArray(value) || typeof value === 'string')) {
    return scrubStack(value, scrubbing);
  }
  // Of a block: the region that was open.
  if (name === REGION && typeof value === 'string') {
    const renamed = region(value);
    if (renamed !== undefined) return renamed;
  }
  if (values) return REMOVED;
  return paths ? mapTexts(value, withoutDirectories) : value;
}

const REGION = 'region';
const LOCATION = /:\d+$/;
/** `function (file:line:column)`, `file:line`, or a function of the engine itself. */
const FRAME =
  /\([^()]*[./\\][^()]*:\d+(?::\d+)?\)$|^(?:at )?\S*[./\\]\S*:\d+(?::\d+)?$|\((?:native|<anonymous>)\)$/;

/** Frames as a list or one a line. What is no frame may be the message of an error. */
function scrubStack(value: string | readonly unknown[], { values, paths }: ArgumentScrubbing): unknown {
  const scrubFrame = (frame: unknown): string => {
    if (typeof frame !== 'string' || (values && !FRAME.test(frame))) return REMOVED;
    return paths ? frameWithoutDirectories(frame) : frame;
  };
  return typeof value === 'string'
    ? value.split('\n').map(scrubFrame).join('\n')
    : value.map((frame) => scrubFrame(frame));
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((part) => mapTexts(part, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [change(name), mapTexts(part, change)]),
  );
}
