import { expect, test } from 'vitest';
import { ENDLESS_PATIENCE, runThreads, slicesOf } from './threads-test-kit.ts';

const COUNT_UNDER_LOCK = `${ENDLESS_PATIENCE}
const lock = Mutex.from(workerData.lock);
const words = new Int32Array(workerData.memory);
for (let i = 0; i < workerData.rounds; i++) {
  lock.lock();
  if (words[1] !== 0) Atomics.add(words, 2, 1);
  words[1] = threadId;
  words[0]++;
  words[1] = 0;
  lock.unlock();
}`;

test('eight threads never have it at once in a million rounds', async () => {
  const { said, stderr } = await runThreads(
    `${ENDLESS_PATIENCE}const lock = new Mutex('count');
    const memory = new SharedArrayBuffer(12);
    const workers = Array.from({ length: 8 }, () => start({ lock, memory, rounds: 125_000 }));
    await ended(workers);
    say([...new Int32Array(memory)]);`,
    COUNT_UNDER_LOCK,
  );
  expect(stderr).toBe('');
  expect(said).toEqual([[1_000_000, 0, 0]]);
});

test('threads that stop and those that await share it', async () => {
  const { said, stderr } = await runThreads(
    `${ENDLESS_PATIENCE}const lock = new Mutex('count');
    const memory = new SharedArrayBuffer(12);
    const words = new Int32Array(memory);
    const workers = Array.from({ length: 3 }, () => start({ lock, memory, rounds: 20_000 }));
    let most = 0;
    let inside = 0;
    await Promise.all(Array.from({ length: 4 }, async () => {
      for (let i = 0; i < 500; i++) {
        await lock.withLockAsync(async () => {
          most = Math.max(most, ++inside);
          const before = words[0];
          await null;
          words[0] = before + 1;
          inside--;
        });
      }
    }));
    await ended(workers);
    say([...words, most]);`,
    COUNT_UNDER_LOCK,
  );
  expect(stderr).toBe('');
  expect(said).toEqual([[62_000, 0, 0, 1]]);
});

test('a thread that wants it is not overtaken for ever by one that takes it again at once', async () => {
  const { said } = await runThreads(
    `const lock = new Mutex();
    const memory = new SharedArrayBuffer(8);
    const workers = [start({ lock, memory })];
    const words = new Int32Array(memory);
    Atomics.wait(words, 0, 0, 5000);
    for (let i = 0; i < 20; i++) lock.withLock(() => {});
    Atomics.store(words, 1, 1);
    await ended(workers);
    say('got it 20 times');`,
    `const lock = Mutex.from(workerData.lock);
    const words = new Int32Array(workerData.memory);
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
    while (Atomics.load(words, 1) === 0) lock.withLock(() => { const end = performance.now() + 0.3; while (performance.now() < end); });`,
  );
  expect(said).toEqual(['got it 20 times']);
});

test('requests of one thread get it in their order', async () => {
  const { said } = await runThreads(`const lock = new Mutex();
    const order = [];
    await Promise.all([1, 2, 3, 4, 5].map((n) => lock.withLockAsync(async () => { await sleep(5 - n); order.push(n); })));
    say(order);`);
  expect(said).toEqual([[1, 2, 3, 4, 5]]);
});

test('wrong use is an error that says what is wrong, and changes nothing', async () => {
  const { said, stderr } = await runThreads(
    `const lock = new Mutex('orders');
    say(codeOf(() => lock.unlock()));
    lock.lock();
    say([lock.tryLock(), codeOf(() => lock.lock())]);
    const workers = [start({ lock })];
    await ended(workers);
    lock.unlock();
    say(codeOf(() => lock.unlock()));
    say([lock.tryLock(), codeOf(() => Mutex.from(new Semaphore(1))), codeOf(() => Mutex.from({ shared: { kind: 'Mutex/1', memory: new SharedArrayBuffer(64), name: '' } })), codeOf(() => Mutex.from(undefined))]);
    say(codeOf(() => lock.withLock(() => { throw new RangeError('mine'); })));
    lock.unlock();
    say([codeOf(() => lock.withLock(() => { throw new RangeError('mine'); })), lock.tryLock()]);`,
    `const lock = Mutex.from(workerData.lock);
    try { lock.unlock(); } catch (error) { console.log(JSON.stringify([error.name, error.code, error.message, error.threadId])); }`,
  );
  expect(stderr).toBe('');
  expect(said).toEqual([
    'NOT_LOCKED',
    [false, 'DEADLOCK'],
    ['SyncError', 'NOT_OWNER', 'orders is locked by thread 0, not by this one, 1', 0],
    'NOT_LOCKED',
    [true, 'NOT_SHARED', 'NOT_SHARED', 'NOT_SHARED'],
    'DEADLOCK',
    ['RangeError: mine', true],
  ]);
});

for (const [how, end] of [
  ['is terminated', 'setInterval(() => {}, 1000);'],
  ['exits', 'process.exit(1);'],
  ['throws', 'throw new Error("thrown");'],
] as const) {
  test(`a thread that ${how} while it has it does not leave others waiting`, async () => {
    const { said } = await runThreads(
      `const lock = new Mutex('orders');
      const holder = start({ lock, isHolder: true });
      await once(holder, 'message');
      const waiter = start({ lock });
      const waited = codeOfAsync(() => lock.lockAsync());
      await sleep(50);
      if (${how === 'is terminated'}) await holder.terminate();
      else holder.postMessage('end');
      say(await waited);
      await waiter.over;
      say([codeOf(() => lock.lock()), lock.tryLock(), lock.takeOver(), lock.takeOver()]);
      lock.unlock();
      say(lock.tryLock());`,
      `const lock = Mutex.from(workerData.lock);
      if (workerData.isHolder) {
        lock.lock();
        parentPort.postMessage('locked');
        parentPort.once('message', () => { ${end} });
      } else console.log(JSON.stringify('worker: ' + codeOf(() => lock.lock())));`,
    );
    expect([...said.slice(0, 2)].sort()).toEqual(['OWNER_ENDED', 'worker: OWNER_ENDED']);
    expect(said.slice(2)).toEqual([['OWNER_ENDED', false, true, false], true]);
  });
}

test.runIf(process.platform === 'linux')(
  'a thread that its parent cannot see end, because that waits as well, is known to have ended',
  async () => {
    const { said } = await runThreads(
      `const lock = new Mutex('orders');
      const holder = start({ lock });
      await once(holder, 'message');
      void holder.terminate();
      say(codeOf(() => lock.lock()));`,
      `Mutex.from(workerData.lock).lock();
      parentPort.postMessage('locked');
      setInterval(() => {}, 1000);`,
    );
    expect(said).toEqual(['OWNER_ENDED']);
  },
);

test('threads that were made before this package was there share it by a message', async () => {
  const { said } = await runThreads(
    `const lock = new Mutex();
    const worker = start({});
    worker.postMessage(lock);
    await once(worker, 'message');
    say(lock.tryLock());
    worker.postMessage('unlock');
    await lock.lockAsync();
    lock.unlock();
    await ended([worker]);
    say('over');`,
    `parentPort.once('message', (shared) => {
      const lock = Mutex.from(shared);
      lock.lock();
      parentPort.postMessage('locked');
      parentPort.once('message', () => setTimeout(() => lock.unlock(), 50));
    });`,
  );
  expect(said).toEqual([false, 'over']);
});

test('who awaits it keeps its thread alive', async () => {
  const { said } = await runThreads(
    `const lock = new Mutex();
    lock.lock();
    const worker = start({ lock });
    await sleep(300);
    lock.unlock();
    await ended([worker]);`,
    `await Mutex.from(workerData.lock).lockAsync();
    console.log(JSON.stringify('worker got it'));
    process.exitCode = 0;`,
  );
  expect(said).toEqual(['worker got it']);
});

test('a trace shows who waited, who had it, and an arrow from one to the other', async () => {
  const { events, stderr } = await runThreads(
    `const lock = new Mutex('orders');
    lock.lock();
    const worker = start({ lock });
    await written('lock orders wait');
    lock.unlock();
    await once(worker, 'message');
    const locking = lock.lockAsync();
    await sleep(20);
    worker.postMessage('unlock');
    await locking;
    lock.unlock();
    await ended([worker]);`,
    `const lock = Mutex.from(workerData.lock);
    lock.lock();
    parentPort.postMessage('locked');
    parentPort.once('message', () => lock.unlock());`,
    { isTraced: true },
  );
  expect(stderr).toBe('');
  const named = (name: string) => events.filter((event) => event.name === name);
  const holds = named('lock orders').filter(({ ph }) => ph === 'b');
  expect(holds).toHaveLength(3);
  // On a row of no thread: main, the worker, main.
  const main = named('lock orders unlock')[0]!.tid;
  const worker = slicesOf(events, 'lock orders wait')[0]!.tid;
  expect(holds.map(({ args }) => args?.tid)).toEqual([main, worker, main]);
  const awaited = named('lock orders wait').find(({ ph }) => ph === 'b');
  expect(awaited?.args?.tid).toBe(main);
  // One waits on its thread, one does not stop it.
  expect(named('lock orders wait').filter(({ ph }) => ph === 'b')).toHaveLength(1);
  const [wait, ...others] = slicesOf(events, 'lock orders wait');
  expect(others).toEqual([]);
  const unlocks = named('lock orders unlock');
  expect(unlocks).toHaveLength(2);
  expect(unlocks[0]!.cat).toBe('flow');
  expect(wait!.tid).not.toBe(unlocks[0]!.tid);
  expect(wait!.ts).toBeLessThan(unlocks[0]!.ts);
  expect(wait!.end).toBeGreaterThan(unlocks[0]!.ts);
  const out = events.filter(({ ph }) => ph === 's').map(({ id }) => id);
  const into = events.filter(({ ph }) => ph === 'f').map(({ id }) => id);
  expect(out.filter((id) => into.includes(id)).length).toBeGreaterThanOrEqual(2);
  expect(named('Atomics.wait')).toEqual([]);
});
