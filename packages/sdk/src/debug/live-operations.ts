/**
 * What has begun and not ended: tasks, and slices on tracks of their own. For the debug server's list of what goes on, and for the
 * names of tasks. Times are nanoseconds since the recording's origin.
 */
import { Category } from '@ttrace/format/vocabulary';
import type { DebugTask, LiveOperation } from './debug-protocol.ts';

/** More than that are a leak of the program's: the rest is not remembered. */
const MAX_OPEN = 100_000;
/** Tasks that have ended while somebody wants to know their names. */
const MAX_ENDED = 100_000;
/** A task within tasks is shown with at most so many. */
const MAX_ANCESTORS = 16;

/** A slice that is open. */
interface Open {
  readonly name: string;
  readonly category: string;
  readonly start: number;
  readonly task: number;
  readonly args: string;
}

export class LiveOperations {
  /** By track. */
  readonly #open = new Map<number, Open>();
  readonly #tasks = new Map<number, Open>();
  readonly #ended = new Map<number, Open>();
  #remembersEnded = false;

  begin(track: number, open: Open): void {
    if (this.#open.size >= MAX_OPEN) return;
    this.#open.set(track, open);
    if (open.category === Category.task) this.#tasks.set(open.task, open);
  }

  /** Returns what has ended, if it was known. */
  end(track: number): Open | undefined {
    const open = this.#open.get(track);
    if (open === undefined) return undefined;
    this.#open.delete(track);
    if (open.category === Category.task) {
      this.#tasks.delete(open.task);
      if (this.#remembersEnded && this.#ended.size < MAX_ENDED) this.#ended.set(open.task, open);
    }
    return open;
  }

  /** Whether names of tasks are wanted after their ends. */
  rememberEnded(isOn: boolean): void {
    this.#remembersEnded = isOn;
    this.#ended.clear();
  }

  /** '' for a task that is not known. */
  taskName(id: number): string {
    return this.#task(id)?.name ?? '';
  }

  task(id: number): DebugTask | undefined {
    const open = this.#task(id);
    if (open === undefined) return undefined;
    const { name, args } = open;
    return {
      id,
      name,
      parent: parentOf(args),
      traceId: textIn(args, 'trace_id'),
      spanId: textIn(args, 'span_id'),
    };
  }

  /** Everything that is open, at this time. */
  list(time: number): LiveOperation[] {
    return [...this.#open.values()].map(({ name, category, start, task, args }) => ({
      name,
      category,
      tasks: this.#lineage(category === Category.task ? parentOf(args) : task),
      ageNanos: Math.max(0, time - start),
    }));
  }

  #task(id: number): Open | undefined {
    return id === 0 ? undefined : (this.#tasks.get(id) ?? this.#ended.get(id));
  }

  #lineage(id: number): string[] {
    const names: string[] = [];
    for (let task = this.#task(id); task !== undefined && names.length < MAX_ANCESTORS; ) {
      names.push(task.name);
      task = this.#task(parentOf(task.args));
    }
    return names;
  }
}

function parentOf(args: string): number {
  const match = /^\{"parent":(\d+)/.exec(args);
  return match === null ? 0 : Number(match[1]);
}

function textIn(args: string, name: string): string {
  if (!args.includes(`"${name}"`)) return '';
  try {
    const value = (JSON.parse(args) as Record<string, unknown>)[name];
    return typeof value === 'string' ? value : '';
  } catch {
    return '';
  }
}
