/**
 * Follows calls of functions that the thread pool does the work of, to their callbacks or the settlement of their promises. What
 * the caller gets, and what is thrown, is what it would be otherwise; promises settle the same way, a few microtasks later.
 */
import { RecordKind } from '../ring.ts';
import { currentTaskId, isTakingPart, nextId, now, recordWith } from '../thread-recorder.ts';
import { withoutOwnFrames } from './own-frames.ts';
import type { AnyFunction } from './patch-method.ts';
import type { About } from './thread-pool-attributes.ts';
import { PoolQueue, type PoolTicket } from './thread-pool-queue.ts';

/** Which function it is that is called, and what to say about a call. */
export interface PoolFunction {
  /** Id of the name that a call gets. */
  labelOf(self: unknown): number;
  readonly about: About;
  /** Whether it is done in several steps, each a call that is seen itself: it does not stand in the queue. */
  readonly hasSteps: boolean;
  /** Whether it looks up a name: few threads of the pool may. */
  readonly isLookup: boolean;
  /** Is shown what promises become. */
  readonly see?: (value: unknown) => void;
}

/** A call that is under way. */
interface Operation {
  readonly of: PoolFunction;
  readonly label: number;
  readonly task: number;
  readonly start: number;
  readonly attributes: string;
  /** 0 until its begin is recorded. */
  id: number;
  /** Where it stands in the queue. */
  ticket: PoolTicket | undefined;
}

// Node's own, whatever becomes of it.
const { then } = Promise.prototype;

/** The calls of one thread while it records. */
export class PoolCalls {
  #isOn = true;
  readonly #queue = new PoolQueue();

  /** Nothing is recorded from here on, also where one of ours is still called. */
  stop(): void {
    this.#isOn = false;
    this.#queue.close();
  }

  /** A function that does what the original does, and has what it has. */
  wrap(original: AnyFunction, of: PoolFunction): AnyFunction {
    const calls = this;
    // A method has no prototype of its own: it gets what the original has.
    const { wrapped } = {
      wrapped(this: unknown, ...args: unknown[]): unknown {
        try {
          const attributes = calls.#isOn && isTakingPart() ? of.about(args) : undefined;
          if (attributes === undefined) return Reflect.apply(original, this, args);
          const label = of.labelOf(this);
          const operation = {
            of,
            label,
            task: currentTaskId(),
            start: now(),
            attributes,
            id: 0,
            ticket: undefined,
          };
          return calls.#follow(original, this, args, operation);
        } catch (error) {
          throw withoutOwnFrames(error);
        }
      },
    };
    for (const key of Reflect.ownKeys(original)) {
      if (key === 'name' || key === 'length') continue;
      Object.defineProperty(wrapped, key, Object.getOwnPropertyDescriptor(original, key)!);
    }
    return wrapped;
  }

  #follow(original: AnyFunction, self: unknown, args: unknown[], operation: Operation): unknown {
    const calls = this;
    const last = args.length - 1;
    const callback = args[last];
    if (typeof callback === 'function') {
      args[last] = function (this: unknown, ...results: unknown[]): unknown {
        calls.#end(operation, results[0]);
        return Reflect.apply(callback, this, results);
      };
      const result = Reflect.apply(original, self, args);
      this.#begin(operation);
      return result;
    }
    const result = Reflect.apply(original, self, args);
    // Without a callback some do their work at once.
    if (!(result instanceof Promise)) return result;
    this.#begin(operation);
    return Reflect.apply(then, result, [
      (value: unknown): unknown => {
        calls.#end(operation, undefined);
        operation.of.see?.(value);
        return value;
      },
      (reason: unknown): never => {
        calls.#end(operation, reason);
        // Errors of the system have no frame of ours, and V8 shows another line for one whose stack has been read.
        throw hasErrno(reason) ? reason : withoutOwnFrames(reason);
      },
    ]);
  }

  /** When the call has returned: one that throws never was an operation. */
  #begin(operation: Operation): void {
    if (operation.id !== 0) return;
    operation.id = nextId();
    const { of, label, task, start, attributes } = operation;
    let ahead = '';
    if (!of.hasSteps) {
      ahead = `${attributes === '' ? '' : ','}"ahead":${this.#queue.length}`;
      operation.ticket = this.#queue.enter(of.isLookup);
    }
    const text = `{${attributes}${ahead}}`;
    recordWith(text, operation.id, 0, RecordKind.asyncBegin, label, task, start, start);
  }

  #end(operation: Operation, result: unknown): void {
    if (!this.#isOn) return;
    // Called back before the call returned.
    if (operation.id === 0) this.#begin(operation);
    const { label, task, id, start, ticket } = operation;
    const end = now();
    const attributes = [...this.#times(ticket, start, end), ...errorOf(result)].join();
    const text = attributes === '' ? '' : `{${attributes}}`;
    recordWith(text, 0, 0, RecordKind.asyncEnd, label, task, end, id);
  }

  #times(ticket: PoolTicket | undefined, start: number, end: number): readonly string[] {
    const taken = ticket && this.#queue.leave(ticket, start, end);
    if (taken === undefined) return [];
    return [`"queued_ms":${millis(taken - start)}`, `"run_ms":${millis(end - taken)}`];
  }
}

function hasErrno(reason: unknown): boolean {
  return reason instanceof Error && Object.hasOwn(reason, 'errno');
}

/** To the microsecond. */
function millis(time: number): number {
  return Math.round(time * 1e3) / 1e3;
}

/** The code of an error as an attribute. */
function errorOf(result: unknown): readonly string[] {
  if (!(result instanceof Error)) return [];
  try {
    const { code, name } = result as NodeJS.ErrnoException;
    return [`"error":${JSON.stringify(String(code ?? name).slice(0, 100))}`];
  } catch {
    return ['"error":"unreadable"'];
  }
}
