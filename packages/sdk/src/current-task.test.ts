/**
 * The current task is what a plain AsyncLocalStorage beside it says, whatever a program does. The recorder keeps its
 * answer by async id on Node 20 and 22; a stale one would put events into a foreign task without a trace of it.
 */
import { AsyncLocalStorage, AsyncResource, createHook } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { EventEmitter, EventEmitterAsyncResource } from 'node:events';
import { stat } from 'node:fs';
import { MessageChannel } from 'node:worker_threads';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DrainedEvent, recordHere } from './recorder-test-kit.ts';
import { trace } from './trace.ts';

/** Ways to record an event in the current task. */
const MARKS = ['region', 'attributes', 'startRegion', 'async', 'log', 'flow', 'newTask'] as const;
/** Ways into a task. */
const ENTRIES = ['withTask', 'newTask', 'again', 'adopt', 'throwing', 'region', 'asyncRegion'] as const;
/** Ways for code to run later, or to be waited for. */
const DELAYS = [
  'promise',
  'reject',
  'thenable',
  'tick',
  'microtask',
  'immediate',
  'timeout',
  'refreshed',
  'interval',
  'file',
  'pool',
  'message',
] as const;
/** Things that are made in one context and may call code, at once, in another. */
const CARRIERS = [
  'snapshot',
  'bind',
  'resource',
  'resourceBind',
  'emitter',
  'resourceEmitter',
  'asyncGenerator',
] as const;
const NOISE = ['enterWith', 'run', 'exit', 'disable'] as const;

type Step =
  | { readonly do: 'mark'; readonly how: (typeof MARKS)[number] }
  | { readonly do: 'task'; readonly how: (typeof ENTRIES)[number]; readonly body: readonly Step[] }
  | { readonly do: 'later'; readonly how: (typeof DELAYS)[number]; readonly body: readonly Step[] }
  | { readonly do: 'await'; readonly how: (typeof DELAYS)[number] }
  | { readonly do: 'keep'; readonly how: (typeof CARRIERS)[number] }
  | { readonly do: 'use'; readonly index: number; readonly body: readonly Step[] }
  | { readonly do: 'noise'; readonly how: (typeof NOISE)[number]; readonly body: readonly Step[] };

const { step } = fc.letrec<{ steps: Step[]; step: Step }>((tie) => {
  const body = tie('steps');
  const how = <T extends string>(...ways: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...ways);
  return {
    steps: fc.array(tie('step'), { minLength: 1, maxLength: 5, size: 'max', depthIdentifier: 'step' }),
    step: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'step' },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('mark' as const), how: how(...MARKS) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('await' as const), how: how(...DELAYS) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('keep' as const), how: how(...CARRIERS) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('task' as const), how: how(...ENTRIES), body }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('later' as const), how: how(...DELAYS), body }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('use' as const), index: fc.nat(20), body }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('noise' as const), how: how(...NOISE), body }) },
    ),
  };
});

/** A program: enough steps at once for tasks to meet each other's carriers. */
const tree = fc.array(step, { minLength: 5, maxLength: 15, size: 'max' });

/** Enough for any tree; async hooks record at each callback and would fill the ring. */
const MAX_MARKS = 2000;

/** One for all trees, as the recorder has one: what a tree leaves behind, such as a port that closes, outlives it. */
const plain = new AsyncLocalStorage<number>();

/** Plays one tree of steps, and keeps what the plain storage says at each mark. */
class Player {
  /** By the number in the mark's name: the task that it must have, 0 for none. */
  readonly expected: number[] = [];
  readonly #other = new AsyncLocalStorage<object>();
  readonly #tasks: number[] = [];
  readonly #carriers: ((fn: () => void) => void)[] = [];
  readonly #pending: Promise<unknown>[] = [];

  async play(body: readonly Step[]): Promise<void> {
    for (const step of body) {
      if (step.do === 'await') await this.#delay(step.how);
      else this.#act(step);
      // Also between the steps: it is the answer before the next change that would go stale.
      this.mark('region');
    }
  }

  async finished(): Promise<void> {
    for (let i = 0; i < this.#pending.length; i++) await this.#pending[i];
    this.#other.disable();
  }

  mark(how: (typeof MARKS)[number]): void {
    if (this.expected.length >= MAX_MARKS) return;
    const name = `mark ${this.expected.length}`;
    this.expected.push(plain.getStore() ?? 0);
    if (how === 'region') trace.withRegion(name, () => 1);
    else if (how === 'attributes') trace.withRegion(name, { a: 1 }, () => 1);
    else if (how === 'startRegion') trace.startRegion(name).end();
    else if (how === 'async') this.#pending.push(trace.withRegion(name, () => Promise.resolve()));
    else if (how === 'log') trace.log(name, 'text');
    else if (how === 'flow') trace.flowOut(name);
    else trace.newTask(name).end();
  }

  #act(step: Exclude<Step, { do: 'await' }>): void {
    if (step.do === 'mark') this.mark(step.how);
    else if (step.do === 'keep') this.#keep(step.how);
    else this.#call(step);
  }

  #call(step: Extract<Step, { body: readonly Step[] }>): void {
    const body = (): void => {
      this.#pending.push(this.play(step.body));
    };
    if (step.do === 'task') this.#enter(step.how, body);
    else if (step.do === 'later') this.#pending.push(this.#delay(step.how, body));
    else if (step.do === 'noise') this.#noise(step.how, body);
    else if (this.#carriers.length > 0) this.#carriers[step.index % this.#carriers.length]!(body);
  }

  #enter(how: (typeof ENTRIES)[number], body: () => void): void {
    const within = (id: number, fn: () => void = body): void => {
      this.#tasks.push(id);
      plain.run(id, fn);
    };
    const known = this.#tasks[this.expected.length % Math.max(1, this.#tasks.length)] ?? 0;
    if (how === 'withTask') trace.withTask('task', ({ id }) => within(id));
    else if (how === 'newTask' || known === 0) {
      const task = trace.newTask('task');
      task.run(() => within(task.id));
    } else if (how === 'again' || how === 'adopt') trace.adoptTask(known).run(() => within(known));
    else if (how === 'region') trace.withRegion('around', body);
    else if (how === 'asyncRegion') {
      const run = async (): Promise<void> => {
        body();
        await this.#delay('tick');
        this.mark('region');
      };
      this.#pending.push(
        trace.withTask('task', ({ id }) => plain.run(id, () => trace.withRegion('around', run))),
      );
    } else {
      const fail = (): void => {
        body();
        throw new RangeError('out of the task');
      };
      expect(() => trace.withTask('task', ({ id }) => within(id, fail))).toThrow(RangeError);
    }
  }

  /** Waits in a certain way; `then` runs in its callback. */
  async #delay(how: (typeof DELAYS)[number], then: () => void = () => this.mark('region')): Promise<void> {
    if (how === 'promise') await Promise.resolve().then(then);
    else if (how === 'reject') await Promise.reject(new RangeError('caught')).catch(then);
    else if (how === 'thenable') {
      await {
        // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried
        then(resolve: (value: number) => void): void {
          then();
          resolve(1);
        },
      };
    } else
      await new Promise<void>((resolve) => {
        this.#callBack(how, () => {
          then();
          resolve();
        });
      });
  }

  #callBack(how: (typeof DELAYS)[number], callback: () => void): void {
    if (how === 'tick') process.nextTick(callback);
    else if (how === 'microtask') queueMicrotask(callback);
    else if (how === 'immediate') setImmediate(callback);
    else if (how === 'timeout') setTimeout(callback, 1);
    else if (how === 'file') stat('.', callback);
    else if (how === 'pool') randomBytes(1, callback);
    else if (how === 'message') {
      const { port1, port2 } = new MessageChannel();
      port1.once('message', () => {
        callback();
        port1.close();
      });
      port2.postMessage(1);
    } else {
      let calls = 0;
      const timer = (how === 'interval' ? setInterval : setTimeout)(() => {
        this.mark('region');
        if (++calls === 1 && how === 'refreshed') timer.refresh();
        if (calls < 2) return;
        clearInterval(timer);
        callback();
      }, 1);
    }
  }

  #keep(how: (typeof CARRIERS)[number]): void {
    const call = (fn: () => void): void => fn();
    if (how === 'snapshot') this.#carriers.push(AsyncLocalStorage.snapshot());
    else if (how === 'bind') this.#carriers.push(AsyncLocalStorage.bind(call));
    else if (how === 'resourceBind') this.#carriers.push(AsyncResource.bind(call));
    else if (how === 'resource') {
      const resource = new AsyncResource('test');
      this.#carriers.push((fn) => resource.runInAsyncScope(fn));
    } else if (how === 'emitter' || how === 'resourceEmitter') {
      const emitter =
        how === 'emitter' ? new EventEmitter() : new EventEmitterAsyncResource({ name: 'test' });
      emitter.on('call', call);
      this.#carriers.push((fn) => void emitter.emit('call', fn));
    } else {
      const generator = this.#asyncGenerator();
      this.#pending.push(generator.next());
      this.#carriers.push((fn) => void this.#pending.push(generator.next(fn)));
    }
  }

  async *#asyncGenerator(): AsyncGenerator<undefined, void, (() => void) | undefined> {
    for (;;) {
      const fn = yield;
      this.mark('region');
      fn?.();
      await this.#delay('microtask');
      this.mark('region');
    }
  }

  #noise(how: (typeof NOISE)[number], body: () => void): void {
    if (how === 'run') this.#other.run({}, body);
    else if (how === 'exit') this.#other.exit(body);
    else {
      if (how === 'enterWith') this.#other.enterWith({});
      else this.#other.disable();
      body();
    }
  }
}

/** The task that an event says it belongs to, or a task's parent; 0 for none. */
function taskOf({ cat, args }: DrainedEvent): number {
  return Number((cat === 'task' ? args?.parent : args?.task) ?? 0);
}

/** Plays a tree in a recording of its own; returns what was expected and what was recorded, by mark. */
async function playRecorded(program: readonly Step[], isHooked: boolean): Promise<[number[], number[]]> {
  const recording = recordHere();
  const player = new Player();
  const mark = (): void => player.mark('region');
  const hook = createHook({ init: mark, before: mark, after: mark });
  if (isHooked) hook.enable();
  try {
    await player.play(program);
    await player.finished();
  } finally {
    hook.disable();
  }
  expect(recording.finish().dropped).toBe(0);
  const found: number[] = [];
  for (const event of recording.events()) {
    if (event.name.startsWith('mark ') && 'XbiB'.includes(event.ph))
      found[Number(event.name.slice(5))] = taskOf(event);
  }
  return [player.expected, found];
}

test.each([
  ['', false],
  [' that has async hooks of its own', true],
])('every event of any program%s is in the task that a plain storage has', async (_, isHooked) => {
  let marks = 0;
  let inTasks = 0;
  await fc.assert(
    fc.asyncProperty(tree, async (program) => {
      const [expected, found] = await playRecorded(program, isHooked);
      expect(found).toEqual(expected);
      marks += expected.length;
      inTasks += expected.filter((id) => id > 0).length;
    }),
    { numRuns: 250 },
  );
  // Otherwise the programs have become too small to say anything.
  expect(inTasks).toBeGreaterThan(1000);
  expect(marks - inTasks).toBeGreaterThan(1000);
});
