/** RWMutex, Semaphore, WaitGroup and Once between threads. */
import { expect, test } from 'vitest';
import { ENDLESS_PATIENCE, runThreads, slicesOf } from './threads-test-kit.ts';

test('a writer is inside alone, and neither side starves', async () => {
  const { said, stderr } = await runThreads(
    `${ENDLESS_PATIENCE}const lock = new RWMutex('table');
    const memory = new SharedArrayBuffer(20);
    const workers = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => start({ lock, memory, isWriter: index < 3 }));
    await ended(workers);
    const [, , wrong, , written] = new Int32Array(memory);
    say([wrong, written, lock.tryLock()]);`,
    `${ENDLESS_PATIENCE}const lock = RWMutex.from(workerData.lock);
    const words = new Int32Array(workerData.memory);
    const [READING, WRITING, WRONG, WRITTEN] = [0, 1, 2, 4];
    for (let i = 0; i < 4000; i++) {
      if (workerData.isWriter) {
        lock.lock();
        Atomics.add(words, WRITING, 1);
        if (Atomics.load(words, WRITING) !== 1 || Atomics.load(words, READING) !== 0) Atomics.add(words, WRONG, 1);
        words[WRITTEN]++;
        Atomics.sub(words, WRITING, 1);
        lock.unlock();
      } else {
        lock.rLock();
        Atomics.add(words, READING, 1);
        if (Atomics.load(words, WRITING) !== 0) Atomics.add(words, WRONG, 1);
        for (let k = 0; k < 100; k++) Atomics.load(words, WRITING);
        Atomics.sub(words, READING, 1);
        lock.rUnlock();
      }
    }`,
  );
  expect(stderr).toBe('');
  expect(said).toEqual([[0, 12_000, true]]);
});

test('readers are inside together, and a writer waits for all of them', async () => {
  const { said } = await runThreads(
    `const lock = new RWMutex();
    const workers = [start({ lock }), start({ lock })];
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    lock.rLock();
    say([lock.tryLock(), lock.tryRLock()]);
    lock.rUnlock();
    lock.rUnlock();
    const writing = lock.lockAsync().then(() => 'writes');
    for (const worker of workers) {
      say(await Promise.race([writing, sleep(50, 'waits')]));
      worker.postMessage('end');
    }
    say(await writing);
    await ended(workers);`,
    `const lock = RWMutex.from(workerData.lock);
    lock.rLock();
    parentPort.postMessage('reads');
    parentPort.once('message', () => lock.rUnlock());`,
  );
  expect(said).toEqual([[false, true], 'waits', 'waits', 'writes']);
});

test('a writer that waits keeps new readers out, and those that wait come before the next writer', async () => {
  const { said } = await runThreads(
    `const lock = new RWMutex();
    const order = [];
    const as = (name, locking, unlock) => locking.then(async () => { order.push(name); await sleep(20); unlock(); });
    lock.rLock();
    const first = as('writer 1', lock.lockAsync(), () => lock.unlock());
    await sleep(20);
    const isLetIn = lock.tryRLock();
    const second = as('writer 2', lock.lockAsync(), () => lock.unlock());
    const reader = as('reader', lock.rLockAsync(), () => lock.rUnlock());
    await sleep(20);
    lock.rUnlock();
    await Promise.all([first, second, reader]);
    say([isLetIn, ...order]);`,
  );
  expect(said).toEqual([[false, 'writer 1', 'reader', 'writer 2']]);
});

test('wrong use of it is an error, and so is a thread that ends while it reads or writes', async () => {
  const { said } = await runThreads(
    `const lock = new RWMutex('table');
    say([codeOf(() => lock.unlock()), codeOf(() => lock.rUnlock())]);
    lock.lock();
    say([codeOf(() => lock.lock()), codeOf(() => lock.rLock()), lock.tryRLock(), codeOf(() => lock.rUnlock())]);
    lock.unlock();
    lock.rLock();
    say([codeOf(() => lock.lock()), codeOf(() => lock.unlock()), lock.tryRLock()]);
    for (const what of ['lock', 'rLock']) {
      const other = new RWMutex();
      const worker = start({ other, what });
      await once(worker, 'message');
      const waited = codeOfAsync(() => other.lockAsync());
      await worker.terminate();
      say([await waited, codeOf(() => other.lock())]);
    }`,
    `RWMutex.from(workerData.other)[workerData.what]();
    parentPort.postMessage('locked');
    setInterval(() => {}, 1000);`,
  );
  expect(said).toEqual([
    ['NOT_LOCKED', 'NOT_LOCKED'],
    ['DEADLOCK', 'DEADLOCK', false, 'NOT_LOCKED'],
    ['DEADLOCK', 'NOT_LOCKED', true],
    ['OWNER_ENDED', 'OWNER_ENDED'],
    ['OWNER_ENDED', 'OWNER_ENDED'],
  ]);
});

test('a thread that ends while it waits to write, or to read, is not in the way of the others', async () => {
  const { said } = await runThreads(
    `for (const what of ['lock', 'rLock']) {
      const lock = new RWMutex();
      if (what === 'lock') lock.rLock(); else lock.lock();
      const worker = start({ lock, what });
      await once(worker, 'message');
      await sleep(50);
      await worker.terminate();
      if (what === 'lock') lock.rUnlock(); else lock.unlock();
      await lock.rLockAsync();
      lock.rUnlock();
      await lock.lockAsync();
      lock.unlock();
      say([what, lock.tryLock()]);
    }`,
    `parentPort.postMessage('soon');
    RWMutex.from(workerData.lock)[workerData.what]();`,
  );
  expect(said).toEqual([
    ['lock', true],
    ['rLock', true],
  ]);
});

test('a semaphore lets so many in, whether they stop or await', async () => {
  const { said, stderr } = await runThreads(
    `${ENDLESS_PATIENCE}const semaphore = new Semaphore(3);
    const memory = new SharedArrayBuffer(8);
    const words = new Int32Array(memory);
    const workers = [0, 1, 2, 3, 4, 5].map(() => start({ semaphore, memory }));
    await Promise.all([0, 1, 2].map(async () => {
      for (let i = 0; i < 300; i++) {
        await semaphore.withPermit(async () => {
          words[1] = Math.max(words[1], Atomics.add(words, 0, 1) + 1);
          await null;
          Atomics.sub(words, 0, 1);
        });
      }
    }));
    await ended(workers);
    say([...words, codeOf(() => semaphore.release()), codeOf(() => new Semaphore(0))]);`,
    `${ENDLESS_PATIENCE}const semaphore = Semaphore.from(workerData.semaphore);
    const words = new Int32Array(workerData.memory);
    for (let i = 0; i < 5000; i++) {
      semaphore.acquire();
      words[1] = Math.max(words[1], Atomics.add(words, 0, 1) + 1);
      for (let k = 0; k < 200; k++) Atomics.load(words, 0);
      Atomics.sub(words, 0, 1);
      semaphore.release();
    }`,
  );
  expect(stderr).toBe('');
  expect(said).toEqual([
    [0, 3, 'TOO_MANY_RELEASES', 'RangeError: permits must be an integer from 1 to 2^31 - 1, got 0'],
  ]);
});

test('a wait group is over when all of its jobs are, again and again', async () => {
  const { said, stderr } = await runThreads(
    `${ENDLESS_PATIENCE}const group = new WaitGroup('jobs');
    const jobs = new Channel({ capacity: 8 });
    const memory = new SharedArrayBuffer(4);
    const words = new Int32Array(memory);
    const workers = [0, 1, 2, 3].map(() => start({ group, jobs, memory }));
    const counts = [];
    for (let round = 0; round < 40; round++) {
      group.add(100);
      for (let i = 0; i < 100; i++) jobs.send(i);
      if (round % 2 === 0) group.wait(); else await group.waitAsync();
      counts.push(Atomics.load(words, 0));
    }
    jobs.close();
    await ended(workers);
    say([counts.every((count, round) => count === 100 * (round + 1)), codeOf(() => group.done()), codeOf(() => group.add(0.5))]);`,
    `${ENDLESS_PATIENCE}const group = WaitGroup.from(workerData.group);
    const words = new Int32Array(workerData.memory);
    for (const job of Channel.from(workerData.jobs)) { Atomics.add(words, 0, 1); group.done(); }`,
  );
  expect(stderr).toBe('');
  expect(said).toEqual([[true, 'NEGATIVE_COUNT', 'RangeError: jobs must be an integer, got 0.5']]);
});

test('a function runs once in all threads, and everybody goes on after it', async () => {
  const { said, stderr } = await runThreads(
    `for (const kind of ['do', 'doAsync']) {
      const once = new Once();
      const memory = new SharedArrayBuffer(12);
      const workers = [0, 1, 2, 3, 4, 5, 6, 7].map(() => start({ once, memory, kind }));
      await ended(workers);
      say([...new Int32Array(memory), once.isOver]);
    }
    const failing = new Once();
    say([codeOf(() => failing.do(() => { throw new RangeError('mine'); })), failing.do(() => {}), failing.isOver]);
    const inner = new Once();
    say([codeOf(() => inner.do(3)), inner.isOver]);
    say([codeOf(() => inner.do(() => inner.do(() => {}))), inner.isOver]);
    const left = new Once();
    const worker = start({ once: left, kind: 'stay' });
    await once(worker, 'message');
    const waited = codeOfAsync(() => left.doAsync(() => {}));
    await worker.terminate();
    say(await waited);`,
    `const one = Once.from(workerData.once);
    if (workerData.kind === 'stay') one.do(() => { parentPort.postMessage('in'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); });
    const words = new Int32Array(workerData.memory);
    const work = async () => { Atomics.add(words, 0, 1); const end = performance.now() + 30; while (performance.now() < end); words[1] = 1; };
    const ran = workerData.kind === 'do' ? one.do(() => { void work(); }) : await one.doAsync(work);
    if (words[1] !== 1) Atomics.add(words, 2, 1);
    if (ran) Atomics.add(words, 0, 10);`,
  );
  expect(stderr).toBe('');
  expect(said).toEqual([
    [11, 1, 0, true],
    [11, 1, 0, true],
    ['RangeError: mine', false, true],
    ['TypeError: fn must be a function', false],
    ['DEADLOCK', true],
    'OWNER_ENDED',
  ]);
});

test('a trace has the waits for each by name, and an arrow from who let go', async () => {
  const { events, stderr } = await runThreads(
    `const all = { permits: new Semaphore(1, 'permits'), table: new RWMutex('table'), jobs: new WaitGroup('jobs'), config: new Once('config') };
    all.permits.acquire();
    all.table.lock();
    all.jobs.add(1);
    const letGo = {
      'semaphore permits wait': () => all.permits.release(),
      'read lock table wait': () => all.table.unlock(),
      'wait group jobs wait': () => all.jobs.done(),
      'once config wait': () => {},
    };
    const worker = start(all);
    const running = all.config.doAsync(async () => {
      for (const [wait, next] of Object.entries(letGo)) { await written(wait); await sleep(30); next(); }
    });
    await running;
    await ended([worker]);`,
    `const { permits, table, jobs, config } = workerData;
    Semaphore.from(permits).acquire();
    RWMutex.from(table).rLock();
    WaitGroup.from(jobs).wait();
    Once.from(config).do(() => {});`,
    { isTraced: true },
  );
  expect(stderr).toBe('');
  const flowsIn = new Set(events.filter(({ ph }) => ph === 'f').map(({ id }) => id));
  const flowsOut = events.filter(({ ph }) => ph === 's').map(({ id }) => id);
  expect(flowsOut.filter((id) => flowsIn.has(id)).length).toBeGreaterThanOrEqual(4);
  for (const name of [
    'semaphore permits wait',
    'read lock table wait',
    'wait group jobs wait',
    'once config wait',
  ]) {
    const slices = slicesOf(events, name);
    expect(slices, name).toHaveLength(1);
    expect(slices[0]!.end - slices[0]!.ts, name).toBeGreaterThan(20_000);
  }
});
