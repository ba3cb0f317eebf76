/**
 * Object pools: a new buffer for every message, against buffers that are used again.
 *
 * Go's sync.Pool is for small objects of many goroutines. In Node small objects cost next to nothing: the young generation takes
 * them in and lets them go. What does cost is memory outside of the heap, such as buffers: each is allocated, filled with zeros
 * and handed back to the system when a collection finds that nobody has it. Each way runs on a thread of its own, which gets its
 * messages in chunks. What to see in the timeline: the `GC` slices of the first worker and its counter `array buffers`, a saw of
 * up to hundreds of megabytes; the second one's is flat.
 *
 *   npm run sample object-pool        records samples/out/object-pool.json and prints its summary
 */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';

const CHUNKS = 1300;
const MESSAGES = 500;
const BYTES = 32_768;

type Way = 'new buffers' | 'pooled buffers';

/** Buffers that nobody uses at the moment. */
class BufferPool {
  readonly #free: Buffer[] = [];

  acquire(): Buffer {
    return this.#free.pop() ?? Buffer.alloc(BYTES);
  }

  release(buffer: Buffer): void {
    this.#free.push(buffer);
  }
}

/** Writes a message into a buffer, as for a socket, and looks at what is there. */
function format(buffer: Buffer, message: number): number {
  const length = buffer.write(`Hello, World! This is message ${message}.`);
  return buffer[length - 2]!;
}

function answerNew(message: number): number {
  return format(Buffer.alloc(BYTES), message);
}

const pool = new BufferPool();
function answerPooled(message: number): number {
  const buffer = pool.acquire();
  try {
    return format(buffer, message);
  } finally {
    pool.release(buffer);
  }
}

async function timed(way: Way): Promise<number> {
  const worker = new Worker(new URL(import.meta.url), { name: way, workerData: way });
  await once(worker, 'online');
  const start = performance.now();
  const sum = await trace.withTask(way, { messages: CHUNKS * MESSAGES, bytes: BYTES }, async ({ id }) => {
    let total = 0;
    for (let chunk = 0; chunk < CHUNKS; chunk++) {
      worker.postMessage({ chunk, taskId: id });
      total += ((await once(worker, 'message')) as [number])[0];
    }
    return total;
  });
  const millis = performance.now() - start;
  console.log(`${way}: ${CHUNKS * MESSAGES} messages (check ${sum}) in ${millis.toFixed(0)} ms`);
  worker.postMessage(undefined);
  await once(worker, 'exit');
  return millis;
}

function serve(way: Way): void {
  const answer = way === 'new buffers' ? answerNew : answerPooled;
  parentPort!.on('message', (job: { readonly chunk: number; readonly taskId: number } | undefined) => {
    if (job === undefined) return parentPort!.close();
    const sum = trace.adoptTask(job.taskId).run(() =>
      trace.withRegion('chunk', () => {
        let total = 0;
        for (let i = 0; i < MESSAGES; i++) total += answer(job.chunk * MESSAGES + i);
        return total;
      }),
    );
    parentPort!.postMessage(sum);
  });
}

async function main(): Promise<void> {
  const file = process.argv[2] ?? fileURLToPath(new URL('../../out/object-pool.json', import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  await trace.start({ file });
  const fresh = await timed('new buffers');
  const pooled = await timed('pooled buffers');
  console.log(`speed-up: ${(fresh / pooled).toFixed(2)} x`);
  const report = await trace.stop();
  console.log(`${report?.events} events in ${report?.file}`);
}

if (isMainThread) await main();
else serve(workerData as Way);
