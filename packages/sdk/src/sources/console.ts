/**
 * What the program writes with the global `console`, as logs in the current task. Methods that write by way of others (`trace`,
 * `assert`, `table`, `count`, `group`) are seen there, so each line is one log. Consoles that the program makes itself are not.
 */
import { formatWithOptions, inspect } from 'node:util';
import { Argument, Category } from '@ttrace/format/vocabulary';
import { RecordKind } from '../ring.ts';
import { currentTaskId, isTakingPart, now, recordWith, sourceName } from '../thread-recorder.ts';
import { withoutOwnFrames } from './own-frames.ts';
import { type AnyFunction, patchMethod } from './patch-method.ts';

/** Characters kept of one log. */
const MAX_TEXT = 2048;

/** Levels of the methods that write. */
const LEVELS: Readonly<Record<string, string>> = {
  log: 'info',
  info: 'info',
  debug: 'debug',
  warn: 'warn',
  error: 'error',
  dir: 'info',
  dirxml: 'info',
};

/** Objects are looked at a second time: not by code of theirs, and not further than fits. */
const FORMAT = {
  customInspect: false,
  depth: 2,
  maxArrayLength: 20,
  maxStringLength: MAX_TEXT,
  breakLength: Number.POSITIVE_INFINITY,
} as const;

/** Begins to record what this thread writes with `console`. */
export function startConsole(): () => void {
  const stops = Object.entries(LEVELS).map(([method, level]) => {
    const label = sourceName(Category.log, `console.${method}`);
    return patchMethod(console, method, (original, patch) => {
      const write: AnyFunction = function (...args) {
        if (patch.isOn) log(label, level, method === 'dir' ? args.slice(0, 1) : args);
        try {
          return Reflect.apply(original, this, args);
        } catch (error) {
          throw withoutOwnFrames(error);
        }
      };
      return write;
    });
  });
  return () => {
    for (const stop of stops) stop();
  };
}

function log(label: number, level: string, args: readonly unknown[]): void {
  if (!isTakingPart()) return;
  const time = now();
  const text = `{"level":"${level}",${JSON.stringify(Argument.message)}:${JSON.stringify(messageOf(args))}}`;
  recordWith(text, 0, 0, RecordKind.instant, label, currentTaskId(), time, 0);
}

function messageOf(args: readonly unknown[]): string {
  const [first] = args;
  // By far the most frequent.
  if (args.length === 1 && typeof first === 'string') return clip(first);
  try {
    const hasPlaces = typeof first === 'string' && first.includes('%');
    return clip(formatWithOptions(FORMAT, ...args.map((value) => argumentOf(value, hasPlaces))));
  } catch {
    return '[unreadable]';
  }
}

/**
 * An argument as it can be formatted: texts longer than what is kept need not be put together first, and what `%s` and `%d`
 * would call of an object has been called by the console already.
 */
function argumentOf(value: unknown, hasPlaces: boolean): unknown {
  if (typeof value === 'string') return clip(value);
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && hasPlaces ? inspect(value, FORMAT) : value;
}

function clip(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}… (${text.length} characters)`;
}
