/**
 * Tests of `node:test`. Its class Test is not public, but is an AsyncResource: a hook of async_hooks sees the first one, the root,
 * while it is made, and goes away. Then methods of the class are patched: `createSubtest` makes each test in the context of
 * its task, in which AsyncResource later runs its body. Begin and end are taken from methods that call nothing: a patched
 * `run` would stand in the stacks of the program's errors, and a look at its promise would take frames out of them.
 *
 * Checked with Node 20.20, 22.23, 24.21, 26.10; where the class looks different nothing is done.
 */
import { createHook } from 'node:async_hooks';
import { Category } from '@ttrace/format/vocabulary';
import { nextId, runInTask, sourceName } from '../thread-recorder.ts';
import { patchMethod } from './patch-method.ts';
import { beginHook, beginTest, endTest, type TestOutcome } from './test-tasks.ts';

/** What is looked at of Node's Test; all of it may be missing in another version. */
interface NodeTest {
  readonly name?: unknown;
  readonly parent?: NodeTest | null;
  /** Its hooks by type. */
  readonly hooks?: Readonly<Record<string, readonly unknown[] | undefined>>;
  /** `before`, `beforeEach` … of a hook. */
  readonly hookType?: unknown;
  readonly loc?: { readonly file?: unknown };
  readonly passed?: unknown;
  readonly skipped?: unknown;
  readonly isTodo?: unknown;
  readonly error?: unknown;
  readonly attempt?: unknown;
}

// Bound early: test tools replace the timers.
const { setTimeout, clearTimeout } = globalThis;

/** @param patienceMs how long to look for a first test, which costs something for each asynchronous resource that is made. */
export function startNodeTest(patienceMs: number): () => void {
  const tests = new RunningTests();
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      const owner = type === 'Test' ? ownerOf(resource, 'createSubtest') : undefined;
      if (owner === undefined) return;
      hook.disable();
      tests.patchTest(owner);
    },
  });
  hook.enable();
  const timer = setTimeout(() => hook.disable(), patienceMs).unref();
  return () => {
    clearTimeout(timer);
    hook.disable();
    tests.restore();
  };
}

/** The prototype of an object that has a method of its own. */
function ownerOf(object: object, method: string): object | undefined {
  let owner: object | null = object;
  while (owner !== null && !Object.hasOwn(owner, method))
    owner = Object.getPrototypeOf(owner) as object | null;
  return owner ?? undefined;
}

/** What follows the tests of this process while it records. */
class RunningTests {
  readonly #patched = new Set<object>();
  readonly #restores: (() => void)[] = [];
  readonly #ids = new WeakMap<object, number>();
  /** Tests and hooks that run. */
  readonly #ends = new WeakMap<object, () => void>();
  /** Whose arguments these are: a hook of a suite gets those of the test that it runs for. */
  readonly #argumentsOf = new WeakMap<object, number>();

  /** @param owner the prototype of Test. */
  patchTest(owner: object): void {
    this.#patchArguments(owner);
    this.#patchCreation(owner);
    this.#patch(owner, 'addReadySubtest', (call, _parent, args) => {
      this.#end(args[0]);
      return call();
    });
    this.#patch(owner, 'createHook', (call, test, args) => {
      const result = call();
      // Node 20 returns the hook; later versions only keep it.
      const hook = result ?? (test as NodeTest).hooks?.[String(args[0])]?.at(-1);
      const prototype = typeof hook === 'object' && hook !== null ? ownerOf(hook, 'getRunArgs') : undefined;
      if (prototype !== undefined) this.#patchHook(prototype);
      return result;
    });
  }

  restore(): void {
    for (const restore of this.#restores.reverse()) restore();
  }

  #patchHook(owner: object): void {
    if (this.#patched.has(owner) || !Object.hasOwn(owner, 'postRun')) return;
    this.#patchArguments(owner);
    this.#patch(owner, 'postRun', (call, hook) => {
      this.#end(hook);
      return call();
    });
  }

  /** Asked for first thing in a run. Suites and hooks have a method of their own. */
  #patchArguments(owner: object): void {
    if (this.#patched.has(owner) || !Object.hasOwn(owner, 'getRunArgs')) return;
    this.#patched.add(owner);
    this.#patch(owner, 'getRunArgs', (call, test) => {
      const result = call();
      this.#begin(test as NodeTest, result);
      return result;
    });
  }

  #patch(
    owner: object,
    method: string,
    act: (call: () => unknown, self: unknown, args: readonly unknown[]) => unknown,
  ): void {
    const restore = patchMethod(owner, method, (original, patch) => {
      return function (this: unknown, ...args: unknown[]): unknown {
        return patch.isOn ? act(() => original.apply(this, args), this, args) : original.apply(this, args);
      };
    });
    this.#restores.push(restore);
  }

  #patchCreation(owner: object): void {
    const known = (test: unknown, id: number): unknown => {
      if (typeof test === 'object' && test !== null) this.#ids.set(test, id);
      return test;
    };
    const patchArguments = (prototype: object): void => this.#patchArguments(prototype);
    const restore = patchMethod(owner, 'createSubtest', (original, patch) => {
      return function createSubtest(this: unknown, ...args: unknown[]): unknown {
        const [Factory] = args as [{ readonly prototype?: object } | undefined];
        if (!patch.isOn || Factory?.prototype === undefined) return original.apply(this, args);
        patchArguments(Factory.prototype);
        const id = nextId();
        // A suite calls its function here: no more than this frame may be in its stacks. Nothing runs in its own context later.
        if (Factory.prototype !== owner && Object.hasOwn(Factory.prototype, 'run'))
          return known(original.apply(this, args), id);
        return known(
          runInTask(id, () => original.apply(this, args)),
          id,
        );
      };
    });
    this.#restores.push(restore);
  }

  #begin(test: NodeTest, args: unknown): void {
    if (typeof test.hookType === 'string') {
      const task = typeof args === 'object' && args !== null ? this.#argumentsOf.get(args) : undefined;
      this.#ends.set(test, beginHook(sourceName(Category.region, test.hookType), task ?? 0));
      return;
    }
    // The root has none, nor a suite that is being made.
    const id = this.#ids.get(test);
    if (id === undefined) return;
    if (typeof args === 'object' && args !== null) this.#argumentsOf.set(args, id);
    // A suite is asked again for each of its `before` hooks.
    if (this.#ends.has(test)) return;
    const name = fullName(test);
    const { parent } = test;
    beginTest(id, parent == null ? 0 : (this.#ids.get(parent) ?? 0), name, String(test.loc?.file ?? ''));
    this.#ends.set(test, () => endTest(id, name, outcomeOf(test)));
  }

  #end(test: unknown): void {
    if (typeof test !== 'object' || test === null) return;
    this.#ends.get(test)?.();
    this.#ends.delete(test);
  }
}

/** As Node has it from 22.3 on: the names of its suites, and its own. */
function fullName(test: NodeTest): string {
  const names: string[] = [];
  for (let at: NodeTest | null | undefined = test; at?.parent != null; at = at.parent) {
    names.unshift(String(at.name));
  }
  return names.join(' > ');
}

function outcomeOf({ skipped, isTodo, passed, error, attempt }: NodeTest): TestOutcome {
  // The error itself says only that there was one in the test.
  const cause = (error as { cause?: unknown } | null | undefined)?.cause ?? error;
  return {
    status: skipped === true ? 'skipped' : isTodo === true ? 'todo' : passed === true ? 'passed' : 'failed',
    error: passed === true ? undefined : cause,
    retries: typeof attempt === 'number' ? attempt : undefined,
  };
}
