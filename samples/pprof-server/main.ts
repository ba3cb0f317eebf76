/**
 * Profiles over HTTP, as Go's net/http/pprof has them: a service makes a list without duplicates, in a way that takes the square of its
 * length, and in one that does not. While its event loop is blocked, somebody asks its debug server what it is doing.
 *
 * The answers come all the same, for the server has a thread of its own: the stack of the blocked thread, and a CPU profile with the
 * function that blocks at its top. Then two workers contend for a lock, which the mutex profile shows, and a cache grows, which the
 * heap profile shows. All profiles lie beside the trace, for `go tool pprof`; in the trace the slow way is a long red turn of `main`.
 *
 *   npm run sample pprof-server        records samples/out/pprof-server.json and prints its summary
 */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { startDebugServer } from '@ttrace/debug-server';
import { trace } from '@ttrace/sdk';
import { Mutex } from '@ttrace/sync';
import type { ClientData, Wish } from './client.ts';

const ITEMS = 60_000;
const CACHED = 200_000;
const LOCKS = 300;
/** Of working something out under the lock: some half a millisecond. */
const STEPS = 500_000;

/** Looks at all that it has found so far, for each item: this is where the time goes. */
function uniqueSlow(items: readonly number[]): number[] {
  const found: number[] = [];
  for (const item of items) {
    let isNew = true;
    for (let i = 0; i < found.length; i++) if (found[i] === item) isNew = false;
    if (isNew) found.push(item);
  }
  return found;
}

function uniqueFast(items: readonly number[]): number[] {
  return [...new Set(items)];
}

function fillCache(cache: Map<string, { readonly id: number }>): void {
  for (let id = 0; id < CACHED; id++) cache.set(`item ${id}`, { id });
}

function numbers(): number[] {
  return Array.from({ length: ITEMS }, (_, i) => (i * 7919) % (ITEMS + 1));
}

function timed(name: string, unique: (items: readonly number[]) => number[]): number {
  const items = numbers();
  const start = performance.now();
  const found = trace.withTask(name, () => trace.withRegion('unique', () => unique(items)));
  const millis = performance.now() - start;
  console.log(`${name}: ${found.length} different items in ${millis.toFixed(0)} ms`);
  return millis;
}

/** Asks another thread to fetch these from the debug server, whatever this one does meanwhile; resolves when they are there. */
function fetching(client: Worker, wish: Wish): Promise<unknown> {
  client.postMessage(wish);
  return once(client, 'message');
}

async function main(): Promise<void> {
  const file = process.argv[2] ?? fileURLToPath(new URL('../../out/pprof-server.json', import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  await trace.start({ file });
  const server = await startDebugServer({ port: 0 });
  const prefix = file.replace(/(\.json)?$/, '');
  const data: ClientData = { url: server.url, prefix, done: new Int32Array(new SharedArrayBuffer(4)) };
  const client = new Worker(new URL('client.js', import.meta.url), { workerData: data });
  await once(client, 'message');

  const looked = fetching(client, { stacks: true, profiles: ['profile?seconds=1'] });
  const slow = timed('slow', uniqueSlow);
  // On a busy machine whoever looks is late.
  while (Atomics.load(data.done, 0) === 0) uniqueSlow(numbers());
  await looked;
  const fast = timed('fast', uniqueFast);
  console.log(`speed-up: ${(slow / fast).toFixed(0)} x`);

  const cache = new Map<string, { readonly id: number }>();
  trace.withRegion('fill cache', () => fillCache(cache));
  const lock = new Mutex('counter');
  const workers = [0, 1].map(() => new Worker(new URL(import.meta.url), { workerData: lock }));
  // Both begin when both are there.
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  for (const worker of workers) worker.postMessage('go');
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  await fetching(client, { stacks: false, profiles: ['heap', 'mutex', 'block', 'goroutine'] });
  console.log(
    `look at them with: go tool pprof -top ${prefix}-profile.pb.gz (${cache.size} items are cached)`,
  );

  await client.terminate();
  await server.close();
  const report = await trace.stop();
  console.log(`${report?.events} events in ${report?.file}`);
}

function contend(): void {
  const lock = Mutex.from(workerData as Mutex);
  for (let i = 0; i < LOCKS; i++) trace.withRegion('increment', () => lock.withLock(workOut));
}

function workOut(): number {
  let rest = 0;
  for (let i = 0; i < STEPS; i++) rest = (rest + i) & 0xffff;
  return rest;
}

if (isMainThread) await main();
else {
  parentPort!.once('message', contend);
  parentPort!.postMessage('ready');
}
