/**
 * Tests of vitest, in the processes and threads in which it runs them. Its class TestRunner is told when each test and suite
 * begins and ends; the methods are patched on the class, so that no configuration is needed and runners that extend it keep
 * working. Vitest's own copy of the class is got by importing the file that test files import as `vitest`.
 */
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { enterTask, nextId } from '../thread-recorder.ts';
import { patchMethod } from './patch-method.ts';
import { beginTest, endTest, type TestOutcome } from './test-tasks.ts';

/** What is looked at of vitest's tests and suites. */
interface VitestTask {
  readonly name?: unknown;
  readonly suite?: VitestTask;
  readonly file?: VitestTask & { readonly filepath?: unknown };
  readonly mode?: unknown;
  readonly result?: {
    readonly state?: unknown;
    readonly errors?: readonly unknown[];
    readonly retryCount?: unknown;
  };
}

/** @param worker path of the file in vitest that the thread runs. */
export function startVitest(worker: string): () => void {
  const unpatches: (() => void)[] = [];
  let isOn = true;
  void runnerClass(dirname(dirname(worker))).then((Runner) => {
    if (isOn && Runner !== undefined) unpatches.push(...patchRunner(Runner.prototype));
  });
  return () => {
    isOn = false;
    for (const unpatch of unpatches.reverse()) unpatch();
  };
}

/** @param dist directory of vitest's files. */
async function runnerClass(dist: string): Promise<{ readonly prototype: object } | undefined> {
  for (const [file, name] of [
    ['index.js', 'TestRunner'],
    // Before 4.1.
    ['runners.js', 'VitestTestRunner'],
  ] as const) {
    try {
      const module = (await import(pathToFileURL(join(dist, file)).href)) as Record<string, unknown>;
      if (typeof module[name] === 'function') return module[name] as unknown as { prototype: object };
    } catch {
      // Another version.
    }
  }
  return undefined;
}

/** Marks a class that is patched, also by another copy of the SDK: vitest may give test files one of their own. */
const PATCHED = Symbol.for('ttrace/vitest');

function patchRunner(prototype: object & { [PATCHED]?: boolean }): (() => void)[] {
  if (prototype[PATCHED] === true) return [];
  Object.defineProperty(prototype, PATCHED, { value: true, configurable: true });
  const ids = new WeakMap<object, number>();
  const begin = (task: VitestTask): void => {
    const id = nextId();
    const parent = task.suite ?? (task.file === task ? undefined : task.file);
    ids.set(task, id);
    beginTest(
      id,
      parent === undefined ? 0 : (ids.get(parent) ?? 0),
      fullName(task),
      String(task.file?.filepath ?? ''),
    );
    // Those have no end of their own.
    if (task.mode === 'skip' || task.mode === 'todo') end(task);
  };
  const end = (task: VitestTask): void => {
    const id = ids.get(task);
    if (id === undefined) return;
    ids.delete(task);
    endTest(id, fullName(task), outcomeOf(task));
  };
  const after = (method: string, act: (task: VitestTask) => void): (() => void) =>
    patchMethod(prototype, method, (original, patch) => {
      return function (this: unknown, ...args: unknown[]): unknown {
        // After the original, which may decide that a test is left out.
        const result = original.apply(this, args);
        if (patch.isOn && typeof args[0] === 'object' && args[0] !== null) act(args[0]);
        return result;
      };
    });
  return [
    () => delete prototype[PATCHED],
    after('onBeforeRunSuite', begin),
    after('onAfterRunSuite', end),
    after('onBeforeRunTask', begin),
    // Called synchronously by what runs the test next, so that this is its context too.
    after('onBeforeTryTask', (task) => enterTask(ids.get(task) ?? 0)),
    after('onAfterRunTask', (task) => {
      end(task);
      enterTask(0);
    }),
  ];
}

/** Its suites' names and its own; a file is a suite as well, and has its path as its name. */
function fullName(task: VitestTask): string {
  const names = [String(task.name)];
  for (let suite = task.suite; suite !== undefined && suite !== task.file; suite = suite.suite) {
    names.unshift(String(suite.name));
  }
  return names.join(' > ');
}

function outcomeOf({ mode, result }: VitestTask): TestOutcome {
  const state = result?.state;
  const [error] = result?.errors ?? [];
  const retries = typeof result?.retryCount === 'number' ? result.retryCount : undefined;
  if (state === 'fail') return { status: 'failed', error, retries };
  if (mode === 'todo' || state === 'todo') return { status: 'todo' };
  return { status: mode === 'skip' || state === 'skip' ? 'skipped' : 'passed', retries };
}
