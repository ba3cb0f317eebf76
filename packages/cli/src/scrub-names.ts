/**
 * What names become: without directories, or pseudonyms, `task 1`, `task 2`, by what they are names of. Equal names of one kind
 * become equal ones, in the order in which they are first asked for.
 */
import { Category, FLIGHT_TRIGGER, OTHER_NAME, ProcessSlice } from '@ttrace/format';
import { withoutDirectories } from './scrub-paths.ts';

/** What a name is of. */
export type NameKind =
  | 'task'
  | 'region'
  | 'log'
  | 'counter'
  | 'thread'
  | 'process'
  | 'request'
  | 'socket'
  | 'wait'
  | 'worker'
  | 'child'
  | 'pool'
  | 'span'
  | 'timing'
  | 'error'
  | 'event'
  | 'category'
  | 'code'
  | 'id';

const KINDS: ReadonlyMap<string, NameKind> = new Map([
  [Category.task, 'task'],
  [Category.region, 'region'],
  [Category.log, 'log'],
  [Category.counter, 'counter'],
  [Category.http, 'request'],
  [Category.socket, 'socket'],
  [Category.wait, 'wait'],
  [Category.worker, 'worker'],
  [Category.process, 'child'],
  [Category.pool, 'pool'],
  [Category.span, 'span'],
  [Category.timing, 'timing'],
  [Category.error, 'error'],
  // Functions and files, as stacks have them.
  [Category.loop, 'code'],
  [Category.sample, 'code'],
]);

const CATEGORIES: ReadonlySet<string> = new Set(Object.values(Category));

/** Names that the recorder itself gives. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  ...[ProcessSlice.spawn, ProcessSlice.start, FLIGHT_TRIGGER, OTHER_NAME],
  ...[
    'GC',
    'GC minor',
    'GC major',
    'GC incremental',
    'GC weak callbacks',
    'Atomics.wait',
    'Atomics.waitAsync',
    'Atomics.notify',
  ],
  ...[
    'main',
    'RSS',
    'turn',
    'blocked',
    'flow',
    'postMessage',
    'message',
    'postMessage (broadcast)',
    'message (broadcast)',
    'worker online',
  ],
]);

/** Counters that the recorder has of each thread, behind the thread's name. */
const OF_THREAD =
  / (?:heap used|heap total|external|array buffers|loop (?:utilization|delay (?:p50|p99|max)))$/;

/** What a name of an event of this category is of. */
export function kindOf(category: string): NameKind {
  return KINDS.get(category) ?? 'event';
}

/** What is to become of names. */
export interface NameScrubbing {
  readonly names: boolean;
  readonly paths: boolean;
  /** Whether the text of an error, which its name has, is to go. */
  readonly messages: boolean;
  /** Whether a name stays as it is. */
  readonly isKept: (name: string) => boolean;
}

/** Renames, and remembers what it has renamed. */
export class Renaming {
  readonly #scrubbing: NameScrubbing;
  readonly #pseudonyms = new Map<NameKind, Map<string, string>>();
  /** New texts of ids and counters by old, which must stay apart. */
  readonly #distinct = new Map<string, string>();
  readonly #taken = new Set<string>();

  constructor(scrubbing: NameScrubbing) {
    this.#scrubbing = scrubbing;
  }

  /** What a name becomes. */
  name(kind: NameKind, name: string): string {
    const { names, paths, messages, isKept } = this.#scrubbing;
    if (name === '' || isKept(name) || OWN_NAMES.has(name)) return name;
    if (names && kind !== 'code') {
      return kind === 'category' && CATEGORIES.has(name) ? name : this.#pseudonym(kind, name);
    }
    const text = kind === 'error' && messages ? errorType(name) : name;
    return paths ? withoutDirectories(text) : text;
  }

  /** What a name becomes by which things are told apart: different ones stay different. */
  distinct(
    kind: NameKind,
    name: string,
    change: (text: string) => string = (text) => this.name(kind, text),
  ): string {
    const key = `${kind} ${name}`;
    const known = this.#distinct.get(key);
    if (known !== undefined) return known;
    const wish = change(name);
    let text = wish;
    for (let number = 2; this.#taken.has(`${kind} ${text}`); number++) text = `${wish} ${number}`;
    this.#taken.add(`${kind} ${text}`);
    this.#distinct.set(key, text);
    return text;
  }

  #pseudonym(kind: NameKind, name: string): string {
    const [counter] = kind === 'counter' ? (OF_THREAD.exec(name) ?? []) : [];
    if (counter !== undefined) return `${this.name('thread', name.slice(0, -counter.length))}${counter}`;
    const known = this.#pseudonyms.get(kind) ?? new Map<string, string>();
    this.#pseudonyms.set(kind, known);
    const pseudonym = known.get(name) ?? `${kind} ${known.size + 1}`;
    known.set(name, pseudonym);
    return pseudonym;
  }
}

/** `TypeError` of `TypeError: x is not a function`. */
function errorType(name: string): string {
  return /^[\w$.]+(?: \[\w+\])?(?=:|$)/.exec(name)?.[0] ?? 'Error';
}
