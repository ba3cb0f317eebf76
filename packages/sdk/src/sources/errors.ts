/**
 * Errors that nobody caught and rejections that nobody handled before the process was told of them, as instants; warnings of
 * the process, as logs. Costs nothing until there is one.
 *
 * Seen where the process emits them, not by listeners: one for rejections would keep the process alive, and a program that takes
 * all listeners away would take ours. An error is in the ring before anything else hears of it.
 */
import { Argument, Category } from '@ttrace/format/vocabulary';
import { attributesText } from '../attributes.ts';
import { RecordKind } from '../ring.ts';
import { currentTaskId, isTakingPart, now, recordWith, sourceName } from '../thread-recorder.ts';
import { boundedNames } from './bounded-names.ts';
import { patchMethod } from './patch-method.ts';

/** Characters of an error's message that its instant is called after. */
const MAX_TITLE = 120;
const MAX_TITLES = 200;
const MAX_MESSAGE = 2000;
const MAX_FRAMES = 30;
const MAX_FRAME = 300;

interface ErrorFacts {
  readonly name: string;
  readonly message: string;
  readonly frames: readonly string[];
}

/** Begins to record errors in this thread. */
export function startErrors(): () => void {
  const labelOf = boundedNames((name) => sourceName(Category.error, name), MAX_TITLES);
  return patchMethod(process, 'emit', (original, patch) => {
    function emit(this: unknown, ...args: unknown[]): unknown {
      if (patch.isOn) see(args, labelOf);
      return Reflect.apply(original, this, args);
    }
    return emit;
  });
}

/** Looks at an event of the process before its listeners do. Never throws. */
function see(args: readonly unknown[], labelOf: (name: string, instead: string) => number): void {
  try {
    const [event, value, origin] = args;
    if (event === 'uncaughtExceptionMonitor')
      writeError(value, String(origin ?? 'uncaughtException'), labelOf);
    // Without a listener it becomes an uncaught error, or a warning, by the process's flags.
    else if (event === 'unhandledRejection' && process.listenerCount('unhandledRejection') > 0) {
      writeError(value, 'unhandledRejection', labelOf);
    } else if (event === 'warning') writeWarning(value);
  } catch {
    // Anything may be thrown, also what throws when it is looked at.
  }
}

function writeError(
  value: unknown,
  origin: string,
  labelOf: (name: string, instead: string) => number,
): void {
  if (!isTakingPart()) return;
  const time = now();
  const { name, message, frames } = factsOf(value);
  const [line] = message.split('\n', 1);
  const title = line === '' || line === undefined ? name : `${name}: ${line}`;
  const label = labelOf(clip(title, MAX_TITLE), clip(name, MAX_TITLE));
  const text = attributesText({
    origin,
    [Argument.message]: message,
    code: codeOf(value),
    [Argument.stack]: frames,
  });
  recordWith(text, 0, 0, RecordKind.instant, label, currentTaskId(), time, 0);
}

/** A log like those of `trace.log`: a warning is not an error, and nobody asked for a look back at it. */
function writeWarning(value: unknown): void {
  if (!isTakingPart()) return;
  const time = now();
  const { name, message, frames } = factsOf(value);
  const text = attributesText({
    [Argument.message]: `${name}: ${message}`,
    code: codeOf(value),
    [Argument.stack]: frames,
  });
  recordWith(text, 0, 0, RecordKind.instant, sourceName(Category.log, 'warning'), currentTaskId(), time, 0);
}

/** What a value that was thrown says about itself. */
function factsOf(value: unknown): ErrorFacts {
  const facts = { name: 'Error', message: '', frames: [] as readonly string[] };
  try {
    if (!(value instanceof Error)) {
      const kind = value === null ? 'null' : typeof value;
      facts.name = `Thrown ${kind}`;
      if (value !== undefined && value !== null) facts.message = clip(String(value), MAX_MESSAGE);
      return facts;
    }
    facts.name = clip(String(value.name), MAX_TITLE);
    facts.message = clip(String(value.message), MAX_MESSAGE);
    facts.frames = framesOf(value.stack);
  } catch {
    // A getter or a `toString` that throws: what was found until then.
  }
  return facts;
}

function framesOf(stack: unknown): readonly string[] {
  if (typeof stack !== 'string') return [];
  const frames: string[] = [];
  for (const line of stack.split('\n', MAX_FRAMES * 4)) {
    if (frames.length === MAX_FRAMES) break;
    const frame = line.trimStart();
    if (frame.startsWith('at ')) frames.push(clip(frame.slice(3), MAX_FRAME));
  }
  return frames;
}

function codeOf(value: unknown): string | undefined {
  try {
    const code = (value as { readonly code?: unknown } | null | undefined)?.code;
    return typeof code === 'string' ? clip(code, MAX_TITLE) : undefined;
  } catch {
    return undefined;
  }
}

function clip(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}
