/** Random calls on one thread beside plain models: what each answers, and in which order messages come. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Channel, Mutex, RWMutex, Semaphore, SyncError, WaitGroup } from './index.ts';

const codeOf = (fn: () => unknown): unknown => {
  try {
    return fn();
  } catch (error) {
    return error instanceof SyncError ? error.code : error;
  }
};

test('a mutex and a lock of readers and writers answer as their models', () => {
  const calls = fc.array(fc.constantFrom('write', 'unwrite', 'read', 'unread', 'lock', 'unlock'), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(calls, (names) => {
      const shared = new RWMutex();
      const mutex = new Mutex();
      let readers = 0;
      let isWritten = false;
      let isLocked = false;
      for (const name of names) {
        if (name === 'write') {
          const isFree: boolean = readers === 0 && !isWritten;
          expect(shared.tryLock()).toBe(isFree);
          isWritten ||= isFree;
        } else if (name === 'unwrite') {
          expect(codeOf(() => shared.unlock())).toBe(isWritten ? undefined : 'NOT_LOCKED');
          isWritten = false;
        } else if (name === 'read') {
          expect(shared.tryRLock()).toBe(!isWritten);
          if (!isWritten) readers++;
        } else if (name === 'unread') {
          expect(codeOf(() => shared.rUnlock())).toBe(readers > 0 ? undefined : 'NOT_LOCKED');
          readers = Math.max(0, readers - 1);
        } else if (name === 'lock') {
          expect(mutex.tryLock()).toBe(!isLocked);
          isLocked = true;
        } else {
          expect(codeOf(() => mutex.unlock())).toBe(isLocked ? undefined : 'NOT_LOCKED');
          isLocked = false;
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('a semaphore and a wait group count as their models', () => {
  const calls = fc.array(fc.tuple(fc.constantFrom('take', 'give', 'add'), fc.integer({ min: -3, max: 3 })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), calls, (all, steps) => {
      const semaphore = new Semaphore(all);
      const group = new WaitGroup();
      let left = all;
      let jobs = 0;
      for (const [name, by] of steps) {
        if (name === 'take') {
          expect(semaphore.tryAcquire()).toBe(left > 0);
          left = Math.max(0, left - 1);
        } else if (name === 'give') {
          expect(codeOf(() => semaphore.release())).toBe(left < all ? undefined : 'TOO_MANY_RELEASES');
          left = Math.min(all, left + 1);
        } else {
          expect(codeOf(() => group.add(by))).toBe(jobs + by < 0 ? 'NEGATIVE_COUNT' : undefined);
          if (jobs + by >= 0) jobs += by;
          if (jobs === 0) group.wait();
        }
      }
    }),
    { numRuns: 300 },
  );
});

const message = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.constant(undefined),
  fc.record({ a: fc.array(fc.double()) }),
);
const channelCall = fc.oneof(
  { weight: 5, arbitrary: fc.record({ name: fc.constant('send' as const), message }) },
  {
    weight: 4,
    arbitrary: fc.record({ name: fc.constant('receive' as const), message: fc.constant(undefined) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ name: fc.constant('close' as const), message: fc.constant(undefined) }),
  },
);

test('a channel holds, refuses, gives and closes as a plain queue does', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 5 }),
      fc.array(channelCall, { maxLength: 60 }),
      (capacity, calls) => {
        const channel = new Channel<unknown>({ capacity });
        const queue: unknown[] = [];
        let isClosed = false;
        for (const call of calls) {
          if (call.name === 'send') {
            const expected = isClosed ? 'CLOSED' : queue.length < capacity;
            expect(codeOf(() => channel.trySend(call.message))).toBe(expected);
            if (expected === true) queue.push(call.message);
          } else if (call.name === 'receive') {
            const isEmpty = queue.length === 0;
            const value = queue.shift();
            const expected = isEmpty
              ? isClosed
                ? { done: true, value }
                : undefined
              : { done: false, value };
            expect(channel.tryReceive()).toEqual(expected);
          } else {
            expect(codeOf(() => channel.close())).toBe(isClosed ? 'CLOSED' : undefined);
            isClosed = true;
          }
          expect([channel.length, channel.isClosed]).toEqual([queue.length, isClosed]);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('asynchronous sends and receives of one thread meet in order, whatever the capacity', async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 0, max: 3 }),
    fc.array(fc.constantFrom('send', 'receive', 'turn'), { minLength: 1, maxLength: 40 }),
    async (capacity, calls) => {
      const channel = Channel.of(Int32Array, 1, { capacity });
      const received: Promise<number | undefined>[] = [];
      const sent: Promise<unknown>[] = [];
      for (const name of calls) {
        if (name === 'send') sent.push(channel.sendAsync(Int32Array.of(sent.length)));
        else if (name === 'receive') received.push(channel.receiveAsync().then(({ value }) => value?.[0]));
        else await null;
      }
      while (sent.length < received.length) sent.push(channel.sendAsync(Int32Array.of(sent.length)));
      const values = await Promise.all(received);
      expect(values).toEqual(values.map((_, index) => index));
      const settled = Promise.allSettled(sent);
      channel.close();
      // Those that found room are there, those that waited are told.
      const rest: number[] = [];
      for await (const [value] of channel) rest.push(value!);
      const left = (await settled).slice(values.length).map(({ status }) => status);
      expect(rest).toEqual(rest.map((_, index) => values.length + index));
      expect(left.filter((status) => status === 'fulfilled')).toHaveLength(rest.length);
      expect(rest.length).toBeLessThanOrEqual(capacity);
    },
  );
  await fc.assert(property, { numRuns: 150 });
});
