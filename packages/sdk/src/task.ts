/**
 * Tasks: logical operations that may span callbacks, threads and time. The current task rides in one AsyncLocalStorage;
 * it does not cross threads by itself (hand `task.id` to a worker and adopt it there).
 */
import { type Attributes, attributesText, joinedText, SPAN_IDS } from './attributes.ts';
import { callObserver } from './call-observer.ts';
import { RecordKind } from './ring.ts';
import { beginTaskTrace, endTaskTrace, expectTraces } from './task-trace.ts';
import {
  activeRecording,
  control,
  currentTaskId,
  nameId,
  nextId,
  now,
  record,
  recordWith,
  runInTask,
} from './thread-recorder.ts';

/** `Control.recording` is at 0. A constant of this module: an import is loaded anew at each use, which costs 1 ns. */
const onOff = control;

/** A running task. Ends once; later ends are ignored. `using task = trace.newTask('order')` ends it with its block. */
export interface Task extends Disposable {
  /** Unique in the process, > 0; 0 for tasks made while tracing was off. Give it to another thread to adopt the task there. */
  readonly id: number;
  /** Runs a function inside the task and returns its result: everything that it starts belongs to the task. */
  run<T>(fn: () => T): T;
  /** Ends the task. May be called from anywhere; the task's duration goes from its creation to its first end. */
  end(): void;
}

class RecordedTask implements Task {
  readonly id: number;
  readonly #nameText: string;
  /** The recording it belongs to; 0 once ended. */
  #recording: number;

  constructor(id: number, name: string, recording: number) {
    this.id = id;
    this.#nameText = name;
    this.#recording = recording;
  }

  run<T>(fn: () => T): T {
    const observer = callObserver();
    if (observer === undefined) return runInTask(this.id, fn);
    return observer.runTask(this.id, () => runInTask(this.id, fn));
  }

  end(): void {
    const recording = this.#recording;
    this.#recording = 0;
    if (recording !== 0) callObserver()?.endTask(this.id);
    // A task that was begun in an earlier recording has no begin in this one.
    if (recording === 0 || recording !== activeRecording()) return;
    const label = nameId(this.#nameText);
    const text = endTaskTrace(this.id);
    if (text === '') record(RecordKind.taskEnd, label, this.id, now(), 0);
    else recordWith(text, 0, 0, RecordKind.taskEnd, label, this.id, now(), 0);
  }

  [Symbol.dispose](): void {
    this.end();
  }
}

/** Records hold ids in 32 bits. */
const MAX_TASK_ID = 2 ** 32 - 1;

/** What callers get while tracing is off: one frozen object. */
export const NO_TASK: Task = Object.freeze({
  id: 0,
  run<T>(fn: () => T): T {
    return fn();
  },
  end(): void {},
  [Symbol.dispose](): void {},
});

/** Makes a task, a subtask if there is a current one. It is recorded at once and ends with `end()`. */
export function newTask(name: string, attributes?: Attributes): Task {
  if (onOff[0] === 0) return NO_TASK;
  const recording = activeRecording();
  if (recording === 0) return NO_TASK;
  const id = nextId();
  const parent = currentTaskId();
  const label = nameId(name);
  const observer = callObserver();
  const trace =
    observer === undefined
      ? beginTaskTrace(id, parent)
      : observer.beginTask(id, name, attributes, parent) || beginTaskTrace(id, parent);
  const own = trace === '' ? attributesText(attributes) : attributesText(attributes, SPAN_IDS);
  recordWith(joinedText(trace, own), 0, 0, RecordKind.taskBegin, label, id, now(), parent);
  return new RecordedTask(id, name, recording);
}

/**
 * The task that another thread called by `id`, in this thread: `run` makes what happens here belong to it, `end` ends it.
 * @param id `task.id`; 0 gives a task that does nothing, so that ids can be passed on while tracing is off.
 */
export function adoptTask(id: number): Task {
  const recording = activeRecording();
  if (recording === 0 || !Number.isInteger(id) || id <= 0 || id > MAX_TASK_ID) return NO_TASK;
  expectTraces(id);
  return new RecordedTask(id, '', recording);
}

/** Runs `fn` in a new task that ends when `fn` returns, throws, or its promise settles; returns what `fn` returns. */
export function withTask<T>(name: string, fn: (task: Task) => T): T;
export function withTask<T>(name: string, attributes: Attributes, fn: (task: Task) => T): T;
export function withTask<T>(
  name: string,
  second: Attributes | ((task: Task) => T),
  third?: (task: Task) => T,
): T {
  const fn = third ?? (second as (task: Task) => T);
  if (onOff[0] === 0) return fn(NO_TASK);
  const task = newTask(name, third === undefined ? undefined : (second as Attributes));
  let isPending = false;
  try {
    const result = callObserver() === undefined ? runInTask(task.id, fn, task) : task.run(() => fn(task));
    if (result instanceof Promise) {
      isPending = true;
      return endWhenSettled(result, task) as T;
    }
    return result;
  } finally {
    if (!isPending) task.end();
  }
}

/** The same settlement, after `ending` has ended. A new promise: watching the old one would hide its rejection. */
export function endWhenSettled<T>(promise: Promise<T>, ending: { end(): void }): Promise<T> {
  return promise.then(
    (value) => {
      ending.end();
      return value;
    },
    (reason: unknown) => {
      ending.end();
      throw reason;
    },
  );
}
