// What locks and channels between threads cost while nothing is recorded, beside the least that does the same: a lock of three
// states and a ring under it, on bare Atomics; beside async-mutex, which is for one thread; and beside a MessagePort. Variants
// take turns in short rounds, and the medians of the rounds are compared.
//
//   node packages/sync/bench/sync.mjs [--strict]
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { isMainThread, MessageChannel, parentPort, Worker } from 'node:worker_threads';
import { nanoseconds, print, row, times } from '@ttrace/bench';
import { Channel, Mutex, RWMutex, Semaphore, WaitGroup } from '@ttrace/sync';
import { Mutex as AsyncMutex } from 'async-mutex';

const ROUNDS = Number(process.env.ROUNDS ?? 21);
const CALLS = 200_000;
const CONTENDED = 20_000;
const THREADS = 4;
const TRIPS = 2000;
const MESSAGES = 20_000;
const BUDGET = 1.3;

/** 0 free, 1 taken, 2 taken and awaited: the least that a lock between threads needs. */
class BareMutex {
  #words;

  constructor(memory = new SharedArrayBuffer(8)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  lock() {
    if (Atomics.compareExchange(this.#words, 0, 0, 1) === 0) return;
    while (Atomics.exchange(this.#words, 0, 2) !== 0) Atomics.wait(this.#words, 0, 2);
  }

  unlock() {
    if (Atomics.exchange(this.#words, 0, 0) === 2) Atomics.notify(this.#words, 0, 1);
  }
}

/** A number that is taken from and given to, and slept on at 0: a semaphore, and what counts readers or jobs. */
class BareCount {
  #words = new Int32Array(new SharedArrayBuffer(8));

  constructor(count) {
    this.#words[0] = count;
  }

  take() {
    for (;;) {
      const count = Atomics.load(this.#words, 0);
      if (count === 0) Atomics.wait(this.#words, 0, 0);
      else if (Atomics.compareExchange(this.#words, 0, count, count - 1) === count) return;
    }
  }

  give() {
    Atomics.add(this.#words, 0, 1);
    if (Atomics.load(this.#words, 1) > 0) Atomics.notify(this.#words, 0, 1);
  }
}

/** Readers, or -1 for a writer, and how many are asleep. */
class BareRWMutex {
  #words = new Int32Array(new SharedArrayBuffer(8));

  rLock() {
    for (;;) {
      const state = Atomics.load(this.#words, 0);
      if (state < 0) this.#sleep(state);
      else if (Atomics.compareExchange(this.#words, 0, state, state + 1) === state) return;
    }
  }

  rUnlock() {
    if (Atomics.sub(this.#words, 0, 1) === 1 && Atomics.load(this.#words, 1) > 0)
      Atomics.notify(this.#words, 0);
  }

  lock() {
    for (;;) {
      const state = Atomics.compareExchange(this.#words, 0, 0, -1);
      if (state === 0) return;
      this.#sleep(state);
    }
  }

  unlock() {
    Atomics.store(this.#words, 0, 0);
    if (Atomics.load(this.#words, 1) > 0) Atomics.notify(this.#words, 0);
  }

  #sleep(state) {
    Atomics.add(this.#words, 1, 1);
    Atomics.wait(this.#words, 0, state);
    Atomics.sub(this.#words, 1, 1);
  }
}

/** A ring of so many numbers under such a lock. */
class BareRing {
  #words;
  #doubles;
  #lock;

  constructor(memory = new SharedArrayBuffer(64 + 64 * 8)) {
    this.memory = memory;
    this.#words = new Int32Array(memory, 0, 16);
    this.#doubles = new Float64Array(memory, 64);
    this.#lock = new BareMutex(memory);
  }

  send(value) {
    for (;;) {
      this.#lock.lock();
      const taken = this.#words[3];
      if (this.#words[2] - taken < 64) break;
      this.#lock.unlock();
      Atomics.wait(this.#words, 3, taken);
    }
    this.#doubles[this.#words[2]++ % 64] = value;
    this.#lock.unlock();
    Atomics.notify(this.#words, 2);
  }

  receive() {
    for (;;) {
      this.#lock.lock();
      const put = this.#words[2];
      if (put !== this.#words[3]) break;
      this.#lock.unlock();
      Atomics.wait(this.#words, 2, put);
    }
    const value = this.#doubles[this.#words[3]++ % 64];
    this.#lock.unlock();
    Atomics.notify(this.#words, 3);
    return value;
  }
}

/** A loop of its own for each, or V8 would optimize one for all of them. */
function loopOf(take, give) {
  const loop = new Function(
    'on',
    'calls',
    `const start = performance.now();
    for (let i = 0; i < calls; i++) { on.${take}; on.${give}; }
    return ((performance.now() - start) * 1e6) / calls;`,
  );
  return (on) => loop(on, CALLS);
}

async function asyncCalls(acquire) {
  const calls = CALLS / 10;
  const start = performance.now();
  for (let i = 0; i < calls; i++) (await acquire())();
  return ((performance.now() - start) * 1e6) / calls;
}

/** A short piece of work under the lock, and one outside of it. */
function contend(lock, words) {
  for (let i = 0; i < CONTENDED; i++) {
    lock.lock();
    for (let k = 0; k < 20; k++) words[0]++;
    lock.unlock();
    for (let k = 0; k < 40; k++) words[1 + k]++;
  }
}

const loops = {
  bare: loopOf('lock()', 'unlock()'),
  lock: loopOf('lock()', 'unlock()'),
  bareCount: loopOf('take()', 'give()'),
  semaphore: loopOf('acquire()', 'release()'),
  group: loopOf('add(1)', 'done()'),
  bareReading: loopOf('rLock()', 'rUnlock()'),
  reading: loopOf('rLock()', 'rUnlock()'),
  bareWriting: loopOf('lock()', 'unlock()'),
  writing: loopOf('lock()', 'unlock()'),
};

const workers = [];

async function contended(kind, memory, counters) {
  const start = performance.now();
  await Promise.all(
    workers.map((worker) => {
      worker.postMessage({ job: 'contend', kind, memory, counters });
      return once(worker, 'message');
    }),
  );
  return ((performance.now() - start) * 1e6) / (THREADS * CONTENDED);
}

/** Numbers to another thread and back, one after another, or many in a row. */
async function exchange(kind, there, back) {
  const [worker] = workers;
  worker.postMessage({ job: 'echo', kind, there, back });
  const start = performance.now();
  for (let i = 0; i < TRIPS; i++) {
    there.send(value(kind, i));
    back.receive();
  }
  const trip = ((performance.now() - start) * 1e6) / TRIPS;
  await once(worker, 'message');
  worker.postMessage({ job: 'drain', kind, there });
  const rowStart = performance.now();
  for (let i = 0; i < MESSAGES; i++) there.send(value(kind, i));
  await once(worker, 'message');
  return { trip, message: ((performance.now() - rowStart) * 1e6) / MESSAGES };
}

const value = (kind, i) => (kind === 'bare' ? i : kind === 'typed' ? Float64Array.of(i) : { i, ok: true });

async function exchangeByPort() {
  const { port1, port2 } = new MessageChannel();
  const [worker] = workers;
  worker.postMessage({ job: 'port', port: port2 }, [port2]);
  const start = performance.now();
  for (let i = 0; i < TRIPS; i++) {
    port1.postMessage({ i, ok: true });
    await once(port1, 'message');
  }
  const trip = ((performance.now() - start) * 1e6) / TRIPS;
  const rowStart = performance.now();
  for (let i = 0; i < MESSAGES; i++) port1.postMessage({ i, ok: true, last: i === MESSAGES - 1 });
  await once(port1, 'message');
  const message = ((performance.now() - rowStart) * 1e6) / MESSAGES;
  port1.close();
  return { trip, message };
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

async function main() {
  for (let i = 0; i < THREADS; i++) {
    workers.push(new Worker(new URL(import.meta.url)));
    await once(workers[i], 'online');
  }
  const mutex = new Mutex('bench');
  const bare = new BareMutex();
  const other = new AsyncMutex();
  const counters = new SharedArrayBuffer(256);
  const release = () => mutex.unlock();
  const count = new BareCount(10);
  const semaphore = new Semaphore(10);
  const shared = new RWMutex();
  const bareShared = new BareRWMutex();
  const group = new WaitGroup();
  const measures = {
    bare: () => loops.bare(bare),
    lock: () => loops.lock(mutex),
    bareCount: () => loops.bareCount(count),
    semaphore: () => loops.semaphore(semaphore),
    group: () => loops.group(group),
    bareReading: () => loops.bareReading(bareShared),
    reading: () => loops.reading(shared),
    bareWriting: () => loops.bareWriting(bareShared),
    writing: () => loops.writing(shared),
    lockAsync: () => asyncCalls(() => mutex.lockAsync().then(() => release)),
    asyncMutex: () => asyncCalls(() => other.acquire()),
    bareContended: () => contended('bare', bare.memory, counters),
    contended: () => contended('mutex', mutex, counters),
    ring: () => exchange('bare', new BareRing(), new BareRing()),
    typed: () =>
      exchange(
        'typed',
        Channel.of(Float64Array, 1, { capacity: 64 }),
        Channel.of(Float64Array, 1, { capacity: 64 }),
      ),
    clones: () => exchange('clones', new Channel({ capacity: 64 }), new Channel({ capacity: 64 })),
    port: () => exchangeByPort(),
  };
  const found = Object.fromEntries(Object.keys(measures).map((name) => [name, []]));
  for (let round = -2; round < ROUNDS; round++) {
    for (const [name, measure] of Object.entries(measures)) {
      const result = await measure();
      if (round >= 0) found[name].push(result);
    }
  }
  const of = (name, part) =>
    median(found[name].map((result) => (part === undefined ? result : result[part])));
  const beside = (what, name, floor, target, part) => {
    const [own, least] = [of(name, part), of(floor, part)];
    const ratio = own / least;
    const texts = target === undefined ? [''] : [`<= ${target} x`, ratio <= target];
    row(what, nanoseconds(own), `${nanoseconds(least)} ${floor}`, times(ratio), ...texts);
  };
  beside('lock and unlock, free', 'lock', 'bare', BUDGET);
  beside(`lock and unlock, ${THREADS} threads at once`, 'contended', 'bareContended', BUDGET);
  beside('semaphore: acquire and release', 'semaphore', 'bareCount', BUDGET);
  beside('RWMutex: rLock and rUnlock', 'reading', 'bareReading', BUDGET);
  beside('RWMutex: lock and unlock', 'writing', 'bareWriting', BUDGET);
  beside('wait group: add and done', 'group', 'bareCount', BUDGET);
  beside('lockAsync and unlock, free', 'lockAsync', 'asyncMutex');
  beside('typed message to a thread, in a row', 'typed', 'ring', BUDGET, 'message');
  beside('typed message to a thread and back', 'typed', 'ring', BUDGET, 'trip');
  beside('cloned message to a thread, in a row', 'clones', 'port', undefined, 'message');
  beside('cloned message to a thread and back', 'clones', 'port', undefined, 'trip');
  print(`Locks and channels, Node ${process.version}`);
  await Promise.all(workers.map((worker) => worker.terminate()));
}

function serve({ job, kind, memory, counters, there, back, port }) {
  const queue = (shared) => (kind === 'bare' ? new BareRing(shared.memory) : Channel.from(shared));
  if (job === 'contend') {
    contend(kind === 'bare' ? new BareMutex(memory) : Mutex.from(memory), new Int32Array(counters));
  } else if (job === 'echo') {
    const [from, to] = [queue(there), queue(back)];
    for (let i = 0; i < TRIPS; i++) to.send(from.receive().value ?? i);
  } else if (job === 'drain') {
    const from = queue(there);
    for (let i = 0; i < MESSAGES; i++) from.receive();
  } else {
    let got = 0;
    port.on('message', (message) => {
      if (++got <= TRIPS || message.last === true) port.postMessage(message);
    });
    return;
  }
  parentPort.postMessage('done');
}

if (isMainThread) await main();
else parentPort.on('message', serve);
