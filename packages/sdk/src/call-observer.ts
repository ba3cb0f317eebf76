/**
 * Who looks at each task, region and message of this thread while they are recorded: a bridge that makes spans of them. At most one
 * a thread. Called in the thread itself, for only there is it known what is active in it; while there is none, tasks and
 * messages cost one look at a variable more and regions nothing.
 */
import type { Attributes } from './attributes.ts';
import { observeRegions } from './thread-recorder.ts';

/** What it is told. None of it throws, save what the functions that it runs throw. */
export interface CallObserver {
  /** A task begins. Returns the ids of its span, as the text of a JSON object, or ''. */
  beginTask(id: number, name: string, attributes: Attributes | undefined, parentId: number): string;
  /** Code of a task runs, also of one of another thread. */
  runTask<T>(id: number, run: () => T): T;
  endTask(id: number): void;
  /** A message is sent, or the tail of an arrow recorded. */
  sent(flow: number): void;
  /** A message is handled. */
  received<T>(flow: number, run: () => T): T;
  /** The head of an arrow is recorded. */
  arrived(flow: number): void;
  /** Regions, if they are to be told. */
  readonly regions: RegionObserver | undefined;
}

export interface RegionObserver {
  /**
   * A region around a function, which may return a promise.
   * @param run Records the region with the ids of its span, given as the text of a JSON object, or ''.
   */
  run<T>(name: string, attributes: Attributes | undefined, run: (ids: string) => T): T;
  /** A region that is opened: the ids of its span, and what is called when it is closed. */
  open(name: string, attributes: Attributes | undefined): { readonly ids: string; close(): void };
}

let observer: CallObserver | undefined;

/** Who is told in this thread; undefined for nobody. */
export function callObserver(): CallObserver | undefined {
  return observer;
}

/** Sets who is told in this thread from now on. */
export function observeCalls(next: CallObserver | undefined): void {
  observer = next;
  observeRegions(next?.regions !== undefined);
}
